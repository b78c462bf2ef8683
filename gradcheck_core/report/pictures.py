"""What the pictures of a report are drawn from: frozen records of plain numbers, small whatever the tensor's size."""

from dataclasses import dataclass
from typing import final

from ..numerics.curves import Remainders, StepCurve
from ..numerics.norms import Row


@final
@dataclass(frozen=True, slots=True)
class HeatMap:
    """Where in a tensor claimed and numeric derivative differ, and by how much.

    Attributes
    ----------
    cells : tuple of tuple of float
        Row by row the largest ``|claimed - numeric|`` of the entries in a cell, absolute; infinite where a claim is not
        finite, NaN where none of them was measured.
    rows, columns : tuple of int
        The tensor's axes that go down and across; a tensor of other than two is folded.
    height, width : int
        How many entries that is; a cell holds one or several.
    worst : tuple of int
        The cell with the worst entry, by row and column.
    """

    cells: tuple[Row, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    height: int
    width: int
    worst: tuple[int, int]


@final
@dataclass(frozen=True, slots=True)
class Scatter:
    """Some entries' claimed and numeric derivatives, the ones farthest apart among them.

    Attributes
    ----------
    claimed, numeric : tuple of float
        Absolute, finite; those farthest apart come first.
    apart : int
        How many of these differ by more than their error bar; they come first.
    measured : int
        How many entries were measured and are finite, shown or not.
    """

    claimed: Row
    numeric: Row
    apart: int
    measured: int


@final
@dataclass(frozen=True, slots=True)
class Kink:
    """An entry on a kink of the cost: every value between the one-sided slopes is a subgradient."""

    entry: str
    claimed: float
    lower: float
    upper: float
    error: float


@final
@dataclass(frozen=True, slots=True)
class Curves:
    """What the second look measured of one entry: differences over growing steps, and Taylor remainders.

    Attributes
    ----------
    entry : str
        Its name.
    claimed, numeric : float
        Its derivatives.
    steps, remainders
        The curves.
    """

    entry: str
    claimed: float
    numeric: float
    steps: StepCurve
    remainders: Remainders


@final
@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to be drawn of one parameter; None or empty where there is nothing."""

    name: str
    heat_map: HeatMap | None = None
    scatter: Scatter | None = None
    kinks: tuple[Kink, ...] = ()
    curves: Curves | None = None


@final
@dataclass(frozen=True, slots=True)
class Pictures:
    """What is to be drawn of a check.

    Attributes
    ----------
    of : tuple of Picture
        Of the wrong parameters that matter most, the one to look at first before all others; of the worst where none is
        wrong.
    left_out : int
        How many more parameters are wrong.
    replay : str
        The call that repeats the check.
    """

    of: tuple[Picture, ...] = ()
    left_out: int = 0
    replay: str = ""

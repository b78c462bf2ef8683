"""What the pictures of a report are drawn from: frozen records of plain numbers, small whatever the tensor's size."""

from dataclasses import dataclass
from typing import cast, final

import numpy as np
import numpy.typing as npt

Row = tuple[float, ...]


def row(values: npt.NDArray[np.float64]) -> Row:
    """An array as a record keeps it."""
    return cast("Row", tuple(values.tolist()))


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
        How many entries that are, of which a cell holds one or several.
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
class StepCurve:
    """One entry's differences over growing steps.

    Attributes
    ----------
    step : tuple of float
        As taken to the right, absolute, in units of theta.
    right, left : tuple of float
        The one-sided slopes at each step.
    central : tuple of float
        The central difference.
    floor : tuple of float
        What noise of the cost can make of it: the floor below which no error at that step can be seen.
    error : tuple of float
        Its estimated error, truncation and noise together.
    """

    step: Row
    right: Row
    left: Row
    central: Row
    floor: Row
    error: Row

    @property
    def best(self) -> int:
        """The position of the step of least estimated error."""
        return min(range(len(self.step)), key=self.error.__getitem__)


@final
@dataclass(frozen=True, slots=True)
class Remainders:
    """Taylor remainders ``|J(theta + t d) - J(theta) - t g.d|`` along one direction d.

    Attributes
    ----------
    t : tuple of float
        Dimensionless, growing; 1 moves each entry that d goes through by its own size.
    claimed, numeric : tuple of float
        With the claimed gradient for g, and with the numeric one; absolute, in units of the cost.
    floor : float
        What noise of the cost makes of any of them.
    claimed_slope, numeric_slope : float
        In logarithms, where the remainder is above the floor; NaN where too few are. 2 for the gradient of a smooth
        cost, 1 where the first-order term is off.
    """

    t: Row
    claimed: Row
    numeric: Row
    floor: float
    claimed_slope: float
    numeric_slope: float


@final
@dataclass(frozen=True, slots=True)
class Curves:
    """What further evaluations showed of one parameter: the step curve of one entry, and Taylor remainders."""

    entry: str
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

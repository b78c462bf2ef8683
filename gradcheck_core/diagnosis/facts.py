"""What the catalogue looks at: one parameter's claimed and numeric gradient, and proposals that explain it."""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where a parameter stands: its name, and its position in theta, which mostly runs from the input to the cost."""

    name: str
    position: int


@final
class Extent(enum.Enum):
    """How much of a parameter was measured, and so what can be said of it."""

    EVERY_ENTRY = "all of it: entries can be looked for in other places"
    WRONG_PLACES = "where it is wrong; the rest counts as right"
    SAMPLE = "some entries, laid end to end: not where they stand"


@final
@dataclass(frozen=True)
class Facts:
    """One wrong parameter, or several laid end to end.

    Attributes
    ----------
    name : str
        The parameter's, as it can be shown.
    claimed, numeric : numpy.ndarray
        float64, of the tensor's shape; of a complex one with an axis of two more, real and imaginary parts.
    error : numpy.ndarray
        Of the same shape: how far `claimed - numeric` may be off, absolute.
    known : numpy.ndarray
        Of the same shape, bool: where both were measured well enough to be looked at.
    theta : numpy.ndarray or None
        The parameter itself, of the same shape; None where a term of it makes no sense, as in second derivatives.
    parts : bool
        Whether the last axis is that of real and imaginary parts.
    others : mapping
        Numeric gradients of all parameters by name, for one that was taken in place of this.
    extent : Extent
        How much of it was measured.
    """

    name: str
    claimed: Array
    numeric: Array
    error: Array
    known: Mask
    theta: Array | None = None
    parts: bool = False
    others: Mapping[str, Array] = field(default_factory=dict)
    extent: Extent = Extent.EVERY_ENTRY

    @cached_property
    def discrepancy(self) -> Array:
        """Claimed less numeric, zero where that is not known."""
        away: Array = np.where(self.known, self.claimed - self.numeric, 0.0)
        return away

    @property
    def axes(self) -> range:
        """The tensor's own axes, along which its entries can be out of order."""
        return range(self.claimed.ndim - self.parts)

    @property
    def is_complete(self) -> bool:
        """Whether all is known, as it has to be for entries to be looked for in other places."""
        return self.extent is Extent.EVERY_ENTRY and bool(self.known.all())

    def within(self, box: tuple[npt.NDArray[np.intp], ...]) -> "Facts":
        """Some of it: an open mesh of indices, as of `numpy.ix_`."""
        theta = None if self.theta is None else self.theta[box]
        return replace(
            self,
            claimed=self.claimed[box],
            numeric=self.numeric[box],
            error=self.error[box],
            known=self.known[box],
            theta=theta,
            others={},
        )


@final
@dataclass(frozen=True, slots=True)
class Proposal:
    """A claimed gradient that a mistake would make of the numeric one.

    Attributes
    ----------
    predicted : numpy.ndarray
        Of the tensor's shape; NaN where the mistake says nothing.
    what : str
        What is so, the sentence's first half: "the claimed gradient is the transpose of the numeric one".
    look : str
        Where to look in the code.
    freedom : int
        How many numbers were fitted.
    ways : float
        Logarithm of how many such proposals could have been made.
    place : numpy.ndarray or None
        Bool: where the mistake is confined to; all else is right then, which is what speaks for it.
    """

    predicted: Array
    what: str
    look: str
    freedom: int = 0
    ways: float = 0.0
    place: Mask | None = None


@final
@dataclass(frozen=True, slots=True)
class Mistake:
    """A known mistake: its kind, and what it would make of the numeric gradient."""

    kind: str
    proposals: Callable[[Facts], Iterable[Proposal]]

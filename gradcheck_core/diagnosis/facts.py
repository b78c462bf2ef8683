"""What is known of a wrong parameter, and proposals that would explain it."""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from .sentences import Sentence

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MOST_ENTRIES = 1_000_000
"""In a larger parameter entries are not looked for in other places: it would take seconds."""


@final
@dataclass(frozen=True, slots=True)
class Place:
    """A parameter's name and its position in theta, which usually runs from the input to the cost."""

    name: str
    position: int


@final
class Extent(enum.Enum):
    """How much of a parameter was measured, which decides what can be said about it."""

    EVERY_ENTRY = "all entries: one can be looked for in another place"
    WRONG_PLACES = "the wrong entries: the rest counts as right"
    SAMPLE = "some entries, laid end to end without their places"


@final
@dataclass(frozen=True)
class Facts:
    """One wrong parameter, or several laid end to end.

    Attributes
    ----------
    name : str
        The parameter's name.
    claimed, numeric : numpy.ndarray
        float64, of the tensor's shape; a complex tensor has one more axis of length 2, real and imaginary parts.
    error : numpy.ndarray
        Of the same shape: how far `claimed - numeric` may be off, absolute.
    known : numpy.ndarray
        Of the same shape, bool: whether both were measured well enough to be looked at.
    theta : numpy.ndarray or None
        The parameter itself, of the same shape; None for second derivatives, which contain no term of theta.
    parts : bool
        Whether the last axis is that of real and imaginary parts.
    others : mapping
        Numeric gradients of all parameters by name; the claim may have been computed for one of the others.
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
        """Claimed minus numeric, zero where that is not known."""
        away: Array = np.where(self.known, self.claimed - self.numeric, 0.0)
        return away

    @property
    def axes(self) -> range:
        """The tensor's own axes, without that of real and imaginary parts."""
        return range(self.claimed.ndim - self.parts)

    @property
    def is_complete(self) -> bool:
        """Whether every entry is known, so that one can be looked for in another place."""
        return self.extent is Extent.EVERY_ENTRY and bool(self.known.all())

    def within(self, box: tuple[npt.NDArray[np.intp], ...]) -> "Facts":
        """The part that an open mesh of indices selects, as `numpy.ix_` makes it."""
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
    """The claimed gradient as a mistake would make it from the numeric one.

    Attributes
    ----------
    predicted : numpy.ndarray
        Of the tensor's shape; NaN where the mistake predicts nothing.
    sentence : Sentence
        The mistake in words.
    fitted : int
        How many numbers were fitted.
    log_choices : float
        Logarithm of how many proposals like this one could have been made.
    place : numpy.ndarray or None
        Bool: where the mistake is confined to. The rest then has to be right, which is what speaks for the proposal.
    """

    predicted: Array
    sentence: Sentence
    fitted: int = 0
    log_choices: float = 0.0
    place: Mask | None = None


@final
@dataclass(frozen=True, slots=True)
class Mistake:
    """A known mistake: its kind, and the proposals that it makes from the facts."""

    kind: str
    propose: Callable[[Facts], Iterable[Proposal]]

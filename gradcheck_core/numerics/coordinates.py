"""The cost as a function of one parameter, central differences of it, and derivatives with error bars."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, final

import numpy as np
import numpy.typing as npt

from .ladder import Ladder
from .norms import FloatVector, largest_finite

Indices = npt.NDArray[np.intp]

THETA_ROUNDINGS = 32.0
"""A right gradient may be that of a theta which is off by this many unit roundoffs, relative: those of the entry itself
and of the entries it is combined with."""

BACKWARD_NOISE = 16.0
"""The error bar of a derivative is at least this many times the noise of the function over the scale of the step: a
backward pass rounds that much itself."""


@final
@dataclass(frozen=True, slots=True)
class ParameterCost:
    """The cost as a function of the entries of one parameter; the rest of theta stays as it is.

    Attributes
    ----------
    theta : numpy.ndarray
        The present entries, float64, shape ``(k,)``.
    cost : float
        J there.
    noise : float
        Standard deviation of the computed cost around the smooth one that it stands for, absolute.
    roundoff : float
        Unit roundoff of the precision theta is held in, relative.
    costs_at : callable
        From entries and their new values, one replaced at a time, to the costs, which may be NaN or infinite.
    rounded : callable
        From values of all entries to their rounding in the precision of the evaluation.
    """

    theta: FloatVector
    cost: float
    noise: float
    roundoff: float
    costs_at: Callable[[Indices, FloatVector], FloatVector]
    rounded: Callable[[FloatVector], FloatVector]


@final
@dataclass(frozen=True, slots=True)
class Derivatives:
    """Estimated derivatives along coordinates, with their error bars; all absolute.

    Attributes
    ----------
    lower, upper : numpy.ndarray
        float64, shape ``(k,)``. They are equal where the cost is smooth. On a kink they are the two one-sided slopes,
        and every value between them is a subgradient.
    error : numpy.ndarray
        float64, shape ``(k,)``: how far off both may be, infinite where nothing could be measured.
    cost_size : float
        The size of the cost nearby, absolute; 0 if that is not known. J itself may happen to be zero at theta.
    step : float
        The shortest step of the sweep, in scales of the entry; infinite if there was no sweep.
    stair : float
        The largest step of a staircase that the cost climbs along a coordinate, absolute; 0 if none was seen.
    change : float
        The largest finite change of the cost that moving one coordinate made, absolute; NaN where none was finite.
    ladders : mapping of int to Ladder
        The costs over growing steps of the coordinates that were measured again, by their position.
    """

    lower: FloatVector
    upper: FloatVector
    error: FloatVector
    cost_size: float = 0.0
    step: float = np.inf
    stair: float = 0.0
    change: float = np.nan
    ladders: Mapping[int, Ladder] = field(default_factory=dict)

    @classmethod
    def unknown(cls, size: int) -> Self:
        """The record of coordinates at which nothing was measured."""
        return cls(np.zeros(size), np.zeros(size), np.full(size, np.inf))

    @property
    def kinks(self) -> int:
        """How many coordinates are on a kink."""
        return int(np.sum(self.lower < self.upper))

    def no_better_than(self, floor: FloatVector) -> "Derivatives":
        """A copy with error bars of at least a floor."""
        return replace(self, error=np.maximum(self.error, floor))

    def taking(self, entries: slice | npt.NDArray[np.bool_]) -> "Derivatives":
        """The record of some entries only."""
        return replace(self, lower=self.lower[entries], upper=self.upper[entries], error=self.error[entries])

    def replaced(self, entries: Indices, other: "Derivatives") -> "Derivatives":
        """A copy with other measurements of some entries."""
        lower, upper, error = self.lower.copy(), self.upper.copy(), self.error.copy()
        lower[entries], upper[entries], error[entries] = other.lower, other.upper, other.error
        return replace(
            self,
            lower=lower,
            upper=upper,
            error=error,
            stair=max(self.stair, other.stair),
            change=float(np.fmax(self.change, other.change)),
            ladders={**self.ladders, **{int(entries[k]): ladder for k, ladder in other.ladders.items()}},
        )

    def nearest(self, claimed: FloatVector) -> FloatVector:
        """The measured values nearest to a claim: the derivative or, on a kink, a subgradient."""
        return np.clip(np.nan_to_num(claimed), self.lower, self.upper)


@final
@dataclass(frozen=True, slots=True)
class Differences:
    """Central differences at one step each: slope, size of the second difference over the step, and step taken."""

    slope: FloatVector
    bend: FloatVector
    step: FloatVector
    change: float = math.nan
    """The largest change of the cost, to whichever side; NaN where none was finite."""

    @classmethod
    def none(cls) -> Self:
        """The record of no coordinates."""
        return cls(np.zeros(0), np.zeros(0), np.zeros(0))

    def followed_by(self, more: "Differences") -> "Differences":
        """The record of these coordinates and more."""
        return Differences(
            np.concatenate([self.slope, more.slope]),
            np.concatenate([self.bend, more.bend]),
            np.concatenate([self.step, more.step]),
            float(np.fmax(self.change, more.change)),
        )


def difference(at: ParameterCost, entries: Indices, steps: FloatVector) -> Differences:
    """Move each of some entries by its step to either side, two evaluations each.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    entries : numpy.ndarray
        Which entries, int, shape ``(m,)``.
    steps : numpy.ndarray
        Steps for all entries of the parameter, absolute, float64, shape ``(k,)``.

    Returns
    -------
    Differences
        NaN where the cost is not finite or the step rounds to nothing.
    """
    plus = at.rounded(at.theta + steps)[entries]
    minus = at.rounded(at.theta - steps)[entries]
    costs = at.costs_at(np.concatenate([entries, entries]), np.concatenate([plus, minus]))
    cost_plus, cost_minus = np.split(costs, 2)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        step = np.where(plus > minus, (plus - minus) / 2, np.nan)
        slope = (cost_plus - cost_minus) / (2 * step)
        bend = np.abs((cost_plus - at.cost) + (cost_minus - at.cost)) / step
        change = largest_finite(costs - at.cost)
    bad = ~(np.isfinite(slope) & np.isfinite(bend))
    return Differences(np.where(bad, np.nan, slope), np.where(bad, np.nan, bend), step, change)


def theta_rounding(at: ParameterCost) -> FloatVector:
    """How far theta may be off by rounding, absolute. Two right slopes may differ by this times the curvature.

    At a perfect fit both gradients consist of nothing else.
    """
    return THETA_ROUNDINGS * at.roundoff * np.abs(at.theta)

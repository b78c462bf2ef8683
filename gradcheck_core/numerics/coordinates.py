"""One parameter's cost, central differences along its coordinates, and derivatives with error bars."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
import numpy.typing as npt

from .norms import FloatVector

Indices = npt.NDArray[np.intp]

THETA_ROUNDINGS = 32.0
"""Roundings of theta that a gradient is taken to be computed with: its own entry's and those it is combined with."""


@final
@dataclass(frozen=True, slots=True)
class ParameterCost:
    """The cost as a function of one parameter's entries, the rest of theta held.

    Attributes
    ----------
    theta : numpy.ndarray
        The entries, float64, shape ``(k,)``.
    cost : float
        J there.
    noise : float
        Standard deviation of the computed cost around a smooth one, absolute.
    roundoff : float
        Unit roundoff of the precision theta is held in, relative.
    costs_at : callable
        From entries and their new values, one replaced at a time, to the costs; NaN or infinite where the cost is.
    moved_to : callable
        From new values of all entries together to the cost.
    rounded : callable
        From values of all entries to what they become in the precision of the evaluation.
    """

    theta: FloatVector
    cost: float
    noise: float
    roundoff: float
    costs_at: Callable[[Indices, FloatVector], FloatVector]
    moved_to: Callable[[FloatVector], float]
    rounded: Callable[[FloatVector], FloatVector]


@final
@dataclass(frozen=True, slots=True)
class Derivatives:
    """Estimated derivatives along coordinates, with their error bars; all absolute.

    Attributes
    ----------
    lower, upper : numpy.ndarray
        float64, shape ``(k,)``. Equal where the cost is smooth; on a kink the two one-sided slopes, between which every
        value is a subgradient.
    error : numpy.ndarray
        float64, shape ``(k,)``: how far off both may be; infinite where nothing could be measured.
    cost_size : float
        The size of the cost nearby, absolute; 0 where that is not known. J may be zero at theta alone.
    step : float
        The shortest step of the sweep, in scales of the entry; infinite where there was none.
    stair : float
        The largest step of a staircase that the cost climbs along one of the coordinates, absolute; 0 where none was
        seen.
    """

    lower: FloatVector
    upper: FloatVector
    error: FloatVector
    cost_size: float = 0.0
    step: float = np.inf
    stair: float = 0.0

    @classmethod
    def unknown(cls, size: int) -> Self:
        """Of so many coordinates of which nothing was measured."""
        return cls(np.zeros(size), np.zeros(size), np.full(size, np.inf))

    @property
    def kinks(self) -> int:
        """How many coordinates sit on a kink."""
        return int(np.sum(self.lower < self.upper))

    def no_better_than(self, floor: FloatVector) -> "Derivatives":
        """These, with error bars of at least some floor."""
        return replace(self, error=np.maximum(self.error, floor))

    def taking(self, entries: slice | npt.NDArray[np.bool_]) -> "Derivatives":
        """Those of some entries only."""
        return replace(self, lower=self.lower[entries], upper=self.upper[entries], error=self.error[entries])

    def replaced(self, entries: Indices, other: "Derivatives") -> "Derivatives":
        """These, with other measurements of some entries in their place."""
        lower, upper, error = self.lower.copy(), self.upper.copy(), self.error.copy()
        lower[entries], upper[entries], error[entries] = other.lower, other.upper, other.error
        return replace(self, lower=lower, upper=upper, error=error, stair=max(self.stair, other.stair))

    def nearest(self, claimed: FloatVector) -> FloatVector:
        """Of the measured values the ones nearest to a claim: the derivative or, on a kink, a subgradient."""
        return np.clip(np.nan_to_num(claimed), self.lower, self.upper)


@final
@dataclass(frozen=True, slots=True)
class Differences:
    """Raw central differences at one step each: slope, second difference over the step, and the step taken."""

    slope: FloatVector
    bend: FloatVector
    step: FloatVector

    @classmethod
    def none(cls) -> Self:
        """Of no coordinate."""
        return cls(np.zeros(0), np.zeros(0), np.zeros(0))

    def followed_by(self, more: "Differences") -> "Differences":
        """These and those of other coordinates."""
        return Differences(
            np.concatenate([self.slope, more.slope]),
            np.concatenate([self.bend, more.bend]),
            np.concatenate([self.step, more.step]),
        )


def difference(at: ParameterCost, entries: Indices, steps: FloatVector) -> Differences:
    """Move each of some entries by its step to either side.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    entries : numpy.ndarray
        Which entries, int, shape ``(m,)``.
    steps : numpy.ndarray
        Steps for *all* entries of the parameter, absolute, float64, shape ``(k,)``.

    Returns
    -------
    Differences
        NaN where the cost is not finite, or where the step rounds to nothing.
    """
    plus = at.rounded(at.theta + steps)[entries]
    minus = at.rounded(at.theta - steps)[entries]
    costs = at.costs_at(np.concatenate([entries, entries]), np.concatenate([plus, minus]))
    cost_plus, cost_minus = np.split(costs, 2)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        step = np.where(plus > minus, (plus - minus) / 2, np.nan)
        slope = (cost_plus - cost_minus) / (2 * step)
        bend = np.abs((cost_plus - at.cost) + (cost_minus - at.cost)) / step
    bad = ~(np.isfinite(slope) & np.isfinite(bend))
    return Differences(np.where(bad, np.nan, slope), np.where(bad, np.nan, bend), step)


def theta_rounding(at: ParameterCost) -> FloatVector:
    """How far theta may be off by rounding; times the curvature, the least that two right slopes may differ by.

    At a perfect fit both gradients are nothing else.
    """
    return THETA_ROUNDINGS * at.roundoff * np.abs(at.theta)

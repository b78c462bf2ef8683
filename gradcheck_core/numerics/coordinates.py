"""Central differences along the coordinates of one parameter, each with an error bar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ..protocol import FloatVector
from .steps import CONFIDENT, scales

Indices = npt.NDArray[np.intp]

THETA_ROUNDINGS = 32.0
"""Roundings of theta that a gradient is taken to be computed with: its own entry's and those it is combined with."""

_SAFETY = 2.0
"""On the measured truncation: it is the leading term of a series, and neighbours stand for coordinates not probed."""


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
    """

    lower: FloatVector
    upper: FloatVector
    error: FloatVector

    @property
    def kinks(self) -> int:
        """How many coordinates sit on a kink."""
        return int(np.sum(self.lower < self.upper))

    def no_better_than(self, floor: FloatVector) -> "Derivatives":
        """These, with error bars of at least some floor."""
        return Derivatives(self.lower, self.upper, np.maximum(self.error, floor))

    def taking(self, entries: slice) -> "Derivatives":
        """Those of some entries only."""
        return Derivatives(self.lower[entries], self.upper[entries], self.error[entries])

    def replaced(self, entries: Indices, other: "Derivatives") -> "Derivatives":
        """These, with other measurements of some entries in their place."""
        columns = [(self.lower, other.lower), (self.upper, other.upper), (self.error, other.error)]
        merged = [column.copy() for column, _ in columns]
        for column, (_, new) in zip(merged, columns, strict=True):
            column[entries] = new
        return Derivatives(*merged)

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
    cost_plus, cost_minus = at.costs_at(entries, plus), at.costs_at(entries, minus)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        step = np.where(plus > minus, (plus - minus) / 2, np.nan)
        slope = (cost_plus - cost_minus) / (2 * step)
        bend = np.abs((cost_plus - at.cost) + (cost_minus - at.cost)) / step
    bad = ~(np.isfinite(slope) & np.isfinite(bend))
    return Differences(np.where(bad, np.nan, slope), np.where(bad, np.nan, bend), step)


def sweep(at: ParameterCost, steps: FloatVector, probes: int, factor: float = 2.0) -> Derivatives:
    """Differentiate along every coordinate at its step, two evaluations each.

    The error bar is the noise, ``5 s / h``, and twice the truncation. Truncation is measured at some coordinates, the
    most bent ones and others evenly spread, by a second difference, ``|D(f h) - D(h)| / |f**2 - 1|``. For the
    rest it is taken as that of the worst probes, in proportion to how much the cost bends along them.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    steps : numpy.ndarray
        Absolute steps, float64, shape ``(k,)``.
    probes : int
        At how many coordinates truncation is measured, two evaluations each.
    factor : float
        f, 2 by default; a half where the cost is not to be evaluated beyond the step.
    """
    found = difference(at, np.arange(at.theta.size), steps)
    probed = _probed(found.bend, probes)
    # Without a probe, as if the third derivative were the second over the entry's scale.
    truncation = np.nan_to_num(found.bend * steps / scales(at.theta))
    if probed.size:
        other = difference(at, probed, factor * steps)
        truncation = _truncation(found, probed, np.abs(other.slope - found.slope[probed]) / abs(factor**2 - 1))
    with np.errstate(invalid="ignore"):
        error = CONFIDENT * at.noise / found.step + _SAFETY * truncation
        error += theta_rounding(at) * found.bend / found.step
    measured = np.isfinite(found.slope) & np.isfinite(error)
    slope = np.where(measured, found.slope, 0.0)
    return Derivatives(slope, slope, np.where(measured, error, np.inf))


def theta_rounding(at: ParameterCost) -> FloatVector:
    """How far theta may be off by rounding; times the curvature, the least that two right slopes may differ by.

    At a perfect fit both gradients are nothing else.
    """
    return THETA_ROUNDINGS * at.roundoff * np.abs(at.theta)


def _probed(bend: FloatVector, count: int) -> Indices:
    if count >= bend.size:
        return np.arange(bend.size)
    most_bent = np.argsort(-np.nan_to_num(bend))[: count // 2]
    spread = np.linspace(0, bend.size - 1, count - count // 2).astype(np.intp) if count else most_bent
    return np.unique(np.concatenate([most_bent, spread]))


def _truncation(found: Differences, probed: Indices, measured: FloatVector) -> FloatVector:
    usable = np.isfinite(measured)
    if not usable.any():
        return np.zeros_like(found.slope)
    bend = np.nan_to_num(found.bend)
    typical = float(np.median(bend))
    proportion = bend + typical
    truncation = np.full_like(found.slope, np.quantile(measured[usable], 0.9))
    if typical > 0:
        worst = float(np.max((measured / proportion[probed])[usable]))
        truncation = np.maximum(truncation, proportion * worst)
    # A probe can be small by chance, where two terms of the series cancel; the usual proportion says what is plausible.
    bent = usable & (bend[probed] > 0)
    usual = float(np.median(measured[bent] / bend[probed[bent]])) if bent.any() else 0.0
    truncation[probed[usable]] = np.maximum(measured, usual * bend[probed] / 8)[usable]
    return truncation

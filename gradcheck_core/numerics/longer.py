"""Noise-limited coordinates measured by longer steps, at which differences of high order leave little truncation."""

from dataclasses import dataclass
from typing import final

import numpy as np

from .coordinates import Derivatives, Differences, Indices, ParameterCost, difference, theta_rounding
from .norms import Budget, FloatVector
from .steps import CONFIDENT, scales

_POINTS = 4
"""Multiples of the step that are taken to either side: three for the difference, one to test it."""

_GROWTH = (8.0, 16.0, 16.0)
"""How much longer the steps of each round are where the one before says so; by far: a cost may be nearly linear."""

_SHORTER = 4.0
"""How much shorter they are where it says that truncation dominates."""

_FARTHEST = 0.1
"""Of its scale, how far an entry is moved: a probability of 0.9 stays one. The sweep may have gone farther."""

_NOISE = 1.09
"""Deviations of the noise, over the step, in the difference of sixth order: ``sqrt(2 (45**2 + 9**2 + 1)) / 60``."""

_ODD, _EVEN = 1 / 6, 1 / 12
"""Of a misfit over the step, how much the difference may be off. A kink anywhere among the points puts it off by
less than a sixth of the odd misfit, but for one within the shortest step, where the sweep's own difference tells."""

EVALUATIONS_EACH = 2 * _POINTS
"""Evaluations that one coordinate takes at one step."""


@final
@dataclass(frozen=True, slots=True)
class _Estimate:
    slope: FloatVector
    truncation: FloatVector
    noise: FloatVector

    @property
    def error(self) -> FloatVector:
        error: FloatVector = self.truncation + self.noise
        return np.where(np.isfinite(self.slope) & np.isfinite(error), error, np.inf)


def by_longer_steps(
    at: ParameterCost, steps: FloatVector, swept: Derivatives, entries: Indices, enough: float, budget: Budget
) -> Derivatives:
    """Measure some coordinates, at which the sweep found mostly noise, by longer steps.

    A difference of sixth order from three points to either side has next to no truncation at a step at which that of
    second order has as much as noise; the longer step has less noise. What a fourth point shows, where the three say it
    should lie, is the error bar's other part: it grows where a kink or another scale lies among the points.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    steps : numpy.ndarray
        The sweep's steps for all entries, absolute, float64.
    swept : Derivatives
        What the sweep found at all entries. An estimate that contradicts it, or has no smaller error bar, is dropped.
    entries : numpy.ndarray
        Which entries, int, shape ``(m,)``.
    enough : float
        Error bar, absolute, that need not be smaller.
    budget : Budget
        Evaluations that may be made, and what is left of them; the entries with the largest bars come first.

    Returns
    -------
    Derivatives
        For all entries.

    References
    ----------
    B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, Math. Comp. 51 (1988), table 1.
    """
    farthest = np.maximum(_FARTHEST * scales(at.theta), 2 * steps) / _POINTS
    tried = np.minimum(_GROWTH[0] * steps, farthest)
    found = swept
    for growth in (*_GROWTH[1:], 1.0):
        entries = entries[found.error[entries] > enough]
        entries = entries[np.argsort(-found.error[entries], kind="stable")][: budget.left // EVALUATIONS_EACH]
        if not entries.size:
            break
        budget.spend(EVALUATIONS_EACH * entries.size)
        new = _estimated(at, entries, tried)
        agrees = np.abs(new.slope - swept.lower[entries]) <= swept.error[entries] + new.error
        better = (new.error < found.error[entries]) & agrees
        slope = new.slope[better]
        found = found.replaced(entries[better], Derivatives(slope, slope, new.error[better]))
        shorter = ~(new.truncation < new.noise)
        tried[entries] = np.minimum(tried[entries] * np.where(shorter, 1 / _SHORTER, growth), farthest[entries])
        entries = entries[better | ~shorter]  # beside a kink no longer step tells more
    return found


def _estimated(at: ParameterCost, entries: Indices, steps: FloatVector) -> _Estimate:
    found = [difference(at, entries, k * steps) for k in range(1, _POINTS + 1)]
    one, two, three, four = (taken.slope for taken in found)
    sixth = (15 * one - 6 * two + three) / 10
    # Over the step: where the odd part of the cost is at the third and fourth point, and where it should be.
    odd = np.maximum(np.abs(3 * three - 8 * two + 5 * one), np.abs(4 * four - 18 * three + 28 * two - 14 * one))
    truncation = _ODD * odd + _EVEN * _even_misfit(found)
    step = found[0].step
    noise = CONFIDENT * _NOISE * at.noise / step + theta_rounding(at)[entries] * found[0].bend / step
    return _Estimate(sixth, truncation, noise)


def _even_misfit(found: list[Differences]) -> FloatVector:
    one, two, three = (taken.bend for taken in found[:3])
    misfit: FloatVector = np.abs(3 * three - 12 * two + 15 * one)
    return misfit

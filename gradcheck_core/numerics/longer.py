"""Longer steps for coordinates whose differences are mostly noise: a high order leaves little truncation there."""

from dataclasses import dataclass
from typing import final

import numpy as np

from .coordinates import Derivatives, Differences, Indices, ParameterCost, difference, theta_rounding
from .norms import Budget, FloatVector, largest_finite
from .steps import CONFIDENT, SAFE_MOVE, scales

_POINTS = 4
"""Multiples of the step that are taken to either side: three for the difference, a fourth to test it."""

_GROWTH = (8.0, 16.0, 16.0)
"""How much longer the steps of each round are if the round before found mostly noise. The factors are large, since a
cost may be nearly linear."""

_SHORTER = 4.0
"""How much shorter they are if it found mostly truncation."""

_NOISE = 1.09
"""Standard deviation of a difference of sixth order if that of the noise over the step is 1:
``sqrt(2 (45**2 + 9**2 + 1)) / 60``, rounded up."""

_ODD, _EVEN = 1 / 6, 1 / 12
"""The difference may be off by these shares of the odd and the even misfit over the step. A kink among the points puts
it off by less than a sixth of the odd misfit, unless it is within the shortest step, where the sweep sees it."""

EVALUATIONS_EACH = 2 * _POINTS
"""Evaluations for one coordinate at one step."""


@final
@dataclass(frozen=True, slots=True)
class _Estimate:
    slope: FloatVector
    truncation: FloatVector
    noise: FloatVector
    change: float

    @property
    def error(self) -> FloatVector:
        error: FloatVector = self.truncation + self.noise
        return np.where(np.isfinite(self.slope) & np.isfinite(error), error, np.inf)


def by_longer_steps(
    at: ParameterCost, steps: FloatVector, swept: Derivatives, entries: Indices, enough: float, budget: Budget
) -> Derivatives:
    """Measure some coordinates at which the sweep found mostly noise by longer steps.

    At the step at which a difference of second order has as much truncation as noise, one of sixth order, from three
    points to either side, has hardly any truncation. So a longer step is possible, which has less noise. A fourth point
    tests where the three predict it to be, and its misfit is the truncation in the error bar: it grows if a kink or
    another scale lies among the points.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    steps : numpy.ndarray
        The sweep's steps for all entries, absolute, float64.
    swept : Derivatives
        What the sweep found at all entries. An estimate that contradicts it or has no smaller error bar is dropped.
    entries : numpy.ndarray
        Which entries, int, shape ``(m,)``.
    enough : float
        An error bar that is small enough, absolute.
    budget : Budget
        Evaluations that may be made; the entries with the largest error bars come first.

    Returns
    -------
    Derivatives
        Of all entries.

    References
    ----------
    B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, Math. Comp. 51 (1988), table 1.
    """
    farthest = np.maximum(SAFE_MOVE * scales(at.theta), 2 * steps) / _POINTS
    tried = np.minimum(_GROWTH[0] * steps, farthest)
    found = swept
    for growth in (*_GROWTH[1:], 1.0):
        entries = entries[found.error[entries] > enough]
        entries = entries[np.argsort(-found.error[entries], kind="stable")][: budget.left // EVALUATIONS_EACH]
        if not entries.size:
            break
        budget.spend(EVALUATIONS_EACH * entries.size)
        new = _estimate(at, entries, tried)
        agrees = np.abs(new.slope - swept.lower[entries]) <= swept.error[entries] + new.error
        better = (new.error < found.error[entries]) & agrees
        slope = new.slope[better]
        found = found.replaced(entries[better], Derivatives(slope, slope, new.error[better], change=new.change))
        shorter = ~(new.truncation < new.noise)
        tried[entries] = np.minimum(tried[entries] * np.where(shorter, 1 / _SHORTER, growth), farthest[entries])
        entries = entries[better | ~shorter]  # next to a kink a longer step tells nothing
    return found


def _estimate(at: ParameterCost, entries: Indices, steps: FloatVector) -> _Estimate:
    found = [difference(at, entries, k * steps) for k in range(1, _POINTS + 1)]
    one, two, three, four = (taken.slope for taken in found)
    sixth = (15 * one - 6 * two + three) / 10
    # How far the odd part of the cost at the third and the fourth point is from its prediction, over the step.
    odd = np.maximum(np.abs(3 * three - 8 * two + 5 * one), np.abs(4 * four - 18 * three + 28 * two - 14 * one))
    truncation = _ODD * odd + _EVEN * _even_misfit(found)
    step = found[0].step
    noise = CONFIDENT * _NOISE * at.noise / step + theta_rounding(at)[entries] * found[0].bend / step
    return _Estimate(sixth, truncation, noise, largest_finite(np.array([taken.change for taken in found])))


def _even_misfit(found: list[Differences]) -> FloatVector:
    one, two, three = (taken.bend for taken in found[:3])
    misfit: FloatVector = np.abs(3 * three - 12 * two + 15 * one)
    return misfit

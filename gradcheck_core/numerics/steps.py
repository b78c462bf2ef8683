"""How far to move a coordinate: the step at which truncation and noise together are least."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from .norms import FloatVector

CONFIDENT = 5.0
"""An error bar covers this many standard deviations of the noise: rounding errors are not normally distributed, and
their level is an estimate."""

GOOD_ENOUGH = 1e-10
"""No better step is looked for once a derivative has this relative error, a thousandth of the bound for CORRECT."""

SAFE_MOVE = 0.1
"""An entry moves by at most this share of its scale before it is known to change the cost: a probability of 0.9 stays
a probability."""

FARTHEST_MOVE = 0.25
"""No table of the noise and no direction moves a parameter by more than this share of its scale: entries of usual size
keep their sign."""

STEP_ROUNDINGS = 64.0
"""A step is longer than this many unit roundoffs of the scale, so that rounding changes it by less than a hundredth."""

_NEIGHBOURS = 8.0
"""Truncation counts this many times: another entry may bend that much more than the few with which a step is chosen."""

_UNSETTLED = 0.05
"""With more truncation than this, relative to the derivative, even the best step has not settled: differences that grow
like ``1 / h`` show an eighth."""

_WELL_BEYOND = 64.0
"""An entry may move this many first steps even beyond `SAFE_MOVE`, which in float32 is hardly longer than one."""

RATIO = 8.0
"""From each step that is tried to the next."""

_MOST_RUNGS = 14
"""At most this many steps are tried, which span twelve decades."""


@final
@dataclass(frozen=True, slots=True)
class Rung:
    """A central difference at one dimensionless step, and the parts of its error in units of the derivative."""

    step: float
    derivative: float
    truncation: float
    noise: float

    @property
    def error(self) -> float:
        """Truncation and noise together, with room for entries that bend more than those that moved."""
        return _NEIGHBOURS * self.truncation + self.noise


@final
@dataclass(frozen=True, slots=True)
class _Taken:
    """The costs to either side at one step."""

    step: float
    plus: float
    minus: float

    @property
    def derivative(self) -> float:
        return (self.plus - self.minus) / (2 * self.step)


def scales(theta: FloatVector) -> FloatVector:
    """The scale of each entry of one parameter: ``max(|theta_i|, rms(theta))``, or 1 if all are zero.

    Examples
    --------
    >>> scales(np.array([0.0, 2.0])).round(3)
    array([1.414, 2.   ])
    """
    largest = float(np.max(np.abs(theta), initial=0.0))
    if largest == 0:
        return np.ones_like(theta)
    rms = largest * math.sqrt(float(np.mean(np.square(theta / largest))))
    return np.maximum(np.abs(theta), rms)


def own_sizes(theta: FloatVector) -> FloatVector:
    """The size of each entry on its own: ``|theta_i|``, or its scale if it is zero.

    Entries that move together move in proportion to these, so that small ones next to large ones stay near theta too.

    Examples
    --------
    >>> own_sizes(np.array([0.0, 1e-8, 2.0])).round(8)
    array([1.15470054e+00, 1.00000000e-08, 2.00000000e+00])
    """
    return np.where(theta == 0, scales(theta), np.abs(theta))


def first_step(noise: float, cost: float, roundoff: float) -> float:
    """The first step, dimensionless: the cube root of the relative noise, which suits a cost of natural scale."""
    relative = max(noise / abs(cost), roundoff) if cost else roundoff
    return min(float(np.cbrt(relative)), SAFE_MOVE)


def farthest_step(theta: FloatVector) -> float:
    """The longest step, dimensionless, that is tried for a parameter.

    It is 1, the scale of the parameter, and more if that is below a thousandth: weights that start out near zero say
    nothing about the scale that they will have.
    """
    return max(1.0, 1e-3 / float(np.max(scales(theta))))


def choose_step(
    line: Callable[[float], float], noise: float, first: float, roundoff: float, most: int, farthest: float = 1.0
) -> Rung | None:
    """Find the step with the least estimated error along a line through theta.

    Central differences ``D(t)`` are taken at steps that differ by factors of 8, from `first` towards the end that
    promises less error. Truncation at a step is estimated by the change from the next smaller one,
    ``|D(t) - D(t / 8)|``, noise by ``5 s / t``; neither looks at a claimed gradient.

    Parameters
    ----------
    line : callable
        The cost at ``theta + t * scale * direction``.
    noise : float
        Standard deviation s of the computed cost, absolute.
    first : float
        The first step, dimensionless.
    roundoff : float
        Unit roundoff of the precision theta is held in; steps stay well above it.
    most : int
        Evaluations allowed, at least 4.
    farthest : float
        Steps stay below this, dimensionless. 1 (default) keeps the sign of every entry: beyond, a cost may be undefined
        or its solver may not converge. See `farthest_step`.

    Returns
    -------
    Rung or None
        The best step with its derivative and error; None if no step settles, because the cost is constant along the
        line, not finite, or jumps.

    References
    ----------
    C. J. F. Ridders, Adv. Eng. Software 4 (1982) 75-76; J. J. Moré and S. M. Wild, Estimating derivatives of noisy
    simulations, ACM TOMS 38 (2012), section 3.
    """
    taken: dict[int, _Taken] = {}
    position = 0
    while True:
        step = first * RATIO**position
        taken[position] = _Taken(step, line(step), line(-step))
        if len(taken) == 1:
            position = 1
            continue
        rungs = _estimate_rungs(taken, noise, roundoff)
        best = min(rungs, key=lambda position: rungs[position].error) if rungs else None
        at_an_end = best is None or (
            rungs[best].error > GOOD_ENOUGH * abs(rungs[best].derivative) and best in (min(taken), max(taken))
        )
        position = _choose_next(taken, best)
        # An entry that shows no effect moves less far: one that is moved beyond its scale adds noise.
        unmoved = min(1.0, max(SAFE_MOVE, _WELL_BEYOND * first)) if _is_constant(taken) else 1.0
        longest = farthest if _shows_effect(rungs, best) else unmoved
        in_range = STEP_ROUNDINGS * roundoff < first * RATIO**position < longest
        if not (at_an_end and in_range and len(taken) < _MOST_RUNGS and 2 * len(taken) + 2 <= most):
            break
    if best is None or _is_constant(taken):
        return None
    chosen = rungs[best]
    return None if chosen.truncation > max(_UNSETTLED * abs(chosen.derivative), chosen.noise) else chosen


def _is_constant(taken: dict[int, _Taken]) -> bool:
    return len({cost for pair in taken.values() for cost in (pair.plus, pair.minus)}) == 1


def _shows_effect(rungs: dict[int, Rung], best: int | None) -> bool:
    return best is not None and abs(rungs[best].derivative) > rungs[best].noise


def _choose_next(taken: dict[int, _Taken], best: int | None) -> int:
    """The position to try next: beyond the end at which the best is, or smaller if nothing was finite."""
    return max(taken) + 1 if best == max(taken) else min(taken) - 1


def _estimate_rungs(taken: dict[int, _Taken], noise: float, roundoff: float) -> dict[int, Rung]:
    finite = {position: pair for position, pair in sorted(taken.items()) if math.isfinite(pair.derivative)}
    rungs: dict[int, Rung] = {}
    for position, pair in finite.items():
        below, above = finite.get(position - 1), finite.get(position + 1)
        if below is not None:
            # What noise at the smaller step explains is not truncation.
            change = max(abs(pair.derivative - below.derivative) - CONFIDENT * noise / below.step, 0.0)
        elif above is not None:
            change = abs(above.derivative - pair.derivative) / RATIO  # it falls at least linearly with the step
        else:
            change = abs(pair.derivative)
        # A cost that is zero at theta rounds like its values a step away.
        level = max(noise, roundoff * max(abs(pair.plus), abs(pair.minus)))
        rungs[position] = Rung(pair.step, pair.derivative, change, CONFIDENT * level / pair.step)
    truncation = np.array([rung.truncation for rung in rungs.values()])
    for k in range(truncation.size - 1, 0, -1):
        # Truncation shrinks with the square of the step. If less is seen, the cost jumps or has a kink nearby.
        truncation[k - 1] = max(truncation[k - 1], truncation[k] / RATIO**2)
    honest = never_less_than_at_smaller_steps(truncation, np.array([rung.noise for rung in rungs.values()]))
    return {
        position: replace(rung, truncation=float(change))
        for (position, rung), change in zip(rungs.items(), honest, strict=True)
    }


def never_less_than_at_smaller_steps(truncation: FloatVector, noise: FloatVector) -> FloatVector:
    """Raise truncation estimates at growing steps to what noise does not explain of those at smaller steps.

    Far beyond its scale a bounded cost has differences that shrink like ``1 / h``, and so do their changes: without
    this they would pass for a derivative near zero.
    """
    explained = noise + np.concatenate([noise[:1], noise[:-1]])
    return np.maximum(truncation, np.maximum.accumulate(np.maximum(truncation - explained, 0.0)))

"""Differences of fourth order along a direction through all parameters: how far to go, and how far off they are."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from .steps import CONFIDENT, FARTHEST_MOVE, GOOD_ENOUGH, STEP_ROUNDINGS

RATIO = 4.0
"""The second step of a difference is this many times the first."""

EVALUATIONS_EACH = 4
"""Evaluations of one difference."""

LEAST_EVALUATIONS = 6
"""Evaluations of the first three steps, which are needed for any estimate."""

MOST_EVALUATIONS = 40
"""Evaluations until the step is found, which may be a thousand million times smaller than the first; ten are usual."""

_AT_LEAST_LINEAR = RATIO - 1
"""The change from the next larger step is this many times the error if that falls only linearly, as near kinks."""

_SAFETY = 4.0
"""Truncation counts this many times: that of one direction stands for that of all others, which are drawn alike."""

_EXTRAPOLATED = (RATIO**2 + 1) / (RATIO**2 - 1)
"""Extrapolation multiplies the noise by this at most."""


@final
@dataclass(frozen=True, slots=True)
class StepPair:
    """Central differences along one direction at two steps, the far one `RATIO` times the near one."""

    near: float
    far: float

    @property
    def derivative(self) -> float:
        """The extrapolated derivative, without truncation of second order: ``(16 near - far) / 15``."""
        return self.near + (self.near - self.far) / (RATIO**2 - 1)

    @property
    def change(self) -> float:
        """How far apart the two differences are."""
        return abs(self.far - self.near)


@final
@dataclass(frozen=True, slots=True)
class Reach:
    """The step to take along every direction, and the error there.

    Attributes
    ----------
    step : float
        The near step of a pair, dimensionless.
    noise : float
        The noise in the error bar of every derivative, absolute.
    remains : float
        The share of the change of a pair that its extrapolated derivative is still off by.
    """

    step: float
    noise: float
    remains: float

    def errors(self, pairs: Sequence[StepPair]) -> list[float]:
        """Error bars of the derivatives along several directions.

        A change can be small by chance, so at least the median of all changes counts.
        """
        changes = [max(pair.change - self.noise, 0.0) for pair in pairs]  # what noise explains is not truncation
        usual = float(np.median(changes))
        return [self.noise + _SAFETY * self.remains * max(change, usual) for change in changes]


def difference_along(line: Callable[[float], float], step: float) -> float:
    """Take the central difference of a function of one variable at 0, two evaluations."""
    return (line(step) - line(-step)) / (2 * step)


def measure_pair(line: Callable[[float], float], step: float) -> StepPair:
    """Take both differences along one direction, four evaluations."""
    return StepPair(difference_along(line, step), difference_along(line, RATIO * step))


def choose_reach(
    line: Callable[[float], float], noise: float, first: float, roundoff: float, most: int
) -> tuple[Reach, StepPair]:
    """Find the step with the least estimated error along a line through theta, two evaluations a step.

    Differences are taken at steps a factor of 4 apart, from `first` upwards while that promises less error, and
    downwards until noise alone would be more: among kinks the error falls slowly, until a step crosses none. The error
    of an extrapolated difference is estimated by its change from the next larger step, as if it fell only linearly, and
    by the noise, ``5 s / t``.

    Parameters
    ----------
    line : callable
        The cost at ``theta + t * direction``. At t = 1 the parameter that moves most moves by its own scale.
    noise : float
        Standard deviation s of the computed cost, absolute.
    first : float
        Where to begin, dimensionless.
    roundoff : float
        Unit roundoff of the precision theta is held in; steps stay well above it.
    most : int
        Evaluations allowed, at least `LEAST_EVALUATIONS`.

    Returns
    -------
    Reach and StepPair
        The step and the differences there. If nothing was finite, `Reach.noise` is infinite.

    References
    ----------
    C. J. F. Ridders, Accurate computation of F'(x) and F'(x) F''(x), Adv. Eng. Software 4 (1982) 75-76.
    """
    slopes: dict[int, float] = {position: difference_along(line, first * RATIO**position) for position in (0, 1, 2)}
    while True:
        errors = _estimate_errors(slopes, noise, first)
        ahead = _choose_next(errors, slopes)
        if (
            ahead is None
            or not STEP_ROUNDINGS * roundoff < first * RATIO**ahead < FARTHEST_MOVE
            or 2 * len(slopes) + 2 > most
        ):
            break
        slopes[ahead] = difference_along(line, first * RATIO**ahead)
    if not errors:
        return Reach(first, math.inf, 1.0), StepPair(0.0, 0.0)
    best = _choose_best(errors)
    step = first * RATIO**best
    found = StepPair(slopes[best], slopes[best + 1])
    # Not less than for a cost that varies over the scale of the parameters: that would be luck.
    remains = max([(RATIO * step) ** 2, *(errors[k].remains for k in (best, best + 1) if k in errors)])
    return Reach(step, errors[best].noise, min(remains, 1.0)), found


@final
@dataclass(frozen=True, slots=True)
class _StepError:
    """The error of the extrapolated derivative at one step, and the share of the pair's change that remains in it."""

    noise: float
    truncation: float
    remains: float

    @property
    def error(self) -> float:
        return self.noise + _SAFETY * self.truncation


def _choose_best(errors: dict[int, _StepError]) -> int:
    return min(errors, key=lambda position: errors[position].error)


def _choose_next(errors: dict[int, _StepError], slopes: dict[int, float]) -> int | None:
    """The position to try next, or None if none promises less error."""
    if not errors:
        return min(slopes) - 1
    best = _choose_best(errors)
    if errors[best].error <= GOOD_ENOUGH * abs(slopes[best]):
        return None
    if best == max(errors):
        return max(slopes) + 1
    return min(slopes) - 1 if errors[min(errors)].noise < errors[best].error else None


def _estimate_errors(slopes: dict[int, float], noise: float, first: float) -> dict[int, _StepError]:
    """What is known of the error at each position."""
    finite = {position: slope for position, slope in slopes.items() if math.isfinite(slope)}
    pairs = {k: StepPair(slope, finite[k + 1]) for k, slope in finite.items() if k + 1 in finite}
    found: dict[int, _StepError] = {}
    for k in sorted(pairs, reverse=True):
        level = _EXTRAPOLATED * CONFIDENT * noise / (first * RATIO**k)
        if k + 1 in pairs:
            change = abs(pairs[k + 1].derivative - pairs[k].derivative)
            # What noise explains is not truncation. And a change can be small by chance, but truncation falls at most
            # with the fourth power of the step.
            truncation = max(change - level, 0.0) / _AT_LEAST_LINEAR
            truncation = max(truncation, found[k + 1].truncation / RATIO**4)
        elif k - 1 in pairs:
            truncation = abs(pairs[k].derivative - pairs[k - 1].derivative)
        else:
            truncation = pairs[k].change
        beyond_noise = max(pairs[k].change - level, 0.0)
        found[k] = _StepError(level, truncation, truncation / beyond_noise if beyond_noise > 0 else 0.0)
    return found

"""Fourth-order differences along a direction through everything: how far to go, and how far off they are."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from .steps import CONFIDENT, GOOD_ENOUGH

RATIO = 4.0
"""Of the two steps of one difference."""

EVALUATIONS_EACH = 4
"""Evaluations of one difference."""

LEAST_EVALUATIONS = 6
"""Evaluations of the first three steps, without which nothing is known."""

MOST_EVALUATIONS = 40
"""Evaluations until the step is found, from the first to a thousand million times smaller; ten are usual."""

_AT_LEAST_LINEAR = RATIO - 1
"""By how much the change from a larger step exceeds the error, where that falls only linearly, as beside kinks."""

_SAFETY = 4.0
"""On truncation: that of one direction stands for those of all others, which are drawn alike."""

_FARTHEST = 0.25
"""Relative move of a parameter beyond which no step goes: every entry of usual size keeps its sign."""

_EXTRAPOLATED = (RATIO**2 + 1) / (RATIO**2 - 1)
"""What extrapolation does to the noise at most."""


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """Central differences along one direction at two steps, the second `RATIO` times the first."""

    near: float
    far: float

    @property
    def derivative(self) -> float:
        """With the truncation that grows with the square of the step taken off: ``(16 near - far) / 15``."""
        return self.near + (self.near - self.far) / (RATIO**2 - 1)

    @property
    def change(self) -> float:
        """How far apart they are."""
        return abs(self.far - self.near)


@final
@dataclass(frozen=True, slots=True)
class Reach:
    """The step to take along every direction, and what remains of the truncation there.

    Attributes
    ----------
    step : float
        The nearer of the two, dimensionless.
    noise : float
        The part of every derivative's error that is noise, absolute.
    remains : float
        The part of a pair's change that its derivative is still off by.
    """

    step: float
    noise: float
    remains: float

    def errors(self, pairs: Sequence[Pair]) -> list[float]:
        """Error bars of the derivatives of several directions; a change can be small by chance, so the usual counts."""
        changes = [max(pair.change - self.noise, 0.0) for pair in pairs]  # what noise explains is no truncation
        usual = float(np.median(changes))
        return [self.noise + _SAFETY * self.remains * max(change, usual) for change in changes]


def central(line: Callable[[float], float], step: float) -> float:
    """The plain central difference of a function of one variable at 0."""
    return (line(step) - line(-step)) / (2 * step)


def pair(line: Callable[[float], float], step: float) -> Pair:
    """Both differences along one direction, four evaluations."""
    return Pair(central(line, step), central(line, RATIO * step))


def choose_reach(
    line: Callable[[float], float], noise: float, first: float, roundoff: float, most: int
) -> tuple[Reach, Pair]:
    """Find the step of least estimated error along a line through theta, two evaluations a step.

    Differences are taken at steps a factor 4 apart, from `first` upwards while that promises less error, and downwards
    until noise alone would be more: among kinks the error falls slowly, up to the step that crosses none. The error of
    an extrapolated difference is estimated by the change from the next larger step, as if it fell only linearly, and by
    the noise, ``5 s / t``.

    Parameters
    ----------
    line : callable
        The cost at ``theta + t * direction``; t = 1 moves the parameter that moves most by its own scale.
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
    Reach and Pair
        The step, and the differences there. Where nothing was finite, `Reach.noise` is infinite.

    References
    ----------
    C. J. F. Ridders, Accurate computation of F'(x) and F'(x) F''(x), Adv. Eng. Software 4 (1982) 75-76.
    """
    slopes: dict[int, float] = {position: central(line, first * RATIO**position) for position in (0, 1, 2)}
    while True:
        errors = _errors(slopes, noise, first)
        ahead = _ahead(errors, slopes)
        if ahead is None or not 64 * roundoff < first * RATIO**ahead < _FARTHEST or 2 * len(slopes) + 2 > most:
            break
        slopes[ahead] = central(line, first * RATIO**ahead)
    if not errors:
        return Reach(first, math.inf, 1.0), Pair(0.0, 0.0)
    best = _best(errors)
    step = first * RATIO**best
    found = Pair(slopes[best], slopes[best + 1])
    # Less than what a cost has that varies over the parameters' own scale would be luck.
    remains = max([(RATIO * step) ** 2, *(errors[k].remains for k in (best, best + 1) if k in errors)])
    return Reach(step, errors[best].noise, min(remains, 1.0)), found


@final
@dataclass(frozen=True, slots=True)
class _Rung:
    """The error of the extrapolated derivative at one step, and the part of the pair's change that remains in it."""

    noise: float
    truncation: float
    remains: float

    @property
    def error(self) -> float:
        return self.noise + _SAFETY * self.truncation


def _best(errors: dict[int, _Rung]) -> int:
    return min(errors, key=lambda position: errors[position].error)


def _ahead(errors: dict[int, _Rung], slopes: dict[int, float]) -> int | None:
    """The rung to try next, or None where no other promises less error."""
    if not errors:
        return min(slopes) - 1
    best = _best(errors)
    if errors[best].error <= GOOD_ENOUGH * abs(slopes[best]):
        return None
    if best == max(errors):
        return max(slopes) + 1
    return min(slopes) - 1 if errors[min(errors)].noise < errors[best].error else None


def _errors(slopes: dict[int, float], noise: float, first: float) -> dict[int, _Rung]:
    """By rung what is known of the error there."""
    finite = {position: slope for position, slope in slopes.items() if math.isfinite(slope)}
    pairs = {k: Pair(slope, finite[k + 1]) for k, slope in finite.items() if k + 1 in finite}
    found: dict[int, _Rung] = {}
    for k in sorted(pairs, reverse=True):
        level = _EXTRAPOLATED * CONFIDENT * noise / (first * RATIO**k)
        if k + 1 in pairs:
            change = abs(pairs[k + 1].derivative - pairs[k].derivative)
            # What noise explains is no truncation; and one change can be small by chance: it is no less than what
            # falls with the fourth power leaves of the next.
            truncation = max(change - level, 0.0) / _AT_LEAST_LINEAR
            truncation = max(truncation, found[k + 1].truncation / RATIO**4)
        elif k - 1 in pairs:
            truncation = abs(pairs[k].derivative - pairs[k - 1].derivative)
        else:
            truncation = pairs[k].change
        beyond_noise = max(pairs[k].change - level, 0.0)
        found[k] = _Rung(level, truncation, truncation / beyond_noise if beyond_noise > 0 else 0.0)
    return found

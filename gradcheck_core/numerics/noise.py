"""The noise level of a computed cost: how far it is from the smooth function that it stands for."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from .norms import FloatVector
from .staircase import MOST_BISECTIONS, UNIFORM, lone_step, on_a_grid, step_between, step_of_plateaus

_POINTS = 9
"""Values in one difference table; the paper finds 7 to 9 enough."""

_FIRST_SPACING = 4217.3
"""Spacing of the first table, in unit roundoffs of theta's scale: wide enough to round anew, and nearly smooth."""

_WIDENING = 137.0
"""No power of two, along which rounding to another binary precision would be regular and look smooth."""
_MOST_TABLES = 6

_UNMOVED = 0.1
"""Distance up to which the cost is looked at while it stays exactly equal: a probability of 0.9 stays one."""

_FARTHEST = 0.25
"""The same once it has moved: entries keep their size by and large."""

_WIDEST = 1e-4
"""Spacing beyond which it is not the rounding of single parameters that shows, a few 1e-7 of each in float32."""

_FAR = 1e-6
"""Spacing beyond which plateaus are not of single parameters that are rounded to float32, whose stairs are shorter."""

_FLAT_CHECK = (0, 4, 8)
"""Points of a table that are taken first: where they are equal the points are too close for any change to show."""

_WITHIN_A_STEP = 7.3
"""Points of a second table within the distance of a step; no whole number, nor the first table's spacing's multiple."""

_ALTERNATING = 1.4
"""Median of that mean, for nine values of normal noise of deviation 1, in `noise_between`."""

_TOO_MUCH = 2.0**-8
"""Noise over ``|J|`` beyond that of bfloat16: terms that cancel, or a cost that oscillates from point to point."""

_CLOSER = 64.0
"""Times closer points tell the two: noise stays, an oscillation vanishes."""

_TELLING_LEVELS = 3
"""Different values that have to be exact in a lower precision: a floor function's few are by chance."""

LOWER_PRECISION = 2.0**-20
"""Noise over ``|J|`` up to which it is that of a part computed in float32; more is a cost that varies within a step."""

LEAST_EVALUATIONS = _POINTS
"""One table."""

MOST_EVALUATIONS = 2 * _POINTS + len(_FLAT_CHECK) * (_MOST_TABLES - 1) + MOST_BISECTIONS
"""What an estimate usually takes at most; 18 are usual."""


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """How far a computed cost is from a smooth one.

    Attributes
    ----------
    level : float
        Standard deviation, absolute.
    settled : bool
        Whether a table showed it.
    size : float
        The largest ``|J|`` seen, 0 where that is not known: a cost may be zero at theta alone.
    stair : float
        The step of the staircase that the cost climbs, absolute; 0 where it climbs none.
    """

    level: float
    settled: bool
    size: float = 0.0
    stair: float = 0.0


def estimate_noise(
    line: Callable[[float], float], cost: float, roundoff: float, away: float = 0.0, most: int = MOST_EVALUATIONS
) -> Noise:
    """Estimate the noise of a cost from difference tables along a line through theta.

    Differences of high order of a smooth function vanish, those of noise grow by a known factor: the k-th differences
    of independent noise with deviation s have deviation ``s * sqrt((2k)!) / k!``. The level is read off at the first
    order k from which three estimates agree within a factor 4 and at which the differences change sign. Where half of
    the values are equal the points are too close and the table is made wider, so that a cost which computes in a
    lower precision than its parameters shows the noise of that precision. The points lie to one side of theta: on a
    kink the two sides together would look like noise.

    Parameters
    ----------
    line : callable
        The cost at ``theta + t * scale * direction``, a function of the dimensionless t.
    cost : float
        J at theta.
    roundoff : float
        Unit roundoff of the precision theta is held in, relative; ``roundoff * |J|`` is the least level returned.
    away : float
        The distance of a difference's step, dimensionless, over which a second table is taken. At a perfect fit the
        cost is exact to far less than its noise a step away; and a part of it that is computed in float32 stays the
        same over the first table. 0 (default): none.
    most : int
        Evaluations allowed; one table takes 9.

    Returns
    -------
    Noise
        ``settled`` is False where no table settled; the level then is the largest that the rounding of the values
        explains.

    References
    ----------
    J. J. Moré and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), section 3, ECnoise.

    Examples
    --------
    >>> rounded = lambda t: round(1.0 + t, 9)
    >>> 1e-10 < estimate_noise(rounded, 1.0, 2.0**-53).level < 1e-9
    True
    """
    spacing = min(_FIRST_SPACING * roundoff, math.sqrt(roundoff))
    here = _noise_from(line, spacing, cost, roundoff, most if not away or most < 2 * _POINTS else most - _POINTS)
    size, level = here.size, here.level
    if away and most >= 2 * _POINTS:
        values = np.array([line(away / _WITHIN_A_STEP * (i + 1)) for i in range(_POINTS)])
        if np.all(np.isfinite(values)):
            size = max(size, float(np.max(np.abs(values))))
            within = max(noise_between(values), UNIFORM * step_of_plateaus(values))
            level = max(level, within if within <= LOWER_PRECISION * size else 0.0)
    return Noise(max(level, roundoff * size), here.settled, size, here.stair)


def _noise_from(line: Callable[[float], float], spacing: float, cost: float, roundoff: float, most: int) -> Noise:
    size = abs(cost)
    floor = roundoff * size
    flat: float | None = None
    lone = 0.0
    nearest = spacing
    left = most
    for _ in range(_MOST_TABLES):
        if left < _POINTS or not spacing:
            break
        values = _table(line, spacing)
        left -= values.size
        if not np.all(np.isfinite(values)):
            break
        size = max(size, float(np.max(np.abs(values))))
        far, wide = (spacing > max(beyond, 2 * nearest) for beyond in (_FAR, _WIDEST))
        gridded = wide or (far and _coarse(values, size))
        floor = max(floor, roundoff * size, _rounding_seen(values, wide))
        if np.all(values == values[0]) and flat in (None, values[0]):
            flat = values[0]
            spacing = _wider(spacing, _UNMOVED)
            continue
        climbed = values if flat is None else np.concatenate([[flat], values])
        step = step_of_plateaus(climbed, gridded)
        if not step and on_a_grid(lone, values - values[0], roundoff * size):
            step = lone
        if not step and flat is not None and left >= MOST_BISECTIONS:
            first = int(np.argmax(values != flat))
            before = max(_POINTS / _WIDENING, float(first))
            seen = np.concatenate([[flat], values[first:]])
            step = step_between(line, spacing * before, spacing * (first + 1), seen, roundoff * size, wide=gridded)
        jumpy = _mostly_equal(values) or (wide and not step)  # so far apart no rounding shows without its grid
        level = None if jumpy else noise_of_table(values)
        if level is not None and level > _TOO_MUCH * size and left >= _POINTS:
            closer = noise_of_table(_table(line, spacing / _CLOSER)) or 0.0
            level = closer if closer < level / _CLOSER**0.5 else level
        if jumpy and not step:
            flat, lone = None, lone_step(climbed)
            spacing = _wider(spacing, _FARTHEST)
            continue
        return Noise(max(level or 0.0, floor, UNIFORM * step), level is not None or step > 0, size, step)
    return Noise(floor, False, size)


def _wider(spacing: float, farthest: float) -> float:
    """The spacing of the next table, 0 where there is none that would say more."""
    wider = min(_WIDENING * spacing, farthest / _POINTS)
    return wider if wider > spacing else 0.0


def _coarse(values: FloatVector, size: float) -> bool:
    """Whether the cost takes larger steps than one makes that is rounded to float32 inside."""
    return bool(np.max(np.abs(np.diff(values))) > LOWER_PRECISION * size)


def _table(line: Callable[[float], float], spacing: float) -> FloatVector:
    """Nine equally spaced values, or only three where those are equal."""
    first = {i: line(spacing * (i + 1)) for i in _FLAT_CHECK}
    if len(set(first.values())) == 1:
        return np.array(list(first.values()))
    return np.array([first[i] if i in first else line(spacing * (i + 1)) for i in range(_POINTS)])


def _rounding_seen(values: FloatVector, wide: bool) -> float:
    """The rounding of a lower precision that all values have in common; a regular staircase shows no other noise."""
    if np.unique(values).size < _TELLING_LEVELS:
        return 0.0
    in_half, in_single = (_is_exact_in(dtype, values) for dtype in (np.float16, np.float32))
    if wide and in_half:
        return 0.0  # so few digits the levels of a floor function have by chance
    dtype = np.float16 if in_half else np.float32 if in_single else np.float64
    return float(np.finfo(dtype).eps) / 2 * float(np.max(np.abs(values)))


def _is_exact_in(dtype: type, values: FloatVector) -> bool:
    with np.errstate(over="ignore", under="ignore"):
        return np.array_equal(values.astype(dtype).astype(np.float64), values)


def noise_of_table(values: FloatVector) -> float | None:
    """The noise level that equally spaced values show, or None where their difference table does not settle."""
    largest = float(np.max(np.abs(values)))
    if largest == 0:
        return None
    column = values / largest
    levels: list[float] = []
    changes: list[bool] = []
    factor = 1.0
    for order in range(1, len(values)):
        column = np.diff(column)
        factor *= order / (2 * (2 * order - 1))  # (k!)**2 / (2k)!, step by step
        levels.append(math.sqrt(factor * float(np.mean(np.square(column)))))
        changes.append(bool(column.min() < 0 < column.max()))
    for order in range(len(levels) - 2):
        three = levels[order : order + 3]
        if changes[order] and max(three) <= 4 * min(three):
            return levels[order] * largest
    return None


def noise_between(values: FloatVector) -> float:
    """The noise level that equally spaced values show from each to the next; kinks and curvature do not count.

    Second differences of noise alternate in sign, beside a jump too, where those of a bent function or at a kink do
    not.
    """
    second = np.diff(values, 2)
    smaller = np.minimum(np.abs(second[:-1]), np.abs(second[1:]))
    alternating = np.where(second[:-1] * second[1:] < 0, smaller, 0.0)
    largest = float(np.max(alternating, initial=0.0))
    return largest * math.sqrt(float(np.mean(np.square(alternating / largest)))) / _ALTERNATING if largest else 0.0


def _mostly_equal(values: FloatVector) -> bool:
    return 2 * int(np.sum(np.diff(values) == 0)) >= len(values) - 1

"""The noise estimate: how far a computed cost is from the smooth function that it stands for."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from .norms import FloatVector
from .staircase import MOST_BISECTIONS, UNIFORM, lone_step, on_a_grid, step_between, step_of_plateaus
from .steps import FARTHEST_MOVE, SAFE_MOVE

_POINTS = 9
"""Values in one difference table; Moré and Wild find 7 to 9 enough."""

_FIRST_SPACING = 4217.3
"""Spacing of the first table, in unit roundoffs of theta's scale: so wide that every value rounds anew, so narrow that
the smooth cost hardly bends."""

_WIDENING = 137.0
"""How much wider each further table is. It is not a power of two, at which rounding to a lower binary precision would
be regular and look smooth."""

_MOST_TABLES = 6
"""At most this many tables are made: the sixth of a float64 cost reaches as far as `SAFE_MOVE`."""

_WIDEST = 1e-4
"""At a wider spacing than this, plateaus are not those of single parameters that are rounded to float32: these are a
few 1e-7 of the parameter wide."""

_FAR = 1e-6
"""The same for a cost whose steps are larger than float32 inside makes them."""

_FLAT_CHECK = (0, 4, 8)
"""Points of a table that are taken first. If they are equal, the points are too close together for a change to show."""

_WITHIN_A_STEP = 7.3
"""Points of the second table within the distance of a step: not a whole number, so that no point is a step away."""

_ALTERNATING = 1.4
"""Median of the root mean square in `estimate_between` for nine values of normal noise with deviation 1."""

_TOO_MUCH = 2.0**-8
"""More noise than this, relative to ``|J|``, is more than bfloat16 makes: terms cancel, or the cost oscillates from
point to point."""

_CLOSER = 64.0
"""Points this many times closer tell the two apart: noise stays, an oscillation vanishes."""

_TELLING_LEVELS = 3
"""At least this many different values have to be exact in a lower precision: the few of a floor function are by
chance."""

LOWER_PRECISION = 2.0**-20
"""Noise up to this, relative to ``|J|``, is that of a part in float32; a cost with more varies within a step."""

LEAST_EVALUATIONS = _POINTS
"""Evaluations of one table."""

MOST_EVALUATIONS = 2 * _POINTS + len(_FLAT_CHECK) * (_MOST_TABLES - 1) + MOST_BISECTIONS
"""Evaluations that an estimate usually takes at most; 18, two tables, are the rule."""


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a computed cost.

    Attributes
    ----------
    level : float
        Standard deviation around the smooth cost, absolute.
    settled : bool
        Whether a difference table settled.
    size : float
        The largest ``|J|`` seen, 0 if that is not known. J itself may happen to be zero at theta.
    stair : float
        The step of the staircase that the cost climbs, absolute; 0 if it climbs none.
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
    order k from which three estimates agree within a factor of 4 and at which the differences change sign. If half of
    the values are equal, the points are too close together and a wider table is made, so that a cost that computes in a
    lower precision than its parameters shows the noise of that precision. All points lie on one side of theta: at a
    kink both sides together would look like noise.

    Parameters
    ----------
    line : callable
        The cost at ``theta + t * scale * direction``, a function of the dimensionless t.
    cost : float
        J at theta.
    roundoff : float
        Unit roundoff of the precision theta is held in, relative. The level is at least ``roundoff * |J|``.
    away : float
        The step of a usual difference, dimensionless, over which a second table is made: at a perfect fit the cost is
        more exact than a step away, and a part that is computed in float32 does not change over the first table. 0
        (default) makes none.
    most : int
        Evaluations allowed; a table takes 9.

    Returns
    -------
    Noise
        If no table settled, the level is the largest that the rounding of the values explains.

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
    here = _estimate_near(line, spacing, cost, roundoff, most if not away or most < 2 * _POINTS else most - _POINTS)
    size, level = here.size, here.level
    if away and most >= 2 * _POINTS:
        values = np.array(list(map(line, [away / _WITHIN_A_STEP * (i + 1) for i in range(_POINTS)])))
        if np.all(np.isfinite(values)):
            size = max(size, float(np.max(np.abs(values))))
            # What rounds to a lower precision takes steps of at most twice its rounding.
            step = max(_step_if_repeated(values), 2 * _find_rounding(values, wide=True))
            within = max(estimate_between(values), UNIFORM * step)
            level = max(level, within if within <= LOWER_PRECISION * size else 0.0)
    return Noise(max(level, roundoff * size), here.settled, size, here.stair)


def _estimate_near(line: Callable[[float], float], spacing: float, cost: float, roundoff: float, most: int) -> Noise:
    size = abs(cost)
    floor = roundoff * size
    flat: float | None = None
    lone = 0.0
    nearest = spacing
    left = most
    for _ in range(_MOST_TABLES):
        if left < _POINTS or not spacing:
            break
        values = _evaluate_table(line, spacing)
        left -= values.size
        if not np.all(np.isfinite(values)):
            break
        size = max(size, float(np.max(np.abs(values))))
        far, wide = (spacing > max(beyond, 2 * nearest) for beyond in (_FAR, _WIDEST))
        gridded = wide or (far and _coarse(values, size))
        floor = max(floor, roundoff * size, _find_rounding(values, wide))
        if np.all(values == values[0]) and flat in (None, values[0]):
            flat = values[0]
            spacing = _widen(spacing, SAFE_MOVE)
            continue
        climbed = values if flat is None else np.concatenate([[flat], values])
        step = _step_if_repeated(climbed, gridded)
        if not step and lone and on_a_grid(lone, values - values[0], roundoff * size):
            step = lone
        if not step and flat is not None and left >= MOST_BISECTIONS:
            first = int(np.argmax(values != flat))
            before = max(_POINTS / _WIDENING, float(first))
            seen = np.concatenate([[flat], values[first:]])
            step = step_between(line, spacing * before, spacing * (first + 1), seen, roundoff * size, wide=gridded)
        jumpy = _mostly_equal(values) or (wide and not step)  # points so far apart show no rounding without its grid
        level = None if jumpy else estimate_from_table(values)
        if level is not None and level > _TOO_MUCH * size and left >= _POINTS:
            closer = estimate_from_table(_evaluate_table(line, spacing / _CLOSER)) or 0.0
            level = closer if closer < level / _CLOSER**0.5 else level
        if jumpy and not step:
            flat, lone = None, lone_step(climbed)
            spacing = _widen(spacing, FARTHEST_MOVE)
            continue
        return Noise(max(level or 0.0, floor, UNIFORM * step), level is not None or step > 0, size, step)
    return Noise(floor, False, size)


def _widen(spacing: float, farthest: float) -> float:
    """The spacing of the next table, 0 if no wider one is allowed."""
    wider = min(_WIDENING * spacing, farthest / _POINTS)
    return wider if wider > spacing else 0.0


def _coarse(values: FloatVector, size: float) -> bool:
    """Whether the cost takes larger steps than rounding to float32 inside makes."""
    return bool(np.max(np.abs(np.diff(values))) > LOWER_PRECISION * size)


def _evaluate_table(line: Callable[[float], float], spacing: float) -> FloatVector:
    """Nine equally spaced values, or only the first three of them to be taken if those are equal."""
    first = dict(zip(_FLAT_CHECK, map(line, [spacing * (i + 1) for i in _FLAT_CHECK]), strict=True))
    if len(set(first.values())) == 1:
        return np.array(list(first.values()))
    others = [i for i in range(_POINTS) if i not in first]
    first |= zip(others, map(line, [spacing * (i + 1) for i in others]), strict=True)
    return np.array([first[i] for i in range(_POINTS)])


def _step_if_repeated(values: FloatVector, wide: bool = False) -> float:
    """`step_of_plateaus`, at once where no value comes twice."""
    return step_of_plateaus(values, wide) if np.unique(values).size < values.size else 0.0


def _find_rounding(values: FloatVector, wide: bool) -> float:
    """The rounding of the lowest precision in which all values are exact: a regular staircase shows no other noise."""
    if np.unique(values).size < _TELLING_LEVELS:
        return 0.0
    in_half, in_single = (_is_exact_in(dtype, values) for dtype in (np.float16, np.float32))
    if wide and in_half:
        return 0.0  # the levels of a floor function have so few digits by chance
    dtype = np.float16 if in_half else np.float32 if in_single else np.float64
    return float(np.finfo(dtype).eps) / 2 * float(np.max(np.abs(values)))


def _is_exact_in(dtype: type, values: FloatVector) -> bool:
    with np.errstate(over="ignore", under="ignore"):
        return np.array_equal(values.astype(dtype).astype(np.float64), values)


def estimate_from_table(values: FloatVector) -> float | None:
    """The noise level that equally spaced values show, or None if their difference table does not settle."""
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


def estimate_between(values: FloatVector) -> float:
    """The noise level that equally spaced values show from each to the next, without that of kinks and curvature.

    Second differences of noise alternate in sign, next to a jump too; those of a bent function and at a kink do not.
    """
    second = np.diff(values, 2)
    smaller = np.minimum(np.abs(second[:-1]), np.abs(second[1:]))
    alternating = np.where(second[:-1] * second[1:] < 0, smaller, 0.0)
    largest = float(np.max(alternating, initial=0.0))
    return largest * math.sqrt(float(np.mean(np.square(alternating / largest)))) / _ALTERNATING if largest else 0.0


def _mostly_equal(values: FloatVector) -> bool:
    return 2 * int(np.sum(np.diff(values) == 0)) >= len(values) - 1

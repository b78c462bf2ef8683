"""The noise level of a computed cost: how far it is from the smooth function that it stands for."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from ..protocol import FloatVector
from .staircase import MOST_BISECTIONS, UNIFORM, step_between, step_of_plateaus

_POINTS = 9
"""Values in one difference table; the paper finds 7 to 9 enough."""

_FIRST_SPACING = 4217.3
"""Spacing of the first table, in unit roundoffs of theta's scale: wide enough to round anew, and nearly smooth."""

_WIDENING = 137.0
"""No power of two, along which rounding to another binary precision would be regular and look smooth."""
_MOST_TABLES = 6

_WIDE = 4
"""Tables after which the points are too far apart for the rounding of single parameters: 2e-4 of theta in float64."""

_FLAT_CHECK = (0, 4, 8)
"""Points of a table that are taken first: where they are equal the points are too close for any change to show."""

_OTHERWISE = 1.618
"""Times wider are the tables at a second place: a staircase that is regular in one is not in the other."""

MOST_EVALUATIONS = 2 * (_POINTS + len(_FLAT_CHECK) * (_MOST_TABLES - 1) + MOST_BISECTIONS)
"""What an estimate at two places usually takes at most; 18 are usual."""


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
    """

    level: float
    settled: bool
    size: float = 0.0


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
        A second place along the line, dimensionless, at the distance of a difference's step. At a perfect fit the cost
        is exact to far less than its noise a step away. 0 (default): none.
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
    here = _noise_at(line, 0.0, cost, roundoff, most if not away else (most + 1) // 2)
    if not away or most < 2 * _POINTS:
        return here
    there = _noise_at(line, away, cost, roundoff, most // 2)
    return Noise(max(here.level, there.level), here.settled and there.settled, max(here.size, there.size))


def _noise_at(line: Callable[[float], float], origin: float, cost: float, roundoff: float, most: int) -> Noise:
    size = abs(cost)
    floor = roundoff * size
    spacing = min(_FIRST_SPACING * roundoff, math.sqrt(roundoff)) * (_OTHERWISE if origin else 1.0)
    flat: float | None = None

    def beyond(t: float) -> float:
        return line(origin + t)

    left = most
    for table in range(_MOST_TABLES):
        if left < _POINTS:
            break
        values = _table(beyond, spacing)
        left -= values.size
        if not np.all(np.isfinite(values)):
            break
        size = max(size, float(np.max(np.abs(values))))
        floor = max(floor, roundoff * size)
        if np.all(values == values[0]) and flat in (None, values[0]):
            flat = values[0]
            spacing *= _WIDENING
            continue
        wide = table >= _WIDE
        step = step_of_plateaus(values, wide)
        if not step and flat is not None and left >= MOST_BISECTIONS:
            first = int(np.argmax(values != flat))
            before = max(_POINTS / _WIDENING, float(first))
            seen = np.concatenate([[flat], values[first:]])
            step = step_between(beyond, spacing * before, spacing * (first + 1), seen)
        jumpy = _mostly_equal(values) or (wide and not step)  # so far apart no rounding shows without its grid
        level = None if jumpy else noise_of_table(values)
        if jumpy and not step:
            flat = None
            spacing *= _WIDENING
            continue
        floor = max(floor, _rounding_seen(values), UNIFORM * step)
        return Noise(max(level or 0.0, floor), level is not None or step > 0, size)
    return Noise(floor, False, size)


def _table(line: Callable[[float], float], spacing: float) -> FloatVector:
    """Nine equally spaced values, or only three where those are equal."""
    first = {i: line(spacing * (i + 1)) for i in _FLAT_CHECK}
    if len(set(first.values())) == 1:
        return np.array(list(first.values()))
    return np.array([first[i] if i in first else line(spacing * (i + 1)) for i in range(_POINTS)])


def _rounding_seen(values: FloatVector) -> float:
    """The rounding of a lower precision that all values have in common; a regular staircase shows no other noise."""
    largest = float(np.max(np.abs(values)))
    for dtype in (np.float16, np.float32):
        with np.errstate(over="ignore", under="ignore"):
            if np.array_equal(values.astype(dtype).astype(np.float64), values) and np.any(values != values[0]):
                return float(np.finfo(dtype).eps) / 2 * largest
    return 0.0


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


def _mostly_equal(values: FloatVector) -> bool:
    return 2 * int(np.sum(np.diff(values) == 0)) >= len(values) - 1

"""A cost that rounds to a coarse grid climbs a staircase: equal over small moves, then a whole step further."""

import math
from collections.abc import Callable

import numpy as np

from ..protocol import FloatVector

UNIFORM = 1 / math.sqrt(12)
"""Deviation of a rounding to steps of 1, which is off by up to a half to either side, all amounts alike."""

MOST_BISECTIONS = 8
_ENOUGH = 3
"""Bisections without a value in between after which two levels count as neighbours."""

_COARSEST = 2.0**-7
"""Spacing of bfloat16, the coarsest floating format in use, relative: a lone larger step is a jump of the cost."""


_OFF_THE_GRID = 1e-3
"""How far from a whole number of steps a change may be, in steps: far less than chance, more than float64 rounds."""


def step_of_plateaus(values: FloatVector, wide: bool = False) -> float:
    """The root mean square step between plateaus, values that come twice or more; 0 where there are no two plateaus.

    Parameters
    ----------
    values : numpy.ndarray
        The cost along a line.
    wide : bool
        Whether the places are so far apart that only a grid of the cost itself explains plateaus. Closer, parameters
        that are rounded one by one make steps of any size. Default False.

    Examples
    --------
    >>> step_of_plateaus(np.array([1.0, 1.0, 1.125, 1.125, 1.25]))
    0.125
    >>> step_of_plateaus(np.array([1.0, 1.125, 1.25, 1.375]))
    0.0
    """
    _, counts = np.unique(values, return_counts=True)
    steps = np.abs(np.diff(values))
    steps = steps[steps > 0]
    if int(np.sum(counts > 1)) < 2 or (steps.size == 1 and not _can_be_rounding(steps[0], values)):
        return 0.0
    if wide and not _whole(values - values[0], float(np.min(steps))):
        return 0.0
    largest = float(np.max(steps))
    return largest * math.sqrt(float(np.mean(np.square(steps / largest))))


def step_between(line: Callable[[float], float], flat: float, moved: float, values: FloatVector) -> float:
    """The step of the first stair between a place up to which the cost stays equal and one where it has changed.

    Halving the distance, a smooth cost shows ever smaller changes, a rounded one comes upon the same two values again
    and again.

    Parameters
    ----------
    line : callable
        The cost along a line; at most `MOST_BISECTIONS` evaluations.
    flat, moved : float
        The two places, ``0 < flat < moved``.
    values : numpy.ndarray
        The cost at the one, then at the other, then at any farther places.

    Returns
    -------
    float
        0 where the cost changes without steps, or by a single jump that no rounding makes.
    """
    low, high = float(values[0]), float(values[1])
    seen = [*values]
    seen_again = 0
    since_new = 0
    for _ in range(MOST_BISECTIONS):
        middle = math.sqrt(flat * moved) if moved > 4 * flat else (flat + moved) / 2
        value = line(middle)
        if not math.isfinite(value):
            return 0.0
        seen.append(value)
        since_new += 1
        if value == low:
            flat = middle
            continue
        moved = middle
        seen_again += value == high
        if value != high:
            high, seen_again, since_new = value, 0, 0
        elif since_new >= _ENOUGH:
            break
    step = abs(high - low)
    return step if seen_again and (_can_be_rounding(step, values) or _on_a_grid(step, np.array(seen) - low)) else 0.0


def _can_be_rounding(step: float, values: FloatVector) -> bool:
    return bool(step <= _COARSEST * np.max(np.abs(values)))


def _on_a_grid(step: float, changes: FloatVector) -> bool:
    """Whether all changes are whole numbers of steps, and not all the same: the terms of the cost cancel to little."""
    return _whole(changes, step) and bool(np.max(np.abs(changes)) > 1.5 * step)


def _whole(changes: FloatVector, step: float) -> bool:
    counts = changes / step
    return bool(np.all(np.abs(counts - np.round(counts)) <= _OFF_THE_GRID))

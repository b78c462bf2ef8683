"""A cost that rounds to a coarse grid climbs a staircase: equal over small moves, then a whole step further."""

import math
from collections.abc import Callable

import numpy as np

from .norms import FloatVector

UNIFORM = 1 / math.sqrt(12)
"""Deviation of a rounding to steps of 1, which is off by up to a half to either side, all amounts alike."""

MOST_BISECTIONS = 8
_ENOUGH = 3
"""Bisections without a value in between after which two levels count as neighbours."""

_COARSEST = 2.0**-7
"""Spacing of bfloat16, the coarsest floating format in use, relative: a lone larger step is a jump of the cost."""


_OFF_THE_GRID = 1e-3
"""How far from a whole number of steps a change may be, in steps: far less than chance, more than float64 rounds."""


_TELLING = 0.05
"""How near to a whole number a count of steps has to be known to say anything."""


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
    if wide and not on_a_grid(float(np.min(steps)), values - values[0]):
        return 0.0
    largest = float(np.max(steps))
    return largest * math.sqrt(float(np.mean(np.square(steps / largest))))


def step_between(
    line: Callable[[float], float],
    flat: float,
    moved: float,
    values: FloatVector,
    rounding: float = 0.0,
    largest: float | None = None,
    wide: bool = False,
) -> float:
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
    rounding : float
        How exact those are, absolute.
    largest : float, optional
        Size of the cost, where `values` are taken relative to it.
    wide : bool
        As for `step_of_plateaus`.

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
    if on_a_grid(step, np.array(seen) - low, rounding):
        return step
    if wide:
        return 0.0
    size = np.array([largest]) if largest is not None else values
    return step if seen_again and _can_be_rounding(step, size) else 0.0


def lone_step(values: FloatVector) -> float:
    """The only step that some values take, 0 where they take none or several: a jump, or the first of a staircase."""
    steps = np.abs(np.diff(values))
    steps = steps[steps > 0]
    return float(steps[0]) if steps.size == 1 else 0.0


def _can_be_rounding(step: float, values: FloatVector) -> bool:
    return bool(step <= _COARSEST * np.max(np.abs(values)))


def on_a_grid(step: float, changes: FloatVector, rounding: float = 0.0) -> bool:
    """Whether all changes, exact to some rounding, are whole numbers of steps, and not all of a single one."""
    return step > 0 and _whole(changes, step, rounding) and bool(np.max(np.abs(changes)) > 1.5 * step)


def _whole(changes: FloatVector, step: float, rounding: float) -> bool:
    counts = changes / step
    off = np.abs(counts - np.round(counts))
    # A step is known to a rounding as well, and the more of them there are the more that adds up to.
    allowed = _OFF_THE_GRID + 2 * rounding / step * (1 + np.abs(counts))
    return bool(np.all(off <= allowed) and np.all(allowed < _TELLING))

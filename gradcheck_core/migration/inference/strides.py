"""From strides in a source's memory to what a person would write: a view, slices and a permutation of axes."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from ..entries import Ranges, Term

Digits = Sequence[tuple[int, int]]
"""Nested counters, the outermost first: how many values each takes, and how far each step leads in the source."""


def make_term(source: str, shape: tuple[int, ...], offset: int, digits: Digits) -> Term | None:
    """The term that reads a source from an offset on by nested counters; None if no view and slices do that.

    The offset is a flat index into the source's shape; counts and strides are in entries, the slowest counter first.
    """
    turning = [digit for digit in digits if digit[0] > 1]
    if any(stride <= 0 for _, stride in turning):
        return None
    return _in_its_own_shape(source, shape, offset, turning) or _in_a_view(source, shape, offset, turning)


def _in_its_own_shape(source: str, shape: tuple[int, ...], offset: int, digits: Digits) -> Term | None:
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    axis_of = {stride: axis for axis, (length, stride) in enumerate(zip(shape, strides, strict=True)) if length > 1}
    used: dict[int, int] = {}
    for count, stride in digits:
        inner: list[tuple[int, int]] = []  # of a counter that runs through several axes, the innermost first
        while count > 1:
            axis = axis_of.get(stride)
            if axis is None or axis in used or any(axis == other for other, _ in inner):
                return None
            here = min(count, shape[axis])
            if count % here:
                return None
            inner.append((axis, here))
            count, stride = count // here, stride * here
        used.update(reversed(inner))
    starts = [int(start) for start in np.unravel_index(offset, shape)] if shape else []
    single = [axis for axis in range(len(shape)) if axis not in used]
    counts = [used.get(axis, 1) for axis in range(len(shape))]
    return _slice(source, None, shape, starts, counts, (*single, *used))


def _in_a_view(source: str, shape: tuple[int, ...], offset: int, digits: Digits) -> Term | None:
    order = sorted(range(len(digits)), key=lambda i: -digits[i][1])
    strides = [digits[i][1] for i in order]
    if strides and strides[-1] > 1:
        strides.append(1)  # entries that lie between those that are read
    steps = [math.prod(shape), *strides]
    if any(wide % narrow or wide == narrow for wide, narrow in itertools.pairwise(steps[1:])) or steps[0] % steps[1]:
        return None
    view = tuple(wide // narrow for wide, narrow in itertools.pairwise(steps))
    starts = [int(start) for start in np.unravel_index(offset, view)]
    counts = [digits[i][0] for i in order] + [1] * (len(view) - len(order))
    between = tuple(range(len(order), len(view)))
    return _slice(source, view, view, starts, counts, (*between, *(order.index(i) for i in range(len(digits)))))


def _slice(
    source: str,
    view: tuple[int, ...] | None,
    seen: tuple[int, ...],
    starts: list[int],
    counts: list[int],
    axes: tuple[int, ...],
) -> Term | None:
    ranges: list[tuple[int, int] | None] = []
    for length, start, count in zip(seen, starts, counts, strict=True):
        if start + count > length:
            return None
        ranges.append(None if count == length else (start, start + count))
    taken: Ranges | None = tuple(ranges) if any(extent is not None for extent in ranges) else None
    return Term(source, axes, view, taken)

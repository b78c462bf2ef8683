"""A target cut into the fewest pieces that each are a slice of one source, from where its entries stand there."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ..entries import Term
from .lookup import Positions, ValuePool
from .strides import make_term

MOST_PIECES = 128
"""Pieces of one target, at most: shuffled values give one for each entry, and gates and heads are fewer."""

Box = tuple[tuple[int, int], ...]
"""A part of a target: from where to where along each axis."""

_Digits = list[tuple[int, int]]


def count_entries(box: Box) -> int:
    """How many entries a box has."""
    return math.prod(stop - start for start, stop in box)


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A part of a target, and what of the pool it is; `term` is None if that is not known."""

    box: Box
    term: Term | None

    def move_into(self, into: Box) -> "Part":
        """The same part, counted from the beginning of the target instead of a box in it."""
        box = tuple((start + low, start + high) for (low, high), (start, _) in zip(self.box, into, strict=True))
        return Part(box, self.term)


def decompose(positions: Positions, pool: ValuePool) -> list[Part] | None:
    """Cut a target into parts that each are a slice of one array of the pool, or unknown.

    The positions are those that `ValuePool.find` gives. None if the target falls into more pieces than any layer has:
    then no slices explain the order of its values.
    """
    whole = tuple((0, length) for length in positions.shape)
    parts = list(itertools.islice(_cut(positions, pool.owners(positions), pool, whole), MOST_PIECES + 1))
    return parts if len(parts) <= MOST_PIECES else None


def _cut(positions: Positions, owners: Positions, pool: ValuePool, box: Box) -> Iterator[Part]:
    inside = tuple(slice(*extent) for extent in box)
    here, whose = positions[inside], owners[inside]
    if (here < 0).all():
        yield Part(box, None)
        return
    for axis in range(here.ndim):
        changes = _changes(whose, axis)
        if changes:
            yield from _cut_at(positions, owners, pool, box, axis, changes)
            return
    digits: list[_Digits] = []
    for axis in range(here.ndim):
        found, breaks = _counters(_steps(here, axis), here.shape[axis])
        if breaks:
            yield from _cut_at(positions, owners, pool, box, axis, breaks)
            return
        digits.append(found)
    owner = int(whose.max())
    offset = _first(here, digits) - int(pool.starts[owner])
    name = pool.names[owner]
    term = make_term(name, pool.arrays[name].shape, offset, [digit for each in digits for digit in each])
    if term is not None:
        yield Part(box, term)
        return
    axis = max(range(here.ndim), key=lambda axis: len(digits[axis]))
    outer = digits[axis][0][0] if here.ndim else 1
    if outer < 2:
        yield Part(box, None)
        return
    length = here.shape[axis] // outer
    yield from _cut_at(positions, owners, pool, box, axis, list(range(length, here.shape[axis], length)))


def _cut_at(
    positions: Positions, owners: Positions, pool: ValuePool, box: Box, axis: int, breaks: list[int]
) -> Iterator[Part]:
    start, stop = box[axis]
    edges = [start, *(start + each for each in breaks), stop]
    for low, high in itertools.pairwise(edges):
        yield from _cut(positions, owners, pool, (*box[:axis], (low, high), *box[axis + 1 :]))


def _changes(whose: Positions, axis: int) -> list[int]:
    """Where along an axis another source begins, or the known ends."""
    along = np.moveaxis(whose, axis, 0).reshape(whose.shape[axis], -1)
    first = along.max(axis=1)
    return [int(change) + 1 for change in np.flatnonzero(first[1:] != first[:-1])]


def _steps(here: Positions, axis: int) -> npt.NDArray[np.int64]:
    """How far in the source each step along an axis leads, read where both entries are known."""
    along = np.moveaxis(here, axis, 0).reshape(here.shape[axis], -1)
    both = (along[1:] >= 0) & (along[:-1] >= 0)
    column = both.argmax(axis=1)
    rows = np.arange(len(along) - 1)
    return np.where(both[rows, column], along[rows + 1, column] - along[rows, column], 0)


def _counters(steps: npt.NDArray[np.int64], length: int, is_outer: bool = False) -> tuple[_Digits, list[int]]:
    """Nested counters that take these steps, the outermost first; or where to cut so that there are such counters.

    If blocks of equal size stand in another order, as gates do, every block is cut off.
    """
    if length == 1:
        return [(1, 0)], []
    step = int(steps[0])
    if step <= 0:
        return [], list(range(1, length)) if is_outer else _block_edges(steps, length)
    others = np.flatnonzero(steps != step)
    if not others.size:
        return [(length, step)], []
    run = int(others[0]) + 1
    inner = np.arange(1, length) % run != 0
    if length % run or (steps[inner] != step).any():
        return [], list(range(1, length)) if is_outer else _block_edges(steps, length)
    block = np.add.reduceat(steps, np.arange(0, length - 1, run))[: length // run - 1]
    outer, breaks = _counters(block, length // run, is_outer=True)
    return ([*outer, (run, step)], []) if outer else ([], [run * each for each in breaks])


def _block_edges(steps: npt.NDArray[np.int64], length: int) -> list[int]:
    """Where to cut so that all blocks are of equal size; after the first run if there are no such blocks."""
    usual = Counter(steps.tolist()).most_common(1)[0][0]
    edges = [int(each) + 1 for each in np.flatnonzero(steps != usual)]
    size = math.gcd(length, *edges)
    if 1 < size < length:
        return list(range(size, length, size))
    changes = np.flatnonzero(steps != steps[0])
    return [int(changes[0]) + 1 if changes.size and steps[0] > 0 else 1]


def _first(here: Positions, digits: list[_Digits]) -> int:
    """The position of the box's first entry, from any entry that is known."""
    known = np.unravel_index(int((here >= 0).argmax()), here.shape) if here.ndim else ()
    back = 0
    for index, counters in zip(known, digits, strict=True):
        rest = int(index)
        for count, stride in reversed(counters):
            rest, turned = divmod(rest, count)
            back += turned * stride
    return int(here[known]) - back

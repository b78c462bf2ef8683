"""Where in the source model each value of a target stands."""

import math
from collections.abc import Mapping
from typing import final

import numpy as np
import numpy.typing as npt

from ..entries import Array
from ..tensors import Precision

Positions = npt.NDArray[np.int64]
"""For every entry its place among all values of a pool; -1 if that is not known."""

_ROUNDS = 1000
"""Entries along an axis, at most, over which positions are carried on through values that repeat."""


@final
class ValuePool:
    """The values of several arrays, in which others are looked up.

    If the arrays are sums, `sizes` has the sizes of what was added, by name: they say how much rounding there was.
    """

    def __init__(
        self, arrays: Mapping[str, Array], precision: Precision, sizes: Mapping[str, Array] | None = None
    ) -> None:
        self.arrays = dict(arrays)
        self.names = list(arrays)
        self.starts = np.cumsum([0, *(array.size for array in arrays.values())])
        self._values = _join(arrays)
        scale = _keys(self._values) if sizes is None else np.abs(_join(sizes))
        self._tolerance = precision.tolerance(scale, 0 if sizes is None else 1)
        keys = _keys(self._values)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]
        near = self._tolerance[self._order]
        apart = np.diff(self._sorted) > 2 * np.maximum(near[1:], near[:-1])
        self._alone = np.concatenate([[True], apart]) & np.concatenate([apart, [True]])

    @property
    def size(self) -> int:
        """How many values there are."""
        return int(self.starts[-1])

    def find(self, target: Array) -> Positions:
        """Where every entry stands; -1 for a value that is missing, or that repeats and is not told by its neighbours.

        A value that repeats stands where the usual step leads from a neighbour whose position is known, if the pool has
        the same value there.
        """
        if not self.size:
            return np.full(target.shape, -1)
        keys = _keys(target)
        after = (
            np.searchsorted(self._sorted, keys).clip(1, self.size - 1) if self.size > 1 else np.zeros(keys.shape, int)
        )
        before = after - 1 if self.size > 1 else after
        nearer = np.where(keys - self._sorted[before] < self._sorted[after] - keys, before, after)
        found: Positions = self._order[nearer].astype(np.int64)
        known = self._alone[nearer] & self._is_at(found, target)
        return self._carry_on(np.where(known, found, -1), target)

    def owners(self, positions: Positions) -> Positions:
        """The number of the array that each position belongs to; -1 for an unknown one."""
        return np.where(positions >= 0, np.searchsorted(self.starts, positions, side="right") - 1, -1)

    def _is_at(self, positions: Positions, target: Array) -> npt.NDArray[np.bool_]:
        there: npt.NDArray[np.bool_] = np.abs(self._values[positions] - target) <= self._tolerance[positions]
        return there

    def _carry_on(self, positions: Positions, target: Array) -> Positions:
        unknown = int((positions < 0).sum())
        if unknown in (0, positions.size):
            return positions
        for axis in range(positions.ndim):
            step = _usual_step(positions, axis)
            if step is None:
                continue
            along = np.moveaxis(positions, axis, 0)
            values = np.moveaxis(target, axis, 0)
            for _ in range(min(_ROUNDS, len(along))):
                before = int((along < 0).sum())
                self._fill(along[1:], along[:-1], step, values[1:])
                self._fill(along[:-1], along[1:], -step, values[:-1])
                if int((along < 0).sum()) == before:
                    break
        return positions

    def _fill(self, unknown: Positions, known: Positions, step: int, values: Array) -> None:
        guess = known + step
        there = guess.clip(0, self.size - 1)
        fits = (unknown < 0) & (known >= 0) & (guess == there) & self._is_at(there, values)
        fits &= self.owners(there) == self.owners(known)
        unknown[fits] = guess[fits]


def _usual_step(positions: Positions, axis: int) -> int | None:
    along = np.moveaxis(positions, axis, 0)
    both = (along[1:] >= 0) & (along[:-1] >= 0)
    steps = (along[1:] - along[:-1])[both]
    if steps.size:
        values, counts = np.unique(steps, return_counts=True)
        return int(values[counts.argmax()])
    flat = along.reshape(len(along), -1)
    for column in flat[:, (flat >= 0).sum(axis=0) > 1].T[:1]:  # no neighbours are known: the first two that are
        first, second = np.flatnonzero(column >= 0)[:2]
        step, rest = divmod(int(column[second] - column[first]), int(second - first))
        return None if rest else step
    return None


def _join(arrays: Mapping[str, Array]) -> Array:
    return np.concatenate([array.reshape(-1) for array in arrays.values()]) if arrays else np.zeros(0)


def _keys(values: Array) -> npt.NDArray[np.float64]:
    """Real numbers that tell values apart; for complex ones, which have no order, a mixture of both parts."""
    return values.real + math.pi * values.imag if np.iscomplexobj(values) else values

"""Move theta along random directions, stretch by stretch, so that no array of the size of theta is made."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np

from ...evaluate.evaluator import Evaluator
from ...evaluate.requests import Elsewhere
from ...numerics.draws import BLOCK, UNIT, Draws
from ...protocol.backend import Problem
from ...protocol.layout import FloatVector, Layout

T = TypeVar("T")

_LAP = 2**21
"""Entries that one thread moves at a time: that takes milliseconds, many times as long as to start a thread."""

_PIECES = 4
"""A sample of a parameter consists of this many pieces. Each needs a block of draws, which takes most of the time."""

_THREADS = min(os.cpu_count() or 1, 4)
"""Threads that move theta together. NumPy lets them run at the same time; four of them already wait for memory."""


@final
@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Entries ``start`` to ``stop`` of one parameter."""

    parameter: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self.stop - self.start


@final
class Walk:
    """The cost along random directions from theta, in which each parameter has a weight.

    Theta stays where it was moved last, until `restore`. Parameters without a weight do not move.
    """

    def __init__(
        self,
        problem: Problem,
        evaluator: Evaluator,
        layout: Layout,
        theta: FloatVector,
        seed: int,
        weights: Mapping[int, float],
    ) -> None:
        self._problem = problem
        self._evaluator = evaluator
        self._parameters = layout.parameters
        self._theta = theta
        self._seed = seed
        self.weights = weights
        self._moved: tuple[Stretch, ...] = ()

    @property
    def everything(self) -> tuple[Stretch, ...]:
        """All parameters that have a weight."""
        return tuple(Stretch(i, 0, self._parameters[i].size) for i in sorted(self.weights))

    def sample(self, most: int) -> tuple[Stretch, ...]:
        """At most this many entries of every parameter that has a weight, in pieces spread over it."""
        return tuple(piece for stretch in self.everything for piece in _cut_pieces(stretch, most))

    def cost(self, number: int, t: float, along: tuple[Stretch, ...]) -> float:
        """J at theta plus t times a direction; only some stretches of it move."""
        moved = [(s.parameter, s.start, s.stop, self.weights[s.parameter]) for s in along]
        request = Elsewhere(f"{self._seed} {number} {t!r} {moved}", lambda: self._cost(number, t, along))
        return float(self._evaluator.answer(request)[0])

    def _cost(self, number: int, t: float, along: tuple[Stretch, ...]) -> float:
        if along != self._moved:
            self.restore()
        self._moved = along

        def go(lap: Sequence[Stretch]) -> None:
            for stretch, entries in self._direction(number, lap, t):
                start = self._parameters[stretch.parameter].start
                entries += self._theta[start + stretch.start : start + stretch.stop]
                self._problem.write(stretch.parameter, slice(stretch.start, stretch.stop), entries)

        _run_side_by_side(go, along)
        return self._evaluator.evaluate_here(self.weights)

    def product(self, number: int, vector: FloatVector, along: Sequence[Stretch]) -> float:
        """The inner product of stretches of a direction with a vector that has the layout of theta."""

        def of(lap: Sequence[Stretch]) -> float:
            total = 0.0
            for stretch, entries in self._direction(number, lap, 1.0):
                start = self._parameters[stretch.parameter].start
                # einsum, since a threaded product of a few numbers takes longer to start than to compute
                total += float(np.einsum("i,i", entries, vector[start + stretch.start : start + stretch.stop]))
            return total

        return sum(_run_side_by_side(of, along))

    def restore(self) -> None:
        """Move theta back to where it was."""
        for stretch in self._moved:
            at = self._theta[self._parameters[stretch.parameter].range]
            entries = slice(stretch.start, stretch.stop)
            self._problem.write(stretch.parameter, entries, at[entries])
        self._moved = ()

    def _direction(self, number: int, along: Sequence[Stretch], t: float) -> Iterator[tuple[Stretch, FloatVector]]:
        """Stretches of t times the weighted direction, piece by piece in one buffer."""
        draws = Draws(self._seed, number)
        buffer = np.empty(min(BLOCK, sum(stretch.size for stretch in along)))
        drawn, block = -1, np.zeros(0, np.int16)
        for stretch in along:
            origin = self._parameters[stretch.parameter].start
            factor = UNIT * self.weights[stretch.parameter] * t
            start = stretch.start
            while start < stretch.stop:
                index, skipped = divmod(origin + start, BLOCK)
                stop = min(start + BLOCK - skipped, stretch.stop)
                if index != drawn:
                    drawn, block = index, draws.block(index)
                entries = buffer[: stop - start]
                np.multiply(block[skipped : skipped + stop - start], factor, out=entries)
                yield Stretch(stretch.parameter, start, stop), entries
                start = stop


def _cut_pieces(stretch: Stretch, most: int) -> Iterator[Stretch]:
    if stretch.size <= most:
        yield stretch
        return
    length = most // _PIECES
    for start in np.linspace(stretch.start, stretch.stop - length, _PIECES).astype(int).tolist():
        yield Stretch(stretch.parameter, start, start + length)


def _run_side_by_side(work: Callable[[Sequence[Stretch]], T], along: Sequence[Stretch]) -> list[T]:
    """Do the work on every lap, in threads if there are several, and return the results in order."""
    laps = _cut_laps(along)
    if len(laps) == 1:
        return [work(laps[0])]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(work, laps))


def _cut_laps(along: Sequence[Stretch]) -> list[list[Stretch]]:
    """Cut and join stretches so that every lap except the last has `_LAP` entries."""
    laps: list[list[Stretch]] = [[]]
    room = _LAP
    for stretch in along:
        start = stretch.start
        while start < stretch.stop:
            if room == 0:
                laps.append([])
                room = _LAP
            stop = min(start + room, stretch.stop)
            laps[-1].append(Stretch(stretch.parameter, start, stop))
            room -= stop - start
            start = stop
    return laps

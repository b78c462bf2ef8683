"""Theta moved along random directions, stretch by stretch, so that nothing of theta's size is ever made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ..evaluator import Evaluator
from ..execution.requests import Elsewhere
from ..numerics.draws import BLOCK, UNIT, Draws
from ..protocol import FloatVector, Layout, Problem


@final
@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Entries ``start`` to ``stop`` of one parameter."""

    parameter: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many entries."""
        return self.stop - self.start


@final
class Walk:
    """The cost along random directions from theta, each parameter's part times its weight.

    It leaves theta where it went last; `back` gives it back.

    Parameters
    ----------
    problem, evaluator, layout
        The check's own.
    theta : numpy.ndarray
        All of it, float64; only read.
    seed : int
        Of all directions.
    weights : mapping
        By position of a parameter; the others stay where they are.
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
        self._number = -1
        self._draws = Draws(seed, 0)
        self._block: tuple[int, npt.NDArray[np.int16]] = (-1, np.zeros(0, np.int16))
        self._moved: tuple[Stretch, ...] = ()
        self._buffer = np.empty(BLOCK)

    @property
    def everything(self) -> tuple[Stretch, ...]:
        """All parameters that have a weight."""
        return tuple(Stretch(i, 0, self._parameters[i].size) for i in sorted(self.weights))

    def cost(self, number: int, t: float, along: tuple[Stretch, ...]) -> float:
        """J at theta plus t times a direction, of which only some stretches are moved."""
        moved = [(s.parameter, s.start, s.stop, self.weights[s.parameter]) for s in along]
        request = Elsewhere(f"{self._seed} {number} {t!r} {moved}", lambda: self._cost(number, t, along))
        return float(self._evaluator.answer(request)[0])

    def _cost(self, number: int, t: float, along: tuple[Stretch, ...]) -> float:
        if along != self._moved:
            self.back()
        self._moved = along
        for stretch in along:
            at = self._theta[self._parameters[stretch.parameter].range]
            for start, stop, entries in self._direction(number, stretch, t):
                entries += at[start:stop]
                self._problem.write(stretch.parameter, slice(start, stop), entries)
        return self._evaluator.perturbed([self._parameters[i].name for i in self.weights])

    def product(self, number: int, vector: FloatVector, along: Sequence[Stretch]) -> float:
        """The inner product of those stretches of a direction with a vector that is laid out as theta is."""
        total = 0.0
        for stretch in along:
            of_the_parameter = vector[self._parameters[stretch.parameter].range]
            # einsum, since a threaded product of so few numbers takes longer to start than to compute
            total += sum(
                float(np.einsum("i,i", entries, of_the_parameter[start:stop]))
                for start, stop, entries in self._direction(number, stretch, 1.0)
            )
        return total

    def back(self) -> None:
        """Give theta back."""
        for stretch in self._moved:
            at = self._theta[self._parameters[stretch.parameter].range]
            entries = slice(stretch.start, stretch.stop)
            self._problem.write(stretch.parameter, entries, at[entries])
        self._moved = ()

    def _direction(self, number: int, stretch: Stretch, t: float) -> Iterator[tuple[int, int, FloatVector]]:
        """A stretch of t times a direction, each entry weighted, piece by piece in one buffer: start, stop, entries."""
        if number != self._number:
            self._number, self._draws, self._block = number, Draws(self._seed, number), (-1, self._block[1])
        origin = self._parameters[stretch.parameter].start
        factor = UNIT * self.weights[stretch.parameter] * t
        start = stretch.start
        while start < stretch.stop:
            index, skipped = divmod(origin + start, BLOCK)
            stop = min(start + BLOCK - skipped, stretch.stop)
            if index != self._block[0]:
                self._block = (index, self._draws.block(index))
            entries = self._buffer[: stop - start]
            np.multiply(self._block[1][skipped : skipped + stop - start], factor, out=entries)
            yield start, stop, entries
            start = stop

"""What is asked of the cost at perturbed thetas, and where the answers come from.

A `Request` names some perturbed thetas. A `Source` answers it: this process, a pool of others, or the journal of an
earlier run in front of either. Everywhere `Request.costs` computes the answers.
"""

import abc
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self, final

import numpy as np
import numpy.typing as npt

from ..protocol.layout import FloatVector

Part = tuple[int, FloatVector]
"""Where in a request some answers begin, and the answers."""

MOST_AT_A_TIME = 1024
"""Evaluations of one unit of work, at most: a process that is killed loses no more."""


class Evaluates(Protocol):
    """What requests and sources need of an evaluator."""

    @property
    def evaluations(self) -> int:
        """How many are counted."""

    @property
    def batched_to(self) -> tuple[float, int] | None:
        """How a worker is to batch: the cost's noise and the memory of a batch; None where it is not to."""

    @property
    def not_batched(self) -> str | None:
        """Why the cost cannot be batched, if that was found."""

    def affords(self, count: int) -> bool:
        """Whether so many more may be made."""

    def answered_elsewhere(self, costs: FloatVector, evaluations: int, not_batched: str | None) -> None:
        """Count answers that another process or an earlier run gave."""

    def with_entries(
        self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector, present: FloatVector
    ) -> FloatVector:
        """J with one entry of a parameter replaced at a time."""

    def with_parameters(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """J with all entries of some parameters replaced together."""


class Request(abc.ABC):
    """Some thetas near the unperturbed one, at each of which J is asked for.

    A request of several thetas can be pickled: its parts are the work of other processes.
    """

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """How many thetas."""

    @abc.abstractmethod
    def part(self, start: int, stop: int) -> "Request":
        """A request of some consecutive thetas of this one. Law: its answers are those that the whole gives there."""

    @abc.abstractmethod
    def costs(self, evaluator: Evaluates) -> FloatVector:
        """J at each theta, evaluated now. Law: theta is as before afterwards, or whoever asked gives it back."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """A short hash of the thetas, the same in every process."""


@final
@dataclass(frozen=True, slots=True)
class EntriesMoved(Request):
    """One entry of one parameter replaced at a time: a sweep.

    Attributes
    ----------
    parameter : int
        Its position in the layout.
    entries, values, present : numpy.ndarray
        Which entries, int; their new values and their unperturbed ones, float64; all of shape ``(m,)``.
    """

    parameter: int
    entries: npt.NDArray[np.intp]
    values: FloatVector
    present: FloatVector

    @property
    def size(self) -> int:
        return len(self.entries)

    def part(self, start: int, stop: int) -> Self:
        chosen = slice(start, stop)
        return type(self)(self.parameter, self.entries[chosen], self.values[chosen], self.present[chosen])

    def costs(self, evaluator: Evaluates) -> FloatVector:
        return evaluator.with_entries(self.parameter, self.entries, self.values, self.present)

    def fingerprint(self) -> str:
        return _digest(b"entries", _number(self.parameter), self.entries.astype("<i8").tobytes(), _numbers(self.values))


@final
@dataclass(frozen=True, slots=True)
class ParametersMoved(Request):
    """All entries of some parameters replaced together, once: one point of a line.

    Attributes
    ----------
    moved, present : dict
        By the parameter's position its new and its unperturbed entries, float64.
    """

    moved: dict[int, FloatVector]
    present: dict[int, FloatVector]

    @property
    def size(self) -> int:
        return 1

    def part(self, start: int, stop: int) -> Self:
        return self

    def costs(self, evaluator: Evaluates) -> FloatVector:
        return np.array([evaluator.with_parameters(self.moved, self.present)])

    def fingerprint(self) -> str:
        moved = ((_number(i), _numbers(values)) for i, values in self.moved.items())
        return _digest(b"parameters", *(piece for pieces in moved for piece in pieces))


@final
@dataclass(frozen=True, slots=True)
class Elsewhere(Request):
    """One theta that the asker moves to and leaves itself, such as one along a random direction.

    Attributes
    ----------
    called : str
        Tells it from other thetas.
    cost : callable
        Moves theta, and gives J there.
    """

    called: str
    cost: Callable[[], float]

    @property
    def size(self) -> int:
        return 1

    def part(self, start: int, stop: int) -> Self:
        return self

    def costs(self, evaluator: Evaluates) -> FloatVector:
        return np.array([self.cost()])

    def fingerprint(self) -> str:
        return _digest(b"elsewhere", self.called.encode())


class Source(abc.ABC):
    """Where answers come from."""

    @abc.abstractmethod
    def answers(self, request: Request, evaluator: Evaluates) -> Iterator[Part]:
        """The answers to a request, in parts, in any order. Law: each theta once, and the evaluator has counted it."""


@final
class InProcess(Source):
    """Evaluates everything in this process, in one go."""

    def answers(self, request: Request, evaluator: Evaluates) -> Iterator[Part]:
        yield 0, request.costs(evaluator)


@final
class InUnits(Source):
    """Evaluates everything in this process, in units that take about a given time each."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._most = 1

    def answers(self, request: Request, evaluator: Evaluates) -> Iterator[Part]:
        start = 0
        while start < request.size:
            stop = min(start + self._most, request.size)
            began = time.perf_counter()
            yield start, request.part(start, stop).costs(evaluator)
            each = (time.perf_counter() - began) / (stop - start)
            self._most = next_size(stop - start, each, self._seconds)
            start = stop


def next_size(size: int, each: float, seconds: float) -> int:
    """The size of the next unit, which should take `seconds`. In the last one, of `size`, one evaluation took `each`.

    A power of two, so that a batch that is compiled for its size is compiled for few sizes. At most four times the last
    size, since the first evaluations can be faster or slower than the rest.
    """
    return power_of_two(min(4 * size, int(seconds / max(each, 1e-9)), MOST_AT_A_TIME))


def power_of_two(most: int) -> int:
    """The largest power of two up to this; 1 for less than 1."""
    return 1 << (max(1, most).bit_length() - 1)


def _digest(*pieces: bytes) -> str:
    hashed = hashlib.blake2b(digest_size=8)
    for piece in pieces:
        hashed.update(piece)
    return hashed.hexdigest()


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def _numbers(values: FloatVector) -> bytes:
    return np.asarray(values, dtype="<f8").tobytes()

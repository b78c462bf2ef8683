"""Requests for J at thetas near the unperturbed one, in a form that can be hashed, cut and sent."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from ..protocol.layout import FloatVector

Part = tuple[int, FloatVector]
"""Where in a request some answers begin, and the answers."""

MOST_AT_A_TIME = 1024
"""Evaluations of one unit of work, at most: a process that is killed loses no more."""


@final
@dataclass(frozen=True, slots=True)
class EntriesMoved:
    """One entry of one parameter replaced at a time, as in a sweep: the only request of several thetas.

    `entries` says which, `values` are their new and `present` their unperturbed values.
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

    def fingerprint(self) -> str:
        return _digest(b"entries", _number(self.parameter), self.entries.astype("<i8").tobytes(), _numbers(self.values))


class _OneTheta:
    __slots__ = ()
    size: ClassVar = 1

    def part(self, start: int, stop: int) -> Self:
        return self


@final
@dataclass(frozen=True, slots=True)
class ParametersMoved(_OneTheta):
    """All entries of some parameters replaced together: their new and their unperturbed entries by position."""

    moved: dict[int, FloatVector]
    present: dict[int, FloatVector]

    def fingerprint(self) -> str:
        moved = ((_number(i), _numbers(values)) for i, values in self.moved.items())
        return _digest(b"parameters", *(piece for pieces in moved for piece in pieces))


@final
@dataclass(frozen=True, slots=True)
class Elsewhere(_OneTheta):
    """A theta given by a function: `cost` moves there, evaluates and moves back; `called` names the theta."""

    called: str
    cost: Callable[[], float]

    def fingerprint(self) -> str:
        return _digest(b"elsewhere", self.called.encode())


Request = EntriesMoved | ParametersMoved | Elsewhere
"""Parts of a request are answered as the whole is there; a fingerprint is the same in every process."""

Source = Callable[[Request], Iterator[Part]]
"""Answers a request in parts, in any order: each theta once, and the evaluator has counted it."""


def power_of_two(most: int) -> int:
    """The largest power of two up to this, 1 for less than 1: batches are compiled for few sizes then."""
    return 1 << (max(1, most).bit_length() - 1)


def _digest(*pieces: bytes) -> str:
    return hashlib.blake2b(b"".join(pieces), digest_size=8).hexdigest()


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def _numbers(values: FloatVector) -> bytes:
    return np.asarray(values, dtype="<f8").tobytes()

"""Many thetas at once, for a backend of arrays whose framework maps a function over a new axis."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from . import chunks
from .backend import Batch, Weigh
from .layout import FloatVector

_COMPUTED = 8
"""Bytes that are computed, for each that goes in or comes out: a guess, since frameworks do not say what they hold."""

_MOST_AT_ONCE = 64
"""Thetas beyond which a call's own time hardly shows."""

Outputs = Callable[[Any], Sequence[Any]]
"""From one tensor, in place of a parameter, to the floating tensors that the cost then returns."""


@final
class ArrayBatch(Batch):
    """Stacks one parameter's tensors, each with one entry replaced.

    Parameters
    ----------
    many : callable
        From a parameter's position to its `Outputs` over a new first axis, of tensor and results.
    tensor : callable
        From a parameter's position and values with that axis to a tensor.
    to_numpy : callable
        As `Backend.to_numpy`.
    host : sequence of numpy.ndarray
        The present values of the parameters.
    passing : int
        Bytes that go into and come out of one evaluation.
    weigh, memory
        As `Problem.batch` takes them.
    """

    def __init__(
        self,
        many: Callable[[int], Outputs],
        tensor: Callable[[int, npt.NDArray[Any]], Any],
        to_numpy: Callable[[Any], npt.NDArray[Any]],
        host: Sequence[npt.NDArray[Any]],
        passing: int,
        weigh: Weigh,
        memory: int,
    ) -> None:
        self._many = many
        self._tensor = tensor
        self._to_numpy = to_numpy
        self._host = host
        self._weigh = weigh
        self._length = chunks.length(_COMPUTED * passing, memory, _MOST_AT_ONCE)

    def costs_at(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        host, many = self._host[parameter], self._many(parameter)

        def costs(entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
            elements, moved = chunks.replacements(host, entries, values)
            stacked = np.repeat(host.reshape(1, -1), len(entries), axis=0)
            stacked[np.arange(len(entries)), elements] = moved
            outputs = many(self._tensor(parameter, stacked.reshape(-1, *host.shape)))
            return chunks.contracted([self._to_numpy(output) for output in outputs], self._weigh)

        return chunks.piece_by_piece(costs, entries, values, lambda: self._length)

"""Many thetas at once where the backend can, trusted only where the answers are those of one by one."""

import math
import textwrap
from collections.abc import Callable
from typing import final

import numpy as np
import numpy.typing as npt

from ..protocol.backend import Batch
from ..protocol.layout import FloatVector

_LEAST = 8
"""Thetas from which a batch is worth its own overhead."""

_ALLOWED_NOISE = 25.0
"""Deviations of the cost's noise by which a batched answer may be off: 5, as error bars have, of a sum that rounds in
another order at each of some layers."""


@final
class Batching:
    """A backend's batch and what is known of it.

    Two of the first answers for each parameter, among them the one that says most, are compared with the cost evaluated
    alone. If they differ by rounding, that is taken off all answers, since only differences of them count. If they
    differ by more, or if the batch raises, there are no further batches. Answers that are all the same are compared
    with the cost with all entries moved too: a cost with its own reference to a parameter does not see what a batch
    puts in its place. `refusal` says to a person why there are no more batches.
    """

    def __init__(self, batch: Batch, noise: float) -> None:
        self._batch = batch
        self._allowed = _ALLOWED_NOISE * noise
        self._offsets: dict[int, float] = {}
        self.refusal: str | None = None

    def costs_at(
        self,
        parameter: int,
        entries: npt.NDArray[np.intp],
        values: FloatVector,
        evaluate_alone: Callable[[npt.NDArray[np.intp], FloatVector], float],
    ) -> FloatVector | None:
        """J with one entry replaced at a time, or None where it has to be evaluated one by one.

        `evaluate_alone` evaluates the cost with all the entries that it is given replaced together.
        """
        if self.refusal is not None or len(entries) < _LEAST:
            return None
        try:
            costs = self._batch.costs_at(parameter, entries, values)
        except Exception as error:
            self.refusal = f"{type(error).__name__}: {_first_line(error)}"
            return None
        if parameter not in self._offsets:
            # The middle one too, since what stands apart may do so for being evaluated in another batch.
            for position in {len(entries) // 2, _find_most_telling(costs)}:
                alone = evaluate_alone(entries[[position]], values[[position]])
                offset = float(costs[position]) - alone
                if math.isfinite(alone) and not abs(offset) <= self._allowed:
                    self.refusal = f"the batched cost is {costs[position]:.17g}, but one by one it is {alone:.17g}"
                    return None
            if np.all(costs == costs[0]) and abs(evaluate_alone(entries, values) - alone) > self._allowed:
                self.refusal = "when batched, the cost does not use the params it is given"
                return None
            self._offsets[parameter] = offset if math.isfinite(offset) else 0.0
        return costs - self._offsets[parameter]


def _find_most_telling(costs: FloatVector) -> int:
    """The position of the cost that is farthest from the usual one: an entry that moves nothing tells nothing."""
    return int(np.argmax(np.nan_to_num(np.abs(costs - np.median(costs)), posinf=0.0)))


def _first_line(error: Exception) -> str:
    return textwrap.shorten(next(iter(str(error).splitlines()), ""), 120, placeholder=" ...")

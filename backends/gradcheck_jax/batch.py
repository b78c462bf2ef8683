"""A JAX cost compiled: evaluated at one theta, and at many by `vmap` over the leaves that are perturbed."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from gradcheck_core.protocol import Batch, FloatVector, Weigh, chunks
from gradcheck_core.protocol.compiled import CompiledCost

from .program import Program, trace_program
from .pytrees import select_floating

_MOST_AT_ONCE = 64
"""With more thetas, the tenth of a millisecond that a call takes hardly counts. Small requests are filled up to it."""

Array = npt.NDArray[Any]


@final
class TracedCost:
    """The program of an open problem's cost, traced when it is first needed.

    `call` takes the checked leaves and gives what the cost returns; `scope` gives the context in which JAX has the
    precision of the problem. `failed` says whether something could not be traced.
    """

    def __init__(
        self, call: Callable[[list[Any]], object], scope: Callable[[], contextlib.AbstractContextManager[object]]
    ) -> None:
        self.failed = False
        self.scope = scope
        self._call = call
        self._program: tuple[Program, list[Any]] | None = None

    def program(self, leaves: list[Any]) -> tuple[Program, list[Any]]:
        """The program and the arrays that the cost closes over. Raises what JAX or the cost say against it."""
        if self._program is None:
            if any(type(leaf) in (float, complex) for leaf in leaves):
                msg = "JAX computes with a Python float among the params in another precision"
                raise TypeError(msg)
            self._program = self.trace(lambda leaves: select_floating(self._call(leaves)), leaves)
        return self._program

    def trace(self, function: Callable[[list[Any]], list[Any]], leaves: list[Any]) -> tuple[Program, list[Any]]:
        """The program of a function of the checked leaves, as `program` of the cost."""
        try:
            return trace_program(function, leaves)
        except Exception:
            self.failed = True
            raise

    def outputs(self, leaves: list[Any]) -> list[Array]:
        """What the program computes of some leaves."""
        with self.scope():
            program, constants = self.program(leaves)
            return [np.asarray(output) for output in program.outputs(constants, leaves)]


@final
@dataclass(frozen=True)
class JaxBatch(Batch):
    """Thetas in chunks, for every group of leaves of one length, so that XLA compiles once for each group."""

    # XLA takes about as long to compile a cost as JAX takes to call it a hundred times.
    least: ClassVar[int] = 64

    traced: TracedCost
    compiled: CompiledCost
    leaves: Callable[[], list[Any]]
    host: Sequence[Array]
    weigh: Weigh
    memory: int

    def costs_at(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        leaves, host = self.leaves(), self.host
        with self.traced.scope():
            program, constants = self.traced.program(leaves)
            number = next(i for i, group in enumerate(program.groups) if parameter in group)
            group = program.groups[number]
            most = min(_MOST_AT_ONCE, max(host[i].size for i in group))
            length = chunks.choose_length(program.bytes_each[number], self.memory, most)

            def compute(indices: npt.NDArray[np.int32], moved: Array) -> list[Array]:
                filled = np.arange(length).clip(max=len(indices) - 1)
                outputs = program.perturbed[number](constants, leaves, indices[filled], moved[filled])
                return [np.asarray(output) for output in outputs]

            costs = chunks.evaluate_group(host, group, parameter, entries, values, length, compute, self.weigh)
        self.compiled.call_next()
        return costs

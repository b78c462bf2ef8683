"""The NumPy adapter."""

from collections.abc import Callable
from typing import Any, final

import numpy as np
import numpy.typing as npt

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import Backend, Batch, Capability, Gradient, Problem, Weigh, trees
from gradcheck_core.protocol.chunks import StackedBatch, choose_count
from gradcheck_core.protocol.host_theta import HostProblem, hold, why_carried

from .batched import AT_A_TIME, BatchedCost, DeclaredCosts


@final
class NumpyBackend(Backend):
    """NumPy arrays, and Python floats beside them, in any nesting."""

    name = "numpy"
    capabilities = frozenset({Capability.FLOAT64, Capability.COMPLEX_STEP})

    def owns(self, leaf: object) -> bool:
        return isinstance(leaf, np.ndarray | np.generic)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        return np.asarray(leaf)

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        # The core fixes NumPy's global generator for every backend.
        return _NumpyProblem(cost, params, args, precision)


@final
class _NumpyProblem(HostProblem):
    def __init__(self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str) -> None:
        self._cost = cost
        self._args = args
        leaves = trees.leaves(params)
        reasons = [_explain(leaf) for leaf in leaves]
        theta = hold(leaves, reasons, lambda leaf: np.asanyarray(leaf.value), _dtype_of, precision)
        super().__init__(theta, leaves, trees.rebuilder(params))
        for position, reason in enumerate(reasons):
            kept = self._leaves[position]
            if reason is not None and isinstance(kept, np.ndarray):
                self._leaves[position] = kept.copy()
        self._structure = trees.copier(super().params())

    def _place(self, parameter: int) -> None:
        self._leaves[self._positions[parameter]] = self._host[parameter]

    def params(self) -> object:
        return self._structure()

    def evaluate(self) -> object:
        structure = self._structure()
        self._handed = (self._host, structure)  # no array is ever made anew
        return self._cost(structure, *self._args)

    def batch(self, weigh: Weigh, memory: int) -> Batch | None:
        declared = self._cost
        if not isinstance(declared, BatchedCost):
            return None

        def many(parameter: int, thetas: npt.NDArray[Any]) -> object:
            checked = [*self._host[:parameter], thetas, *self._host[parameter + 1 :]]
            return declared.many(self._rebuild(iter(self._with(checked))), *self._args)

        host = list(map(np.asarray, self._host))
        ndim = max(array.ndim for array in host) if declared.ndim is None else declared.ndim
        declared_costs = DeclaredCosts(many, ndim)
        return StackedBatch(
            host, declared_costs, lambda array: choose_count(declared_costs.bytes, array.nbytes, AT_A_TIME, memory)
        )

    def gradient(self, weigh: Weigh) -> Gradient:
        msg = "NumPy has no automatic differentiation; pass `grads`"
        raise InvalidInputError(msg)


def _explain(leaf: trees.Leaf) -> str | None:
    if not isinstance(leaf.value, np.ndarray | np.generic | float | complex):
        return type(leaf.value).__name__
    return why_carried(leaf.name, _dtype_of(leaf), np.size(leaf.value))


def _dtype_of(leaf: trees.Leaf) -> str:
    return str(np.asanyarray(leaf.value).dtype.name)

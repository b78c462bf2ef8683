"""The NumPy adapter."""

from collections.abc import Callable
from typing import Any, final

import numpy as np
import numpy.typing as npt

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import (
    Backend,
    Batch,
    Capability,
    Carried,
    ComplexVector,
    Entries,
    FloatVector,
    Gradient,
    Layout,
    Problem,
    Weigh,
    trees,
)
from gradcheck_core.protocol.array_theta import why_carried

from .batched import BatchedCost, DeclaredBatch

_TENSORS = (np.ndarray, np.generic)


@final
class NumpyBackend(Backend):
    """NumPy arrays, and Python floats beside them, in any nesting."""

    name = "numpy"
    capabilities = frozenset({Capability.FLOAT64, Capability.COMPLEX_STEP})

    def owns(self, leaf: object) -> bool:
        return isinstance(leaf, _TENSORS)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        return np.asarray(leaf)

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        # NumPy's global generator is the host's own: the core fixes it for every backend.
        return _NumpyProblem(cost, params, args, precision)


@final
class _NumpyProblem(Problem):
    def __init__(self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str) -> None:
        self._cost = cost
        self._args = args
        given_leaves = trees.leaves(params)  # first, since it refuses a structure that contains itself
        leaves: list[Any] = []
        self._checked: list[trees.Leaf] = []
        tensors: list[tuple[str, tuple[int, ...], str]] = []
        carried: list[Carried] = []
        for leaf in given_leaves:
            reason = why_carried(leaf, _TENSORS, _dtype_of, np.asanyarray)
            if reason is not None:
                carried.append(Carried(leaf.name, reason))
                kept = leaf.value.copy() if isinstance(leaf.value, np.ndarray) else leaf.value
                leaves.append(kept)
                continue
            given = np.asanyarray(leaf.value)
            dtype = given.dtype if precision == "native" else np.promote_types(given.dtype, precision)
            # subok keeps np.matrix and the like for the cost; theta is a plain view over the same memory.
            working = np.array(given, dtype=dtype, order="C", subok=True)
            self._checked.append(trees.Leaf(leaf.path, working))
            leaves.append(working)
            tensors.append((leaf.name, given.shape, given.dtype.name))
        self._leaves = leaves
        self._rebuild = trees.rebuilder(params)
        self._structure = trees.copier(self._rebuild(iter(leaves)))
        self._layout = Layout.of(tensors, carried)
        self._flat = [
            parameter.numbers(np.asarray(leaf.value))
            for parameter, leaf in zip(self._layout.parameters, self._checked, strict=True)
        ]
        self._handed: object = None

    @property
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        return self._flat[parameter].real.astype(np.float64)

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        self._flat[parameter][entries] = values

    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        self._flat[parameter][entries] = values

    def params(self) -> object:
        return self._structure()

    def evaluate(self) -> object:
        self._handed = self._structure()
        return self._cost(self._handed, *self._args)

    def batch(self, weigh: Weigh, memory: int) -> Batch | None:
        declared = self._cost
        if not isinstance(declared, BatchedCost):
            return None

        def many(parameter: int, thetas: npt.NDArray[Any]) -> object:
            replaced = self._checked[parameter].value
            structure = self._rebuild(thetas if leaf is replaced else leaf for leaf in self._leaves)
            return declared.many(structure, *self._args)

        return DeclaredBatch(many, self._flat, self._layout, declared.ndim, memory)

    def gradient(self, weigh: Weigh) -> Gradient:
        msg = "NumPy has no automatic differentiation; pass `grads`"
        raise InvalidInputError(msg)

    def changed_structure(self) -> str | None:
        return trees.rebound(self._checked, trees.leaves(self._handed))

    def close(self) -> None:
        """Nothing to give back: theta is held in copies."""


def _dtype_of(leaf: object) -> str:
    return np.asanyarray(leaf).dtype.name

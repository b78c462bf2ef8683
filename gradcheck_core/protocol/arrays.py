"""A backend from a few functions of arrays: all else that the protocol asks for is derived from them.

For a framework whose tensors stand in Python's own containers. Theta is held in NumPy arrays, and a tensor is made anew
from one that was written, so that neither the caller's tensors nor their memory are ever touched.
"""

import abc
import contextlib
import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from . import trees
from .array_batch import ArrayBatch, Outputs
from .array_theta import ArrayTheta
from .backend import Backend, Batch, Capability, Entries, Problem, Weigh, undeclared
from .layout import ComplexVector, FloatVector, Gradient, Layout, as_pairs
from .outputs import as_real, is_inexact

Function = Callable[[Sequence[Any]], Any]
"""From the checked tensors, in theta's order, to a scalar tensor."""


class ArrayBackend(Backend):
    """A framework of arrays. `tensors`, `to_numpy`, `tensor` and `contract` are needed, and what is declared."""

    tensors: ClassVar[tuple[type, ...]]
    """The types of its tensors."""

    def owns(self, leaf: object) -> bool:
        """Whether it is a tensor; to be overridden where the tensors are another framework's own."""
        return isinstance(leaf, self.tensors)

    @abc.abstractmethod
    def tensor(self, values: npt.NDArray[Any], dtype: str, like: Any) -> Any:
        """A new tensor of these values, of the dtype of this name, on the device of another. Law: no memory is shared.

        Asked for the dtypes of the caller's tensors; with `Capability.FLOAT64` also for float64 and complex128, with
        `Capability.COMPLEX_STEP` for complex128.
        """

    @abc.abstractmethod
    def contract(self, output: Any, weights: Any) -> Any:
        """The sum of the products of two tensors, its real part where they are complex; a scalar tensor."""

    def gradients(self, function: Function, tensors: Sequence[Any]) -> Sequence[Any]:
        """The gradient of a function by each of its tensors; None is zero.

        Asked of a backend that declares `Capability.AUTODIFF`. With `Capability.HESSIAN` also of a function that calls
        it itself, for the gradient along a direction.
        """
        raise undeclared(Capability.AUTODIFF)

    def derivative(self, function: Function, tensors: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """The derivative of a function along tangents, by forward mode; for `Capability.FORWARD`."""
        raise undeclared(Capability.FORWARD)

    def vectorised(self, function: Outputs) -> Outputs | None:
        """The function over a new first axis, of the tensor and of each of its results; None (default): one by one.

        It may fail where the function does what cannot be vectorised.
        """
        return None

    def seeded(self, seed: int) -> contextlib.AbstractContextManager[object]:
        """Entered for every call of the cost: sets the framework's random state, and gives the caller's back."""
        return contextlib.nullcontext()

    @final
    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        """Bind a cost to NumPy arrays of the parameters' values."""
        return _ArrayProblem(self, cost, ArrayTheta(self, params, precision), args, seed)


@final
class _ArrayProblem(Problem):
    def __init__(
        self, backend: ArrayBackend, cost: Callable[..., object], theta: ArrayTheta, args: tuple[object, ...], seed: int
    ) -> None:
        self._backend, self._cost, self._theta, self._args, self._seed = backend, cost, theta, args, seed
        self._handed: tuple[list[Any], object] = ([], None)

    @property
    def layout(self) -> Layout:
        return self._theta.layout

    def read(self, parameter: int) -> FloatVector:
        return self._theta.read(parameter)

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        self._theta.write(parameter, entries, values)

    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        self._theta.write_complex(parameter, entries, values)

    def params(self) -> object:
        return self._theta.structure(self._theta.tensors())

    def evaluate(self) -> object:
        tensors = self._theta.tensors()
        structure = self._theta.structure(tensors)
        self._handed = (tensors, structure)
        return self._called(structure)

    def gradient(self, weigh: Weigh) -> Gradient:
        return self._laid_out(self._backend.gradients(self._total(weigh), self._theta.tensors()))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        tangents = self._tangents(direction, conjugated=False)
        found = self._backend.derivative(self._total(weigh), self._theta.tensors(), tangents)
        return float(self._backend.to_numpy(found))

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        backend, total = self._backend, self._total(weigh)
        # of g = dJ/dx + i dJ/dy and t = u + iv, the real part of g conj(t) is the derivative along t
        tangents = self._tangents(direction, conjugated=not backend.conjugates)

        def along(tensors: Sequence[Any]) -> Any:
            grads = zip(backend.gradients(total, tensors), tangents, strict=True)
            return functools.reduce(operator.add, [backend.contract(g, t) for g, t in grads if g is not None])

        return self._laid_out(backend.gradients(along, self._theta.tensors()))

    def batch(self, weigh: Weigh, memory: int) -> Batch | None:
        backend, theta = self._backend, self._theta
        is_widened = any(
            a.dtype.kind == "c" and not p.is_complex for a, p in zip(theta.host, theta.layout.parameters, strict=True)
        )
        if is_widened or backend.vectorised(lambda tensor: [tensor]) is None:
            return None
        outputs = [leaf.value for leaf in trees.leaves(self.evaluate())]
        arrays = [theta.array(output) for output in outputs]
        positions = [i for i, array in enumerate(arrays) if is_inexact(array.dtype)]
        if not all(isinstance(outputs[position], backend.tensors) for position in positions):
            return None
        args = [theta.array(leaf.value) for leaf in trees.leaves(self._args) if isinstance(leaf.value, backend.tensors)]

        def many(parameter: int) -> Outputs:
            def one(tensor: Any) -> list[Any]:
                tensors = theta.tensors()
                tensors[parameter] = tensor
                returned = trees.leaves(self._called(theta.structure(tensors)))
                return [returned[position].value for position in positions]

            vectorised = backend.vectorised(one)
            assert vectorised is not None
            return vectorised

        passing = sum(array.nbytes for array in (*theta.host, *args, *arrays))
        return ArrayBatch(many, theta.tensor, backend.to_numpy, theta.host, passing, weigh, memory)

    def changed_structure(self) -> str | None:
        return self._theta.rebound(*self._handed)

    def close(self) -> None:
        """Nothing to give back: theta is held in copies."""

    def _called(self, structure: object) -> object:
        with self._backend.seeded(self._seed):
            return self._cost(structure, *self._args)

    def _total(self, weigh: Weigh) -> Function:
        """The weighted sum of what the cost returns, as a function of the checked tensors."""
        backend, theta = self._backend, self._theta
        # the shapes and dtypes are those of a call outside of any differentiation, where values can be had
        called = self.evaluate()
        outputs = [leaf.value for leaf in trees.leaves(called)]
        arrays = {position: theta.array(output) for position, output in enumerate(outputs)}
        floating = {p: array for p, array in arrays.items() if is_inexact(array.dtype)}
        weights = {
            position: backend.tensor(_of_the_kind(array, weight), theta.dtype_of(outputs[position]), outputs[position])
            for (position, array), weight in zip(
                floating.items(), weigh([as_real(array).shape for array in floating.values()]), strict=True
            )
            if isinstance(outputs[position], backend.tensors)
        }
        if not weights:
            msg = (
                f"`cost` returned {type(called).__name__}, from which {backend.name} cannot go back; "
                "return the tensor, or pass `grads`"
            )
            raise InvalidInputError(msg)

        def total(tensors: Sequence[Any]) -> Any:
            returned = trees.leaves(self._called(theta.structure(tensors)))
            return functools.reduce(operator.add, [backend.contract(returned[p].value, w) for p, w in weights.items()])

        return total

    def _tangents(self, direction: FloatVector, *, conjugated: bool) -> list[Any]:
        """A direction of theta as tensors like the checked ones."""
        values = [parameter.tensor(direction[parameter.range]) for parameter in self._theta.layout.parameters]
        return [
            self._backend.tensor(np.conj(value) if conjugated else value, dtype, tensor)
            for value, dtype, tensor in zip(values, self._theta.dtypes, self._theta.tensors(), strict=True)
        ]

    def _laid_out(self, grads: Sequence[Any]) -> Gradient:
        d_theta, dtypes, notes = np.zeros(self._theta.layout.size), list(self._theta.dtypes), []
        for i, (parameter, grad) in enumerate(zip(self._theta.layout.parameters, grads, strict=True)):
            if grad is None:
                notes.append(f"`{parameter.name}`: the cost does not reach it, and its gradient counts as zero")
                continue
            array = self._backend.to_numpy(grad).reshape(-1)
            dtypes[i] = self._theta.dtype_of(grad)
            d_theta[parameter.range] = as_pairs(array, self._backend.conjugates) if parameter.is_complex else array.real
        return Gradient(d_theta, tuple(dtypes), tuple(notes))


def _of_the_kind(array: npt.NDArray[Any], weight: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Weights of both parts of a complex output as one number: the product's real part is the weighted sum."""
    return weight[..., 0] - 1j * weight[..., 1] if array.dtype.kind == "c" else weight

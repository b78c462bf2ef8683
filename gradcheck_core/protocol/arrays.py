"""A backend made of a few functions of arrays: everything else that the protocol asks for is derived from them.

For a framework whose tensors stand in Python's own containers. Theta is held in NumPy arrays. A tensor is made anew
when its array was written to, so the caller's tensors and their memory are never touched.
"""

import abc
import contextlib
import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from . import chunks, trees
from .backend import Backend, Batch, Capability, Problem, Weigh, undeclared
from .host_theta import Array, HostProblem, hold, why_carried
from .layout import FloatVector, Gradient
from .outputs import as_real, cannot_differentiate, is_inexact

Function = Callable[[Sequence[Any]], Any]
"""From the checked tensors, in theta's order, to a scalar tensor."""

Outputs = Callable[[Any], Sequence[Any]]
"""From one tensor, in place of a parameter, to the floating tensors that the cost then returns."""

_COMPUTED = 8
"""Bytes that a cost computes for each byte that goes in or comes out: a guess, since frameworks do not tell."""

_MOST_AT_ONCE = 64
"""With more thetas at once, the time that a call itself takes hardly counts."""


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
        return _ArrayProblem(self, cost, params, args, precision, seed)


@final
class _ArrayProblem(HostProblem):
    def __init__(
        self,
        backend: ArrayBackend,
        cost: Callable[..., object],
        params: object,
        args: tuple[object, ...],
        precision: str,
        seed: int,
    ) -> None:
        self._backend, self._cost, self._args, self._seed = backend, cost, args, seed
        given = trees.leaves(params)
        reasons = [self._explain(leaf) for leaf in given]
        theta = hold(
            given, reasons, lambda leaf: self._array(leaf.value), lambda leaf: self._dtype_of(leaf.value), precision
        )
        super().__init__(theta, given, trees.rebuilder(params))
        self._given = [given[position].value for position in theta.positions]
        own = [parameter.dtype for parameter in theta.layout.parameters]
        self._dtypes = own if precision == "native" else [array.dtype.name for array in theta.arrays]
        for position, reason in enumerate(reasons):
            value = given[position].value
            if reason is not None and isinstance(value, backend.tensors):
                self._leaves[position] = backend.tensor(self._array(value), self._dtype_of(value), value)

    def read(self, parameter: int) -> FloatVector:
        # from the tensor, since a cost may have overwritten it
        values = np.ascontiguousarray(self._backend.to_numpy(self._checked_leaves()[parameter]))
        return self.layout.parameters[parameter].numbers(values).real.astype(np.float64)

    def evaluate(self) -> object:
        return self._call(self._hand())

    def gradient(self, weigh: Weigh) -> Gradient:
        return self._lay_out(self._backend.gradients(self._total(weigh), self._checked_leaves()))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        tangents = self._tangents(direction, conjugated=False)
        found = self._backend.derivative(self._total(weigh), self._checked_leaves(), tangents)
        return float(self._backend.to_numpy(found))

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        backend, total = self._backend, self._total(weigh)
        # of g = dJ/dx + i dJ/dy and t = u + iv, the real part of g conj(t) is the derivative along t
        tangents = self._tangents(direction, conjugated=not backend.conjugates)

        def along(tensors: Sequence[Any]) -> Any:
            grads = zip(backend.gradients(total, tensors), tangents, strict=True)
            return functools.reduce(operator.add, [backend.contract(g, t) for g, t in grads if g is not None])

        return self._lay_out(backend.gradients(along, self._checked_leaves()))

    def batch(self, weigh: Weigh, memory: int) -> Batch | None:
        backend = self._backend
        widened = [
            a.dtype.kind == "c" and not p.is_complex for a, p in zip(self._host, self.layout.parameters, strict=True)
        ]
        if any(widened) or backend.vectorised(lambda tensor: [tensor]) is None:
            return None
        outputs = [leaf.value for leaf in trees.leaves(self.evaluate())]
        arrays = [self._array(output) for output in outputs]
        positions = [i for i, array in enumerate(arrays) if is_inexact(array.dtype)]
        if not all(isinstance(outputs[position], backend.tensors) for position in positions):
            return None
        args = [self._array(leaf.value) for leaf in trees.leaves(self._args) if isinstance(leaf.value, backend.tensors)]

        def costs(parameter: int, thetas: Array) -> FloatVector:
            def one(tensor: Any) -> list[Any]:
                tensors = self._checked_leaves()
                tensors[parameter] = tensor
                returned = trees.leaves(self._call(self._rebuild(iter(self._with(tensors)))))
                return [returned[position].value for position in positions]

            vectorised = backend.vectorised(one)
            assert vectorised is not None
            outputs = vectorised(self._tensor(parameter, thetas))
            return chunks.contract([backend.to_numpy(output) for output in outputs], weigh)

        passing = sum(array.nbytes for array in (*self._host, *args, *arrays))
        length = chunks.choose_length(_COMPUTED * passing, memory, _MOST_AT_ONCE)
        return chunks.StackedBatch(self._host, costs, lambda _: length)

    def _place(self, parameter: int) -> None:
        self._leaves[self._positions[parameter]] = self._tensor(parameter, self._host[parameter])

    def _tensor(self, parameter: int, values: Array) -> Any:
        """A new tensor of other values, of the dtype and on the device of a parameter."""
        return self._backend.tensor(values, self._dtypes[parameter], self._given[parameter])

    def _call(self, structure: object) -> object:
        with self._backend.seeded(self._seed):
            return self._cost(structure, *self._args)

    def _array(self, leaf: object) -> Array:
        """The values of a tensor, or of one of Python's own numbers."""
        return self._backend.to_numpy(leaf) if isinstance(leaf, self._backend.tensors) else np.asarray(leaf)

    def _dtype_of(self, leaf: object) -> str:
        is_tensor = isinstance(leaf, self._backend.tensors)
        return self._backend.dtype_of(leaf) if is_tensor else np.asarray(leaf).dtype.name

    def _explain(self, leaf: trees.Leaf) -> str | None:
        if not isinstance(leaf.value, (*self._backend.tensors, float, complex)):
            return type(leaf.value).__name__
        return why_carried(leaf.name, self._dtype_of(leaf.value), self._array(leaf.value).size)

    def _total(self, weigh: Weigh) -> Function:
        """The weighted sum of what the cost returns, as a function of the checked tensors."""
        backend = self._backend
        # the shapes and dtypes are those of a call outside of any differentiation, where values can be had
        called = self.evaluate()
        outputs = [leaf.value for leaf in trees.leaves(called)]
        floating = {i: array for i, array in enumerate(map(self._array, outputs)) if is_inexact(array.dtype)}
        found = weigh([as_real(array).shape for array in floating.values()])
        weights = {
            i: backend.tensor(_of_the_kind(array, weight), self._dtype_of(outputs[i]), outputs[i])
            for (i, array), weight in zip(floating.items(), found, strict=True)
            if isinstance(outputs[i], backend.tensors)
        }
        if not weights:
            raise cannot_differentiate(called, backend.name)

        def total(tensors: Sequence[Any]) -> Any:
            returned = trees.leaves(self._call(self._rebuild(iter(self._with(tensors)))))
            return functools.reduce(operator.add, [backend.contract(returned[i].value, w) for i, w in weights.items()])

        return total

    def _tangents(self, direction: FloatVector, *, conjugated: bool) -> list[Any]:
        """A direction of theta as tensors like the checked ones."""
        values = self.layout.tensors(direction)
        return [self._tensor(i, np.conj(value) if conjugated else value) for i, value in enumerate(values)]

    def _lay_out(self, grads: Sequence[Any]) -> Gradient:
        pairs = (None if grad is None else (self._array(grad), self._dtype_of(grad)) for grad in grads)
        return Gradient.of(self.layout, pairs, conjugates=self._backend.conjugates)


def _of_the_kind(array: Array, weight: npt.NDArray[np.float64]) -> Array:
    """Weights of both parts of a complex output as one number: the product's real part is the weighted sum."""
    return weight[..., 0] - 1j * weight[..., 1] if array.dtype.kind == "c" else weight

"""The JAX adapter."""

import contextlib
import functools
import gc as garbage
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.extend.core import ClosedJaxpr

import gradcheck_keras
from gradcheck_core.protocol import (
    Backend,
    Batch,
    Capability,
    FloatVector,
    Gradient,
    Problem,
    Surroundings,
    Weigh,
    trees,
)
from gradcheck_core.protocol.compiled import CompiledCost
from gradcheck_core.protocol.host_theta import HostProblem, hold

from .batch import JaxBatch, TracedCost
from .keras_models import KerasModels, lend
from .leaves import ARRAY, enable_x64, explain_carried, is_anywhere, placement, reduce_array, to_array, widen
from .pytrees import flatten, is_inexact, select_floating


@final
class JaxBackend(Backend):
    """Pytrees of JAX arrays."""

    name = "jax"
    capabilities = frozenset(
        {Capability.AUTODIFF, Capability.FLOAT64, Capability.FORWARD, Capability.HESSIAN, Capability.COMPLEX_STEP}
    )
    conjugates = True

    def owns(self, leaf: object) -> bool:
        if isinstance(leaf, jax.Array) or gradcheck_keras.is_keras(leaf, "jax"):
            return True
        # A registered container, such as a Flax or Equinox module, is JAX's if a JAX array is in it.
        try:
            children = jax.tree.leaves(leaf)
        except Exception:  # `owns` never raises, and this container's own flattening does
            return False
        return any(isinstance(child, jax.Array) for child in children)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        return np.asarray(leaf)

    def surroundings(self) -> Surroundings:
        return functools.partial(enable_x64, bool(jax.config.jax_enable_x64))

    def reducers(self) -> Mapping[type, Callable[[Any], tuple[Any, ...]]]:
        return {ARRAY: reduce_array}

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        # JAX takes its random keys as arguments, and Keras holds its seeds in variables: there is no state to fix.
        trees.leaves(params)  # first, since it refuses a structure that contains itself
        with ExitStack() as loans:
            lend(loans, params, precision)
            problem = JaxProblem(cost, params, args, precision)
            problem.loans = loans.pop_all()  # given back when the problem closes
        return problem


@final
class JaxProblem(HostProblem):
    """One cost bound to the arrays of a pytree."""

    def __init__(self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str) -> None:
        self.loans = ExitStack()
        self._cost = cost
        self._given = params
        self._args = args
        pytree = flatten(params)
        self._keras = KerasModels(pytree)
        reasons = explain_carried(pytree, self._keras.tied)
        if None not in reasons:
            gradcheck_keras.require_built(trees.leaves(params), "jax")
        theta = hold(pytree.leaves, reasons, to_array, lambda leaf: to_array(leaf).dtype.name, precision)
        super().__init__(theta, pytree.leaves, pytree.rebuild)
        for position, reason in enumerate(reasons):
            if reason == "frozen" and precision != "native":
                self._leaves[position] = widen(self._leaves[position])
        checked = [self._leaves[position] for position in self._positions]
        self._placements = [placement(leaf, precision) for leaf in checked]
        self._anywhere = all(map(is_anywhere, checked))
        # Float64 parameters need the scope in any case: outside it JAX rounds them to float32.
        self._x64 = precision != "native" or any(array.dtype in (np.float64, np.complex128) for array in self._host)
        self._widened = [array.dtype.name for array in self._host] != [p.dtype for p in theta.layout.parameters]
        self._traced = TracedCost(self._call_with, self._scope)
        self._compiled = CompiledCost(
            self._traced.outputs,
            lambda returned: [np.asarray(output) for output in select_floating(returned)],
            self._host,
            worthwhile=theta.layout.size >= JaxBatch.least,
        )

    def _place(self, parameter: int) -> None:
        position = self._positions[parameter]
        self._leaves[position] = self._placements[parameter](self._host[parameter])
        self._keras.place(position, self._leaves[position])

    def params(self) -> object:
        with self._scope():
            return super().params()

    def evaluate(self) -> object:
        return self._compiled.evaluate(self._arguments, self._call)

    def _call(self) -> object:
        with self._scope():
            structure = self._hand()
            with self._keras.read_from(self._leaves):
                return _lower_anew(lambda: self._cost(structure, *self._args))

    def batch(self, weigh: Weigh, memory: int) -> Batch:
        return JaxBatch(self._traced, self._compiled, self._arguments, self._host, weigh, memory)

    def _arguments(self) -> list[Any]:
        """The checked leaves as a compiled function takes them: host arrays, if nothing but their values matters."""
        if self._anywhere:
            return list(self._host)
        with self._scope():
            return self._checked_leaves()

    def _call_with(self, checked: Sequence[Any]) -> object:
        """What the cost returns of some checked leaves."""
        leaves = self._with(checked)
        with self._keras.read_from(leaves):
            return self._cost(self._rebuild(iter(leaves)), *self._args)

    def gradient(self, weigh: Weigh) -> Gradient:
        differentiate = jax.grad(self._total(weigh))
        with self._scope():
            checked = self._device_arrays()
            try:
                program, constants = self._traced.trace(differentiate, checked)
                return self._lay_out(program.outputs(constants, checked))
            except Exception:  # it may branch on values, which differentiating allows and tracing does not
                return self._lay_out(_lower_anew(lambda: differentiate(checked)))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        with self._scope():
            checked = self._device_arrays()
            _, derivative = jax.jvp(self._total(weigh), [checked], [self._tangents(direction, checked)])
            return float(derivative)

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        total = self._total(weigh)
        with self._scope():
            checked = self._device_arrays()
            tangents = self._tangents(direction, checked)

            def along(leaves: list[jax.Array]) -> jax.Array:
                # JAX's gradient by a complex z is dJ/dx - i dJ/dy, so that the real part of the product is the
                # derivative along the direction. Reverse over reverse: a custom reverse rule has no forward mode.
                products = [jnp.sum(g * t).real for g, t in zip(jax.grad(total)(leaves), tangents, strict=True)]
                return jnp.sum(jnp.stack(products))

            return self._lay_out(jax.grad(along)(checked))

    def _device_arrays(self) -> list[jax.Array]:
        """The checked leaves as arrays, also where they are Python floats, as `jax.grad` takes them."""
        return [jnp.asarray(leaf) for leaf in self._checked_leaves()]

    def _tangents(self, direction: FloatVector, checked: list[jax.Array]) -> list[jax.Array]:
        """A direction of theta as arrays like the checked ones."""
        values = self.layout.tensors(direction)
        return [jnp.asarray(value, dtype=like.dtype) for value, like in zip(values, checked, strict=True)]

    def _lay_out(self, grads: list[jax.Array]) -> Gradient:
        return Gradient.of(self.layout, ((np.asarray(grad), grad.dtype.name) for grad in grads), conjugates=True)

    def _total(self, weigh: Weigh) -> Callable[[Sequence[jax.Array]], jax.Array]:
        """The weighted sum of what the cost returns, as a function of the checked leaves."""

        def total(checked: Sequence[jax.Array]) -> jax.Array:
            outputs = [_as_real(output) for output in select_floating(self._call_with(checked))]
            weights = weigh([output.shape for output in outputs])
            terms = [jnp.sum(o * jnp.asarray(w, o.dtype)) for o, w in zip(outputs, weights, strict=True)]
            return sum(terms, start=jnp.zeros(()))

        return total

    def trace(self) -> ClosedJaxpr | None:
        """The program of the cost; None if it cannot be traced, e.g. because it branches on values."""
        with self._scope(), contextlib.suppress(Exception):
            return jax.make_jaxpr(lambda checked: select_floating(self._call_with(checked)))(self._device_arrays())
        return None

    def changed_structure(self) -> str | None:
        pairs = zip(self._handed_leaves(), self._positions, strict=False)
        handed = [leaf for leaf, position in pairs if position not in self._keras.positions]
        given = {leaf.path: leaf.value for leaf in handed}
        # `nnx.jit` puts new arrays of the same values back into a module: nothing has changed there.
        found = [
            trees.Leaf(leaf.path, given[leaf.path]) if _same(given.get(leaf.path), leaf.value) else leaf
            for leaf in flatten(self._handed[1]).leaves
        ]
        return trees.find_rebound(handed, found)

    def close(self) -> None:
        # JAX arrays are immutable, and the cost's own structure is made anew each time. But JAX keeps programs of a
        # jitted cost that fail outside of the scope: the cost is called once, so that the caller does not meet them.
        if self._traced.failed and self._x64 and not jax.config.jax_enable_x64:
            garbage.collect()  # the errors' frames hold what outside of the scope would be taken for float64
        if self._widened and isinstance(self._cost, jax.stages.Wrapped) and not jax.config.jax_enable_x64:
            pytree = flatten(self._given)  # built anew, since a call changes a module's batch statistics
            native = pytree.rebuild(iter([leaf.value for leaf in pytree.leaves]))
            with contextlib.suppress(Exception):  # whatever else the cost has to say it has said before
                _lower_anew(lambda: self._cost(native, *self._args))
        self.loans.close()

    def _scope(self) -> contextlib.AbstractContextManager[object]:
        return jax.enable_x64(True) if self._x64 else contextlib.nullcontext()


def _lower_anew(ask: Callable[[], Any]) -> Any:
    """The answer; asked again with empty caches if JAX fails on what an x64 scope has left in them.

    JAX keeps what it lowered of an int64 NumPy array that a jitted function closes over inside an x64 scope, and then
    cannot lower the function outside of it; and a float64 array that one closes over it takes for float64 there.
    """
    try:
        return ask()
    except (ValueError, jax.errors.JaxRuntimeError) as error:
        if not any(said in str(error) for said in ("Cannot lower jaxpr with verifier errors", "InputMismatch")):
            raise
    jax.clear_caches()
    return ask()


def _same(one: object, other: object) -> bool:
    if one is other or not (is_inexact(one) and is_inexact(other)):
        return one is other
    return not isinstance(other, jax.core.Tracer) and np.array_equal(np.asarray(one), np.asarray(other))


def _as_real(array: jax.Array) -> jax.Array:
    """A complex array as a real one with a last axis of two; a real one as it is."""
    return jnp.stack([array.real, array.imag], axis=-1) if jnp.iscomplexobj(array) else array

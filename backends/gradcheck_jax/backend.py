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
    Carried,
    ComplexVector,
    Entries,
    FloatVector,
    Gradient,
    Layout,
    Problem,
    Surroundings,
    Weigh,
    trees,
)
from gradcheck_core.protocol.compiled import CompiledCost
from gradcheck_core.protocol.layout import as_pairs

from . import travelling
from .batch import JaxBatch, Tracing
from .keras_models import KerasModels, lend
from .leaves import dtype_of, is_anywhere, placement, why_carried, widened
from .pytrees import flatten, floating, is_inexact


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
        except Exception:  # a container whose own flattening fails is not ours to explain here
            return False
        return any(isinstance(child, jax.Array) for child in children)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        return np.asarray(leaf)

    def surroundings(self) -> Surroundings:
        return functools.partial(travelling.x64, bool(jax.config.jax_enable_x64))

    def reducers(self) -> Mapping[type, Callable[[Any], tuple[Any, ...]]]:
        return {travelling.ARRAY: travelling.reduced}

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        # Randomness in JAX is an explicit key among the arguments, and in Keras a variable: there is no state to fix.
        trees.leaves(params)  # first, since it refuses a structure that contains itself
        loans = ExitStack()
        try:
            lend(loans, params, precision)
            return JaxProblem(cost, params, args, precision, loans.close)
        except BaseException:
            loans.close()
            raise


@final
class JaxProblem(Problem):
    """One cost bound to the arrays of a pytree."""

    def __init__(
        self,
        cost: Callable[..., object],
        params: object,
        args: tuple[object, ...],
        precision: str,
        on_close: Callable[[], None],
    ) -> None:
        self._cost = cost
        self._given = params
        self._args = args
        self._on_close = on_close
        pytree = flatten(params)
        self._keras = KerasModels(pytree)
        self._rebuild = pytree.rebuild
        self._leaves: list[object] = [leaf.value for leaf in pytree.leaves]
        self._paths = [leaf.path for leaf in pytree.leaves]
        self._positions: list[int] = []
        # Theta lives in host arrays, one a parameter; only those written since the last evaluation go to the device.
        self._host: list[npt.NDArray[Any]] = []
        self._place: list[Callable[[npt.NDArray[Any]], object]] = []
        self._anywhere = True
        tensors: list[tuple[str, tuple[int, ...], str]] = []
        carried: list[Carried] = []
        for position, leaf in enumerate(pytree.leaves):
            reason = "frozen" if id(leaf.value) in pytree.frozen else self._keras.tied.get(position, why_carried(leaf))
            if reason is not None:
                carried.append(Carried(leaf.name, reason))
                if reason == "frozen" and precision != "native":
                    self._leaves[position] = widened(leaf.value)
                continue
            given = np.asarray(leaf.value, dtype=dtype_of(leaf.value))
            held = given.dtype if precision == "native" else np.promote_types(given.dtype, precision)
            self._positions.append(position)
            self._host.append(np.array(given, dtype=held, order="C"))
            self._place.append(placement(leaf.value, precision))
            self._anywhere &= is_anywhere(leaf.value)
            tensors.append((leaf.name, given.shape, given.dtype.name))
        if not tensors:
            gradcheck_keras.require_built(trees.leaves(params), "jax")
        self._layout = Layout.of(tensors, carried)
        # Float64 parameters need the scope in any case: outside it JAX rounds them to float32.
        self._x64 = precision != "native" or any(array.dtype in (np.float64, np.complex128) for array in self._host)
        self._widened = any(array.dtype.name != dtype for array, (_, _, dtype) in zip(self._host, tensors, strict=True))
        self._written = set(range(len(tensors)))
        self._handed: tuple[list[trees.Leaf], object] = ([], None)
        self._opening = [array.copy() for array in self._host]
        self._tracing = Tracing(self._call, self._scope)
        self._compiled = CompiledCost(
            self._tracing.outputs,
            lambda returned: [np.asarray(output) for output in floating(returned)],
            worthwhile=self._layout.size >= JaxBatch.least,
        )

    @property
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        return self._numbers(parameter).real.astype(np.float64)

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        self._numbers(parameter)[entries] = values
        self._written.add(parameter)

    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        self._host[parameter].reshape(-1)[entries] = values
        self._written.add(parameter)

    def _numbers(self, parameter: int) -> npt.NDArray[Any]:
        return self._layout.parameters[parameter].numbers(self._host[parameter])

    def params(self) -> object:
        with self._scope():
            for parameter in self._written:
                position = self._positions[parameter]
                self._leaves[position] = self._place[parameter](self._host[parameter])
                self._keras.place(position, self._leaves[position])
            self._written.clear()
            return self._rebuild(iter(self._leaves))

    def evaluate(self) -> object:
        def called() -> object:
            structure = self.params()
            rebindable = [i for i in self._positions if i not in self._keras.positions]
            self._handed = ([trees.Leaf(self._paths[i], self._leaves[i]) for i in rebindable], structure)
            with self._scope(), self._keras.reading(self._leaves):
                return _lowered_anew(lambda: self._cost(structure, *self._args))

        opening = all(map(np.array_equal, self._host, self._opening))
        return self._compiled.evaluate(self._arguments, called, opening=opening)

    def batch(self, weigh: Weigh, memory: int) -> Batch:
        return JaxBatch(self._tracing, self._compiled, self._arguments, self._host, weigh, memory)

    def _arguments(self) -> list[Any]:
        """The checked leaves as a compiled function takes them: from the host where only their values matter."""
        if self._anywhere:
            return list(self._host)
        self.params()
        return [self._leaves[position] for position in self._positions]

    def _call(self, checked: Sequence[Any]) -> object:
        """What the cost returns of some checked leaves."""
        leaves = list(self._leaves)
        for position, leaf in zip(self._positions, checked, strict=True):
            leaves[position] = leaf
        with self._keras.reading(leaves):
            return self._cost(self._rebuild(iter(leaves)), *self._args)

    def gradient(self, weigh: Weigh) -> Gradient:
        differentiate = jax.grad(self._weighted(weigh))
        with self._scope():
            checked = self._checked()
            try:
                program, constants = self._tracing.trace(differentiate, checked)
                return self._laid_out(program.outputs(constants, checked))
            except Exception:  # it may branch on values, which differentiating allows and tracing does not
                return self._laid_out(_lowered_anew(lambda: differentiate(checked)))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        with self._scope():
            checked = self._checked()
            _, derivative = jax.jvp(self._weighted(weigh), [checked], [self._tangents(direction, checked)])
            return float(derivative)

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        weighted = self._weighted(weigh)
        with self._scope():
            checked = self._checked()
            tangents = self._tangents(direction, checked)

            def along(leaves: list[jax.Array]) -> jax.Array:
                # JAX's gradient by a complex z is dJ/dx - i dJ/dy, so that the real part of the product is the
                # derivative along the direction. Reverse over reverse: a custom reverse rule has no forward mode.
                products = [jnp.sum(g * t).real for g, t in zip(jax.grad(weighted)(leaves), tangents, strict=True)]
                return jnp.sum(jnp.stack(products))

            return self._laid_out(jax.grad(along)(checked))

    def _checked(self) -> list[jax.Array]:
        self.params()
        # A Python float among the params becomes an array, as `jax.grad` makes it one.
        return [jnp.asarray(self._leaves[position]) for position in self._positions]

    def _tangents(self, direction: FloatVector, checked: list[jax.Array]) -> list[jax.Array]:
        """A direction of theta as arrays like the checked ones."""
        return [
            jnp.asarray(parameter.tensor(direction[parameter.range]), dtype=like.dtype)
            for parameter, like in zip(self._layout.parameters, checked, strict=True)
        ]

    def _laid_out(self, grads: list[jax.Array]) -> Gradient:
        arrays = [np.asarray(grad) for grad in grads]
        numbers = [
            as_pairs(array, conjugates=True) if parameter.is_complex else array.reshape(-1).astype(np.float64)
            for parameter, array in zip(self._layout.parameters, arrays, strict=True)
        ]
        return Gradient(np.concatenate(numbers), tuple(array.dtype.name for array in arrays))

    def _weighted(self, weigh: Weigh) -> Callable[[Sequence[jax.Array]], jax.Array]:
        """The weighted sum of what the cost returns, as a function of the checked leaves."""

        def weighted(checked: Sequence[jax.Array]) -> jax.Array:
            outputs = [_as_real(output) for output in floating(self._call(checked))]
            weights = weigh([output.shape for output in outputs])
            return sum(
                (
                    jnp.sum(output * jnp.asarray(weight, output.dtype))
                    for output, weight in zip(outputs, weights, strict=True)
                ),
                start=jnp.zeros(()),
            )

        return weighted

    def trace(self) -> ClosedJaxpr | None:
        """The program of the cost; None if it cannot be traced, e.g. because it branches on values."""
        with self._scope(), contextlib.suppress(Exception):
            return jax.make_jaxpr(lambda checked: floating(self._call(checked)))(self._checked())
        return None

    def changed_structure(self) -> str | None:
        handed, structure = self._handed
        given = {leaf.path: leaf.value for leaf in handed}
        # `nnx.jit` puts new arrays of the same values back into a module: nothing has changed there.
        found = [
            trees.Leaf(leaf.path, given[leaf.path]) if _same(given.get(leaf.path), leaf.value) else leaf
            for leaf in flatten(structure).leaves
        ]
        return trees.rebound(handed, found)

    def close(self) -> None:
        # JAX arrays are immutable, and the cost's own structure is made anew each time. What JAX itself keeps of a
        # jitted cost is tried, so that the caller does not meet it.
        if self._tracing.failed and self._x64 and not jax.config.jax_enable_x64:
            garbage.collect()  # the errors' frames hold what outside of the scope would be taken for float64
        if self._widened and isinstance(self._cost, jax.stages.Wrapped) and not jax.config.jax_enable_x64:
            pytree = flatten(self._given)  # built anew, since a call changes a module's batch statistics
            native = pytree.rebuild(iter([leaf.value for leaf in pytree.leaves]))
            with contextlib.suppress(Exception):  # whatever else the cost has to say it has said before
                _lowered_anew(lambda: self._cost(native, *self._args))
        self._on_close()

    def _scope(self) -> contextlib.AbstractContextManager[object]:
        return jax.enable_x64(True) if self._x64 else contextlib.nullcontext()


def _lowered_anew(ask: Callable[[], Any]) -> Any:
    """What is asked; once more, with JAX's caches empty, where it meets there what an x64 scope has left.

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

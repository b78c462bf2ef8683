"""The JAX adapter."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from gradcheck_core import trees
from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import Backend, Capability, Carried, Entries, FloatVector, Gradient, Layout, Problem, Weigh

from .pytrees import flatten


@final
class JaxBackend(Backend):
    """Pytrees of JAX arrays."""

    name = "jax"
    capabilities = frozenset({Capability.AUTODIFF, Capability.FLOAT64})

    def owns(self, leaf: object) -> bool:
        if isinstance(leaf, jax.Array):
            return True
        # A registered container, such as a Flax or Equinox module, is JAX's if a JAX array is in it.
        try:
            children = jax.tree.leaves(leaf)
        except Exception:  # a container whose own flattening fails is not ours to explain here
            return False
        return any(isinstance(child, jax.Array) for child in children)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        return np.asarray(leaf)

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        # Randomness in JAX is an explicit key among the arguments: there is no state to fix.
        return _JaxProblem(cost, params, args, precision)


@final
class _JaxProblem(Problem):
    def __init__(self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str) -> None:
        self._cost = cost
        self._args = args
        pytree = flatten(params)
        self._rebuild = pytree.rebuild
        self._leaves: list[object] = [leaf.value for leaf in pytree.leaves]
        self._paths = [leaf.path for leaf in pytree.leaves]
        self._positions: list[int] = []
        # Theta lives in host arrays, one a parameter; only those written since the last evaluation go to the device.
        self._host: list[npt.NDArray[Any]] = []
        self._place: list[Callable[[npt.NDArray[Any]], object]] = []
        tensors: list[tuple[str, tuple[int, ...], str]] = []
        carried: list[Carried] = []
        for position, leaf in enumerate(pytree.leaves):
            reason = "frozen" if id(leaf.value) in pytree.frozen else _why_carried(leaf)
            if reason is not None:
                carried.append(Carried(leaf.name, reason))
                if reason == "frozen" and precision == "float64":
                    self._leaves[position] = _widened(leaf.value)
                continue
            given = np.asarray(leaf.value, dtype=_dtype_of(leaf.value))
            self._positions.append(position)
            self._host.append(np.array(given, dtype=np.float64 if precision == "float64" else given.dtype, order="C"))
            self._place.append(_placement(leaf.value, precision))
            tensors.append((leaf.name, given.shape, given.dtype.name))
        self._layout = Layout.of(tensors, carried)
        # Float64 parameters need the scope in any case: outside it JAX rounds them to float32.
        self._x64 = precision == "float64" or any(array.dtype == np.float64 for array in self._host)
        self._written = set(range(len(tensors)))
        self._handed: tuple[list[trees.Leaf], object] = ([], None)

    @property
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        return self._host[parameter].reshape(-1).astype(np.float64)

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        self._host[parameter].reshape(-1)[entries] = values
        self._written.add(parameter)

    def params(self) -> object:
        with self._scope():
            for parameter in self._written:
                self._leaves[self._positions[parameter]] = self._place[parameter](self._host[parameter])
            self._written.clear()
            return self._rebuild(iter(self._leaves))

    def evaluate(self) -> object:
        structure = self.params()
        self._handed = ([trees.Leaf(self._paths[i], self._leaves[i]) for i in self._positions], structure)
        with self._scope():
            return self._cost(structure, *self._args)

    def gradient(self, weigh: Weigh) -> Gradient:
        self.params()
        with self._scope():
            checked = [self._leaves[position] for position in self._positions]
            grads = jax.grad(lambda leaves: self._weighted(leaves, weigh))(checked)
            arrays = [np.asarray(grad) for grad in grads]
        d_theta = np.concatenate([array.reshape(-1).astype(np.float64) for array in arrays])
        return Gradient(d_theta, tuple(array.dtype.name for array in arrays))

    def _weighted(self, checked: list[jax.Array], weigh: Weigh) -> jax.Array:
        leaves = list(self._leaves)
        for position, leaf in zip(self._positions, checked, strict=True):
            leaves[position] = leaf
        returned = self._cost(self._rebuild(iter(leaves)), *self._args)
        outputs = [jnp.asarray(leaf) for leaf in jax.tree.leaves(returned) if _is_floating(leaf)]
        if not outputs:
            msg = f"`cost` returned {type(returned).__name__}, which holds no floating array to go back from"
            raise InvalidInputError(msg)
        weights = weigh([output.shape for output in outputs])
        return sum(
            (
                jnp.sum(output * jnp.asarray(weight, output.dtype))
                for output, weight in zip(outputs, weights, strict=True)
            ),
            start=jnp.zeros(()),
        )

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
        """Nothing to give back: JAX arrays are immutable, and the cost's own structure is made anew each time."""

    def _scope(self) -> AbstractContextManager[object]:
        return jax.enable_x64(True) if self._x64 else nullcontext()


def _why_carried(leaf: trees.Leaf) -> str | None:
    """Why a leaf is handed on and not checked; None where it is checked."""
    if not isinstance(leaf.value, jax.Array | np.ndarray | np.generic | float):
        return type(leaf.value).__name__
    dtype = _dtype_of(leaf.value)
    if isinstance(dtype, np.dtype) and dtype.kind in "Oc":
        msg = f"`params`: `{leaf.name}` has dtype {dtype}; pass real floating arrays"
        raise InvalidInputError(msg)
    if not jnp.issubdtype(dtype, jnp.floating):
        return str(dtype)
    return None if np.size(leaf.value) else "empty"


def _dtype_of(leaf: Any) -> Any:
    """The dtype that a leaf has in JAX: a Python float's is float32, unless the program has switched x64 on."""
    return jnp.result_type(float) if type(leaf) is float else leaf.dtype


def _placement(leaf: object, precision: str) -> Callable[[npt.NDArray[Any]], object]:
    """How the values of a leaf are handed to the cost: of the leaf's own kind, and where the leaf is."""
    if precision == "native" and type(leaf) is float:
        return float  # a float does not promote what it meets, an array would
    if precision == "native" and isinstance(leaf, jax.Array) and leaf.weak_type and leaf.ndim == 0:
        return lambda host: jnp.asarray(float(host))
    if isinstance(leaf, jax.Array) and leaf.committed:
        return lambda host: jax.device_put(jnp.array(host, copy=True), leaf.sharding)
    # A copy, since JAX may otherwise share the host array's memory, which the next write changes.
    return lambda host: jnp.array(host, copy=True)


def _widened(leaf: Any) -> object:
    """A leaf that is only carried, in float64 if it is of lower precision, so that the cost meets one dtype."""
    if not _is_floating(leaf):
        return leaf
    with jax.enable_x64(True):
        return jnp.asarray(leaf, dtype=jnp.float64)


def _same(one: object, other: object) -> bool:
    if one is other or not (_is_floating(one) and _is_floating(other)):
        return one is other
    return not isinstance(other, jax.core.Tracer) and np.array_equal(np.asarray(one), np.asarray(other))


def _is_floating(leaf: object) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | float) and jnp.issubdtype(
        jnp.result_type(leaf), jnp.floating
    )

"""The leaves of the params: which are checked, how their values are handed to the cost, and how they are pickled."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from gradcheck_core.protocol import trees
from gradcheck_core.protocol.host_theta import why_carried

from .pytrees import NUMBERS, Pytree, is_inexact

ARRAY = type(jnp.zeros(()))
"""The type of an array on a device."""


def explain_carried(pytree: Pytree, tied: Mapping[int, str]) -> list[str | None]:
    """For each leaf why it is handed on and not checked, or None; `tied` has those that a Keras variable explains."""
    return [
        "frozen" if id(leaf.value) in pytree.frozen else tied.get(position) or _explain(leaf)
        for position, leaf in enumerate(pytree.leaves)
    ]


def _explain(leaf: trees.Leaf) -> str | None:
    if not isinstance(leaf.value, NUMBERS):
        return type(leaf.value).__name__
    return why_carried(leaf.name, str(_dtype_of(leaf.value)), np.size(leaf.value))


def to_array(leaf: trees.Leaf) -> npt.NDArray[Any]:
    """The values of a leaf, in its own dtype."""
    return np.asarray(leaf.value, dtype=_dtype_of(leaf.value))


def _dtype_of(leaf: Any) -> Any:
    """The dtype that a leaf has in JAX: a Python float's is float32, unless the program has switched x64 on."""
    return jnp.result_type(type(leaf)) if type(leaf) in (float, complex) else leaf.dtype


def placement(leaf: object, precision: str) -> Callable[[npt.NDArray[Any]], object]:
    """How the values of a leaf are handed to the cost: of the leaf's own kind, and where the leaf is."""
    if precision == "native" and type(leaf) in (float, complex):
        return type(leaf)  # a Python number does not promote what it meets, an array would
    if precision == "native" and isinstance(leaf, jax.Array) and leaf.weak_type and leaf.ndim == 0:
        return lambda host: jnp.asarray(float(host))
    if isinstance(leaf, jax.Array) and leaf.committed:
        return lambda host: jax.device_put(jnp.array(host, copy=True), leaf.sharding)
    # A copy, since JAX may otherwise share the host array's memory, which the next write changes.
    return lambda host: jnp.array(host, copy=True)


def is_anywhere(leaf: object) -> bool:
    """Whether nothing matters of a leaf but its values: not where it is, nor that it gives way to other dtypes."""
    return isinstance(leaf, np.ndarray) or (isinstance(leaf, jax.Array) and not leaf.committed and not leaf.weak_type)


def widen(leaf: Any) -> object:
    """A leaf that is only carried, in float64 if it is of lower precision, so that the cost meets one dtype."""
    if not is_inexact(leaf):
        return leaf
    with jax.enable_x64(True):
        return jnp.asarray(leaf, dtype=jnp.promote_types(jnp.result_type(leaf), jnp.float64))


def enable_x64(enabled: bool) -> AbstractContextManager[object]:
    """JAX's scope, as a function that can be pickled."""
    scope: AbstractContextManager[object] = jax.enable_x64(enabled)
    return scope


def reduce_array(array: Any) -> tuple[Any, ...]:
    """How an array is pickled: as JAX does it, to be made again in the dtype that it has."""
    return _make, array.__reduce__()


def _make(make: Callable[..., jax.Array], arguments: tuple[Any, ...]) -> jax.Array:
    with jax.enable_x64(True):  # outside of the scope JAX makes float32 of float64
        return make(*arguments)

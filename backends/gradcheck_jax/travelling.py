"""JAX's arrays and its x64 switch in another process."""

import contextlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

ARRAY = type(jnp.zeros(()))
"""The type of an array on a device."""


def x64(enabled: bool) -> contextlib.AbstractContextManager[object]:
    """JAX's scope, which is itself no function that can be pickled."""
    scope: contextlib.AbstractContextManager[object] = jax.enable_x64(enabled)
    return scope


def reduced(array: Any) -> tuple[Any, ...]:
    """How an array is pickled: as JAX does it, to be made again by `_made`."""
    return _made, array.__reduce__()


def _made(make: Callable[..., jax.Array], arguments: tuple[Any, ...]) -> jax.Array:
    """An array of the dtype that it was pickled with: outside of the scope JAX makes float32 of float64."""
    with jax.enable_x64(True):
        return make(*arguments)

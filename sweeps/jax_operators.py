"""JAX's public functions on inputs of our own, one table of them for each kind of function in `jax_cases`."""

import importlib
import inspect
import types
from collections.abc import Callable, Iterator
from functools import partial, reduce
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

import left_out_table
from gradcheck_core import GradientCase
from harness import Case
from jax_cases import (
    elementwise,
    lax_control,
    lax_structured,
    linear_algebra,
    reductions,
    shapes,
    special,
    statistics,
    transforms,
)
from samples import Sample

SOURCE = (
    "These are all public functions of `jax.numpy`, `jax.lax`, `jax.nn`, `jax.ops`, `jax.image` and `jax.scipy` that "
    "depend smoothly on a floating argument. The inputs are small, in float64 and our own: inside the domain of the "
    "function, and at the places where gradients tend to break (kinks, ties, zeros, tails, repeated eigenvalues). "
    "Every output is checked, complex ones as pairs of reals. Costs are compiled with `jax.jit` if the function "
    "allows it."
)
DISTRIBUTIONS = ("jax", "jaxlib", "numpy", "scipy")

_TABLES = (
    elementwise,
    reductions,
    shapes,
    linear_algebra,
    lax_structured,
    lax_control,
    special,
    statistics,
    transforms,
)
LEFT_OUT = left_out_table.load(Path(__file__).parent / "left_out" / "jax.toml")

_MODULES = (
    "jax.numpy jax.numpy.linalg jax.numpy.fft jax.lax jax.lax.linalg jax.nn jax.ops jax.image jax.scipy.special "
    "jax.scipy.linalg jax.scipy.fft jax.scipy.signal jax.scipy.ndimage jax.scipy.optimize jax.scipy.integrate "
    "jax.scipy.interpolate jax.scipy.cluster.vq jax.scipy.sparse.linalg jax.scipy.spatial.transform jax.scipy.stats"
).split()
_WITH_OPERATOR_CLASSES = ("jax.scipy.interpolate", "jax.scipy.spatial.transform")
"""Where a public class computes; elsewhere classes are dtypes, options and results."""


def cases() -> Iterator[Case]:
    """Every row of every table."""
    # Without it JAX would round the float64 inputs, which are made before the check opens its own scope.
    jax.config.update("jax_enable_x64", True)
    for sample in _samples():
        yield Case(sample.operator, sample.label, partial(_gradient_case, sample))


def gaps() -> list[str]:
    """Public functions that are in no table, and what the table of those left out has too many of."""
    return left_out_table.gaps(_public(), {sample.operator for sample in _samples()}, LEFT_OUT)


def _samples() -> Iterator[Sample]:
    for table in _TABLES:
        yield from table.samples()


def _public() -> Iterator[str]:
    for path in _MODULES:
        module = importlib.import_module(path)
        yield from _functions_of(path, module, classes=path in _WITH_OPERATOR_CLASSES)
        if path == "jax.scipy.stats":
            for name, inner in inspect.getmembers(module, inspect.ismodule):
                yield from _functions_of(f"{path}.{name}", inner, classes=False)


def _functions_of(path: str, module: types.ModuleType, *, classes: bool) -> Iterator[str]:
    for name, member in inspect.getmembers(module, callable):
        if not name.startswith("_") and (classes or not inspect.isclass(member) or name == "gaussian_kde"):
            yield f"{path}.{name}"


def _gradient_case(sample: Sample) -> GradientCase:
    operator = _resolved(sample.operator)
    arrays = [jnp.asarray(array) for array in sample.arrays()]

    def cost(params: list[jax.Array]) -> object:
        return _as_reals(sample.call(operator, *params))

    compiled: Callable[..., object] = jax.jit(cost) if sample.compiled else cost
    return GradientCase(compiled, arrays)


def _resolved(path: str) -> Any:
    """The operator behind a dotted name; an array's own methods are called on the input, and have none."""
    if path.startswith("jax.numpy.ndarray."):
        return None
    module = next(m for m in sorted(_MODULES, key=len, reverse=True) if path.startswith(f"{m}."))
    return reduce(getattr, path.removeprefix(f"{module}.").split("."), importlib.import_module(module))


def _as_reals(returned: object) -> list[jax.Array]:
    """Every floating output; of a complex one its two parts, so that its whole Jacobian is checked."""
    arrays = [jnp.asarray(leaf) for leaf in jax.tree.leaves(returned)]
    return [
        part
        for array in arrays
        if jnp.issubdtype(array.dtype, jnp.inexact)
        for part in ((array.real, array.imag) if jnp.iscomplexobj(array) else (array,))
    ]

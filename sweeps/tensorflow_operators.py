"""TensorFlow's differentiable operators on inputs of our own, one table for each kind in `tensorflow_cases`."""

import inspect
from collections.abc import Iterator
from functools import partial, reduce
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops

import left_out_table
from gradcheck_core import GradientCase
from harness import Case
from samples import Sample
from tensorflow_cases import (
    arrays,
    convolutions,
    linear_algebra,
    mathematics,
    networks,
    raw,
    signals_and_images,
    sparse,
    state,
)

SOURCE = (
    "These are all public functions of TensorFlow, `tf.math`, `tf.linalg`, `tf.nn`, `tf.signal`, `tf.image` and "
    "`tf.sparse` that depend smoothly on a floating argument, and all gradients in TensorFlow's own registry "
    "(`tensorflow.python.framework.ops.gradient_registry`). The inputs are small and our own: inside the domain of "
    "the function, and at the places where gradients tend to break (kinks, ties, zeros, tails, repeated eigenvalues). "
    "They are float64 unless the operator does not take it. Every output is checked, complex ones as pairs of reals."
)
DISTRIBUTIONS = ("tensorflow-cpu", "numpy")

_TABLES = (mathematics, arrays, sparse, linear_algebra, convolutions, networks, signals_and_images, raw, state)
LEFT_OUT = left_out_table.load(Path(__file__).parent / "left_out" / "tensorflow.toml")

_MODULES = "tf tf.math tf.linalg tf.nn tf.signal tf.image tf.sparse".split()
_REGISTRY = "gradients."


def cases() -> Iterator[Case]:
    """Every row of every table."""
    for sample in _samples():
        yield Case(sample.operator, sample.label, partial(_gradient_case, sample))


def gaps() -> list[str]:
    """Functions in no table, gradients that no case has asked for, and what is left out and should not be."""
    swept = {sample.operator for sample in _samples()}
    public = {id(function): name for name, function in _public()}
    # A function of two names is swept under either.
    covered = {public.get(id(_resolved(name)), name) for name in swept if not name.startswith("tf.Tensor.")}
    registered = {f"{_REGISTRY}{name}" for name in _differentiable()}
    asked_for = {f"{_REGISTRY}{name}" for name in _ASKED_FOR} & registered
    return left_out_table.gaps({*public.values(), *registered}, covered | asked_for, LEFT_OUT)


def _samples() -> Iterator[Sample]:
    for table in _TABLES:
        yield from table.samples()


def _public() -> Iterator[tuple[str, object]]:
    """Public functions, each under the last of its names: that in its module, not the alias at the top."""
    for path in _MODULES:
        for name, member in inspect.getmembers(_resolved(path), callable):
            if not name.startswith("_") and not inspect.isclass(member) and not inspect.ismodule(member):
                yield f"{path}.{name}", member


def _differentiable() -> Iterator[str]:
    """Operators with a gradient in the registry; those registered as not differentiable have None there."""
    return (name for name in ops.gradient_registry.list() if _lookup_in(ops.gradient_registry, name) is not None)


_ASKED_FOR: set[str] = set()
_Registry = type(ops.gradient_registry)
_lookup_in = _Registry.lookup


def _recorded_lookup(registry: Any, name: str) -> object:
    if registry is ops.gradient_registry:
        _ASKED_FOR.add(name)
    return _lookup_in(registry, name)


# Whatever a tape goes back through is looked up here, so that this says which gradients the cases have used.
_Registry.lookup = _recorded_lookup


def _gradient_case(sample: Sample) -> GradientCase:
    operator = None if sample.operator.startswith("tf.Tensor.") else _resolved(sample.operator)
    make = tf.Variable if sample.variables else tf.constant
    tensors = [make(array) for array in sample.arrays()]
    return GradientCase(lambda params: _as_reals(sample.call(operator, *params)), tensors)


def _resolved(path: str) -> Any:
    return reduce(getattr, path.split(".")[1:], tf)


def _as_reals(returned: object) -> list[tf.Tensor]:
    """Every floating output; of a complex one its two parts, so that its whole Jacobian is checked."""
    tensors = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(returned, expand_composites=True)]
    return [
        part
        for tensor in tensors
        if tensor.dtype.is_floating or tensor.dtype.is_complex
        for part in ((tf.math.real(tensor), tf.math.imag(tensor)) if tensor.dtype.is_complex else (tensor,))
    ]

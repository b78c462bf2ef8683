"""Where variables are found: in plain nestings, `tf.Module`s and Keras layers and models."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import tensorflow as tf

import gradcheck_keras
from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import trees


def is_model(leaf: object) -> bool:
    """Whether an object is a `tf.Module`, or a Keras layer or model that computes with TensorFlow."""
    return isinstance(leaf, tf.Module) or _is_keras_layer(leaf)


def variable_of(leaf: object) -> tf.Variable | None:
    """The TensorFlow variable behind a leaf: itself, a generator's state, or what a Keras variable wraps."""
    if isinstance(leaf, tf.Variable):
        return leaf
    if isinstance(leaf, tf.random.Generator):
        return leaf.state
    keras_variable: Any = leaf
    return keras_variable.value if _is_keras_variable(leaf) else None


@final
@dataclass(frozen=True, slots=True)
class Named:
    """A variable, its name, and whether it is trained; Keras keeps that mark on its own variable only.

    `computed_in` is the dtype in which a Keras layer computes with it: with mixed precision a lower one than its own.
    """

    name: str
    variable: tf.Variable
    trainable: bool
    computed_in: str


def named_variables(leaf: trees.Leaf) -> Iterator[Named]:
    """The variables of one leaf with their names; a model's by the path of attributes that leads to them."""
    if gradcheck_keras.is_keras(leaf.value, "tensorflow"):
        for weight in gradcheck_keras.weights(leaf.value):
            name = trees.dotted((*leaf.path, *weight.path))
            yield Named(name, weight.variable.value, weight.trainable, weight.computed_in)
        return
    variable = variable_of(leaf.value)
    if variable is not None:
        is_generator = isinstance(leaf.value, tf.random.Generator)
        yield Named(leaf.name, variable, not is_generator and bool(variable.trainable), variable.dtype.name)
    elif isinstance(leaf.value, tf.Module):
        # The protected method that `tf.Module.trainable_variables` is made of, and the only one that gives paths.
        found = leaf.value._flatten(
            predicate=lambda value: variable_of(value) is not None or _is_keras_layer(value), with_path=True
        )
        for path, value in found:
            yield from named_variables(trees.Leaf((*leaf.path, *path), value))


def named_leaf(leaf: trees.Leaf) -> list[Named]:
    """The variables of one leaf, or the tensor that it is."""
    if isinstance(leaf.value, tf.Tensor):
        return [Named(leaf.name, leaf.value, trainable=True, computed_in=leaf.value.dtype.name)]
    return list(named_variables(leaf))


def why_carried(item: Named, dtype: str, seen: dict[int, str]) -> str | None:
    """Why a variable or tensor, of this dtype in the user's hands, is handed on unchecked; None where it is checked."""
    name, tensor = item.name, item.variable
    if not tensor.shape.is_fully_defined():
        msg = f"`params`: `{name}` has shape {tensor.shape}; build the model on an input first"
        raise InvalidInputError(msg)
    if id(tensor) in seen:
        return f"tied to {seen[id(tensor)]}"
    seen[id(tensor)] = name
    if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
        return dtype
    if not item.trainable:
        return "frozen"
    return None if tensor.shape.num_elements() else "empty"


def require_built(leaves: list[trees.Leaf]) -> None:
    """Refuse a model that has no variables yet."""
    for leaf in leaves:
        if is_model(leaf.value) and not list(named_variables(leaf)):
            raise gradcheck_keras.not_built(leaf)


def keras_parts(value: object) -> tuple[list[Any], list[Any]]:
    """The Keras layers, inner ones too, and the Keras variables, metrics' too, that an object is or has."""
    if _is_keras_variable(value):
        return [], [value]
    if _is_keras_layer(value):
        model: Any = value
        return gradcheck_keras.layers(model), [*model.variables, *model.metrics_variables]
    if not isinstance(value, tf.Module):
        return [], []
    outer = value._flatten(predicate=lambda item: _is_keras_layer(item) or _is_keras_variable(item))
    found = [keras_parts(item) for item in outer]
    return [layer for layers, _ in found for layer in layers], [each for _, variables in found for each in variables]


def modules(value: object) -> list[tf.Module]:
    """The `tf.Module`s that an object is or has."""
    return [value, *value.submodules] if isinstance(value, tf.Module) else []


def _is_keras_variable(leaf: object) -> bool:
    return gradcheck_keras.is_variable(leaf, "tensorflow")


def _is_keras_layer(leaf: object) -> bool:
    return gradcheck_keras.is_layer(leaf, "tensorflow")

"""Where variables are found: in plain nestings, `tf.Module`s and Keras layers and models."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import tensorflow as tf

import gradcheck_keras
from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import trees
from gradcheck_core.protocol.host_theta import why_carried, why_tied


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
    """TensorFlow's own variable or tensor, by its path."""

    leaf: trees.Leaf
    trainable: bool  # Keras keeps that mark on its own variable only
    computed_in: str  # the dtype in which a Keras layer computes with it, with mixed precision lower than its own


def named_variables(leaf: trees.Leaf) -> Iterator[Named]:
    """The variables of one leaf with their names; a model's by the path of attributes that leads to them."""
    if gradcheck_keras.is_keras(leaf.value, "tensorflow"):
        for weight in gradcheck_keras.weights(leaf.value):
            inner = trees.Leaf((*leaf.path, *weight.path), weight.variable.value)
            yield Named(inner, weight.trainable, weight.computed_in)
        return
    variable = variable_of(leaf.value)
    if variable is not None:
        is_generator = isinstance(leaf.value, tf.random.Generator)
        trainable = not is_generator and bool(variable.trainable)
        yield Named(trees.Leaf(leaf.path, variable), trainable, variable.dtype.name)
    elif isinstance(leaf.value, tf.Module):
        # The protected method that `tf.Module.trainable_variables` is made of, and the only one that gives paths.
        found = leaf.value._flatten(
            predicate=lambda value: variable_of(value) is not None or _is_keras_layer(value), with_path=True
        )
        for path, value in found:
            yield from named_variables(trees.Leaf((*leaf.path, *path), value))


def named_tensors(leaf: trees.Leaf) -> list[Named]:
    """The variables of one leaf, or the tensor that it is."""
    if isinstance(leaf.value, tf.Tensor):
        return [Named(leaf, trainable=True, computed_in=leaf.value.dtype.name)]
    return list(named_variables(leaf))


def named_parts(leaf: trees.Leaf) -> list[Named]:
    """The variables or the tensor of one leaf, or an object of any other kind, except a model without variables."""
    return named_tensors(leaf) or ([] if is_model(leaf.value) else [Named(leaf, trainable=False, computed_in="")])


def explain_carried(items: Iterable[Named], dtypes: Mapping[str, str]) -> list[str | None]:
    """For each of the parts why it is handed on and not checked, or None; `dtypes` are those of the user's tensors."""
    seen: dict[int, str] = {}
    return [_explain(item, dtypes, seen) for item in items]


def _explain(item: Named, dtypes: Mapping[str, str], seen: dict[int, str]) -> str | None:
    name, tensor = item.leaf.name, item.leaf.value
    if not isinstance(tensor, tf.Tensor | tf.Variable):
        return type(tensor).__name__
    if not tensor.shape.is_fully_defined():
        msg = f"`params`: `{name}` has shape {tensor.shape}; build the model on an input first"
        raise InvalidInputError(msg)
    size = tensor.shape.num_elements()
    return why_tied(name, tensor, seen) or why_carried(name, dtypes[name], size, frozen=not item.trainable)


def require_built(leaves: Iterable[trees.Leaf]) -> None:
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

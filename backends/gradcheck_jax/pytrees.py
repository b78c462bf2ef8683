"""Pytrees with names: JAX's own flattening, by the path rule that holds in every framework."""

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

import gradcheck_keras
from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import trees


@final
@dataclass(frozen=True, slots=True)
class Pytree:
    """A structure taken apart.

    Attributes
    ----------
    leaves : list of Leaf
        Named.
    frozen : frozenset of int
        The identities of those that are no parameters.
    holders : list
        For each leaf the Keras variable whose value it is, or None. A Keras model is no pytree: it stays as it is, and
        is made to read other values.
    rebuild : callable
        The way back.
    """

    leaves: list[trees.Leaf]
    frozen: frozenset[int]
    holders: list[Any]
    rebuild: Callable[[Iterator[object]], object]


def flatten(structure: object) -> Pytree:
    """Flatten a pytree; dataclasses that JAX does not know are taken apart by their fields."""
    outer, treedef = jax.tree_util.tree_flatten_with_path(structure, is_leaf=_is_variable)
    leaves: list[trees.Leaf] = []
    holders: list[Any] = []
    frozen: set[int] = set()
    rebuilders: list[Callable[[Iterator[object]], object]] = []
    for keys, node in outer:
        path = tuple(_component(key) for key in keys)
        held: list[Any] = []
        if gradcheck_keras.is_keras(node, "jax"):
            weights = gradcheck_keras.weights(node)
            held = [weight.variable for weight in weights]
            found = [trees.Leaf((*path, *weight.path), weight.variable.value) for weight in weights]
            frozen |= {id(leaf.value) for leaf, weight in zip(found, weights, strict=True) if not weight.trainable}
            rebuilders.append(_staying(node, len(weights)))
        elif _is_variable(node):
            inner, definition = jax.tree_util.tree_flatten_with_path(node)
            # A variable with one value is named as itself, not as its value.
            found = [trees.Leaf(path if len(inner) == 1 else (*path, *map(_component, k)), v) for k, v in inner]
            frozen |= {id(leaf.value) for leaf in found if _is_frozen(node)}
            rebuilders.append(_from_treedef(definition, len(inner)))
        elif dataclasses.is_dataclass(node) and not isinstance(node, type):
            fields = {field.name: flatten(getattr(node, field.name)) for field in dataclasses.fields(node)}
            found = [
                trees.Leaf((*path, name, *leaf.path), leaf.value)
                for name, field in fields.items()
                for leaf in field.leaves
            ]
            frozen = frozen.union(*(field.frozen for field in fields.values()))
            held = [holder for field in fields.values() for holder in field.holders]
            rebuilders.append(_from_fields(node, fields))
        else:
            found = [trees.Leaf(path, node)]
            rebuilders.append(next)
        leaves += found
        holders += held or [None] * len(found)
    return Pytree(
        leaves, frozenset(frozen), holders, lambda new: treedef.unflatten([build(new) for build in rebuilders])
    )


NUMBERS = (jax.Array, np.ndarray, np.generic, float, complex)
"""What can be a number or numbers to JAX; whether of a floating dtype, is asked of each."""


def is_inexact(leaf: object) -> bool:
    """Whether a leaf is a real or complex floating number or array."""
    return isinstance(leaf, NUMBERS) and jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)


def floating(returned: object) -> list[jax.Array]:
    """The floating arrays among what a cost returned, in the order in which the core contracts them.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    # JAX's own order differs: it sorts the keys of a dict.
    outputs = [jnp.asarray(leaf.value) for leaf in trees.leaves(returned) if is_inexact(leaf.value)]
    if not outputs:
        msg = f"`cost` returned {type(returned).__name__}, which holds no floating array to go back from"
        raise InvalidInputError(msg)
    return outputs


def _from_treedef(definition: jax.tree_util.PyTreeDef, count: int) -> Callable[[Iterator[object]], object]:
    return lambda new: definition.unflatten([next(new) for _ in range(count)])


def _staying(node: object, count: int) -> Callable[[Iterator[object]], object]:
    def build(new: Iterator[object]) -> object:
        for _ in range(count):
            next(new)
        return node

    return build


def _from_fields(node: object, fields: dict[str, Pytree]) -> Callable[[Iterator[object]], object]:
    def build(new: Iterator[object]) -> object:
        built = copy.copy(node)
        for name, field in fields.items():
            object.__setattr__(built, name, field.rebuild(new))  # also into a frozen dataclass; the copy is ours
        return built

    return build


def _component(key: object) -> object:
    if isinstance(key, DictKey | FlattenedIndexKey):
        return key.key
    if isinstance(key, SequenceKey):
        return key.idx
    return key.name if isinstance(key, GetAttrKey) else str(key)


def _is_variable(node: object) -> bool:
    # A Flax variable can exist only where Flax is imported already; this adapter never imports it.
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(node, nnx.Variable)


def _is_frozen(node: object) -> bool:
    """Whether a Flax variable is no parameter: batch statistics, random state. `nnx.grad` leaves these out too."""
    return not isinstance(node, sys.modules["flax.nnx"].Param)

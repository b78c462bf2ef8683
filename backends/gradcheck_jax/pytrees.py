"""Pytrees with names: JAX's own flattening, by the path rule that holds in every framework."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

import gradcheck_keras
from gradcheck_core.protocol import trees
from gradcheck_core.protocol.outputs import cannot_differentiate

from . import flax_modules
from .paths import name_key


@final
@dataclass(frozen=True, slots=True)
class Pytree:
    """A structure taken apart into named leaves, and the way back.

    `frozen` has the identities of the leaves that are not parameters. `holders` has for each leaf the Keras variable
    whose value it is, or None: a Keras model is not a pytree. It stays as it is, and is made to read other values.
    """

    leaves: list[trees.Leaf]
    frozen: frozenset[int]
    holders: list[Any]
    rebuild: Callable[[Iterator[object]], object]


def flatten(structure: object) -> Pytree:
    """Flatten a pytree; a dataclass that JAX does not know is flattened by its fields."""
    outer, treedef = jax.tree_util.tree_flatten_with_path(structure, is_leaf=flax_modules.is_variable)
    leaves: list[trees.Leaf] = []
    holders: list[Any] = []
    frozen: set[int] = set()
    rebuilders: list[Callable[[Iterator[object]], object]] = []
    for keys, node in outer:
        path = tuple(name_key(key) for key in keys)
        held: list[Any] = []
        if gradcheck_keras.is_keras(node, "jax"):
            weights = gradcheck_keras.weights(node)
            held = [weight.variable for weight in weights]
            found = [trees.Leaf((*path, *weight.path), weight.variable.value) for weight in weights]
            frozen |= {id(leaf.value) for leaf, weight in zip(found, weights, strict=True) if not weight.trainable}
            rebuilders.append(_keep(node, len(weights)))
        elif flax_modules.is_variable(node):
            found, is_frozen, definition = flax_modules.read_variable(node, path)
            frozen |= {id(leaf.value) for leaf in found if is_frozen}
            rebuilders.append(_from_treedef(definition, len(found)))
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
"""The types of numbers and arrays that JAX takes, of any dtype."""


def is_inexact(leaf: object) -> bool:
    """Whether a leaf is a real or complex floating number or array."""
    return isinstance(leaf, NUMBERS) and jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)


def select_floating(returned: object) -> list[jax.Array]:
    """The floating arrays among what a cost returned, in the order in which the core contracts them; never none."""
    # JAX's own order differs: it sorts the keys of a dict.
    outputs = [jnp.asarray(leaf.value) for leaf in trees.leaves(returned) if is_inexact(leaf.value)]
    if not outputs:
        raise cannot_differentiate(returned, "JAX")
    return outputs


def _from_treedef(definition: jax.tree_util.PyTreeDef, count: int) -> Callable[[Iterator[object]], object]:
    return lambda new: definition.unflatten([next(new) for _ in range(count)])


def _keep(node: object, count: int) -> Callable[[Iterator[object]], object]:
    def build(new: Iterator[object]) -> object:
        for _ in range(count):
            next(new)
        return node

    return build


def _from_fields(node: object, fields: dict[str, Pytree]) -> Callable[[Iterator[object]], object]:
    return lambda new: trees.reassign(node, fields, [field.rebuild(new) for field in fields.values()])

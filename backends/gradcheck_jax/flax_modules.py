"""How Flax modules are read: which nodes of a pytree are variables, which of these are parameters, and their names.

A module of `flax.nnx` is a pytree of variables; `flax.linen` keeps its parameters in plain dicts, which are read as any
other pytree is. Flax is never imported here: a variable can exist only where a program has imported it.
"""

import sys

from jax.tree_util import PyTreeDef, tree_flatten_with_path

from gradcheck_core.protocol.trees import Leaf

from .paths import name_key


def is_variable(node: object) -> bool:
    """Whether an object is a Flax variable."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(node, nnx.Variable)


def read_variable(node: object, path: tuple[object, ...]) -> tuple[list[Leaf], bool, PyTreeDef]:
    """The leaves of a variable, whether they are frozen, and the way back."""
    inner, definition = tree_flatten_with_path(node)
    # A variable with one value is named as itself, not as its value.
    leaves = [Leaf(path if len(inner) == 1 else (*path, *map(name_key, keys)), value) for keys, value in inner]
    # Batch statistics and random state are not parameters; `nnx.grad` leaves them out too.
    return leaves, not isinstance(node, sys.modules["flax.nnx"].Param), definition

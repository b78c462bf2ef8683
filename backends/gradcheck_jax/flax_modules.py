"""How Flax modules are read: which nodes of a pytree are variables, and which of those are parameters.

A module of `flax.nnx` is a pytree of variables; `flax.linen` keeps its parameters in plain dicts. Flax is never
imported here: a variable can exist only where a program has imported it.
"""

import sys


def is_variable(node: object) -> bool:
    """Whether an object is a Flax variable."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(node, nnx.Variable)


def is_frozen(node: object) -> bool:
    """Whether a Flax variable is not a parameter: batch statistics, random state. `nnx.grad` leaves these out too."""
    return not isinstance(node, sys.modules["flax.nnx"].Param)

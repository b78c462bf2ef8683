"""JAX: any pytree, with `jax.grad`, `jax.jvp` and the two combined.

Theta is held in copies on the leaves' own devices. Parameters of lower precision are evaluated in float64 inside a
local x64 scope; the global setting is not touched. Flax nnx modules and Equinox modules are pytrees too.
"""

from .backend import JaxBackend as JaxBackend

__all__ = ["JaxBackend"]

"""NumPy: arrays in any nesting, with gradients written by hand.

NumPy has no automatic differentiation, so `grads` is always the user's. Theta is held in copies: the caller's arrays
are only read, be they read-only, broadcast or Fortran-ordered.
"""

from .backend import NumpyBackend as NumpyBackend

__all__ = ["NumpyBackend"]

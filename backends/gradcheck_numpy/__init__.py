"""NumPy: arrays in any nesting, with gradients written by hand.

NumPy has no automatic differentiation, so `grads` is always the user's; the gradient by a complex z = x + iy is taken
to be dJ/dx + i dJ/dy. Theta is held in copies: the caller's arrays are only read, be they read-only, broadcast or
Fortran-ordered. A cost with a form for many thetas at once is a `BatchedCost`.
"""

from .backend import NumpyBackend as NumpyBackend
from .batched import BatchedCost as BatchedCost

__all__ = ["BatchedCost", "NumpyBackend"]

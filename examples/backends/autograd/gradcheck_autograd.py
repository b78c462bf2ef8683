"""HIPS autograd: reverse and forward mode through NumPy's own arrays.

The parameters of such a cost are plain NumPy arrays, which are NumPy's: a check says ``backend="autograd"``.
"""

import warnings
from collections.abc import Sequence
from typing import Any, final

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.extend import Box

from gradcheck_core.protocol import Capability
from gradcheck_core.protocol.arrays import ArrayBackend, Function


@final
class AutogradBackend(ArrayBackend):
    """NumPy arrays, differentiated by autograd."""

    name = "autograd"
    capabilities = frozenset(Capability)
    tensors = (np.ndarray, np.generic)
    conjugates = True  # its gradient by x + iy is dJ/dx - i dJ/dy

    def owns(self, leaf: object) -> bool:
        return isinstance(leaf, Box)  # what stands for an array while autograd traces; arrays are NumPy's

    def to_numpy(self, leaf: Any) -> np.ndarray:
        return np.asarray(leaf)

    def tensor(self, values: np.ndarray, dtype: str, like: Any) -> np.ndarray:
        return np.array(values, dtype=dtype)

    def contract(self, output: Any, weights: Any) -> Any:
        return anp.real(anp.sum(output * weights))

    def gradients(self, function: Function, tensors: Sequence[Any]) -> Sequence[Any]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Output seems independent of input")  # the gradient is then zero
            pullback, value = autograd.make_vjp(function)(list(tensors))
        return pullback(anp.ones_like(value))

    def derivative(self, function: Function, tensors: Sequence[Any], tangents: Sequence[Any]) -> Any:
        _, derivative = autograd.make_jvp(function)(list(tensors))(list(tangents))
        return derivative

"""MLX: arrays in any nesting, and `mlx.nn` modules.

float64 exists on MLX's CPU device only.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, final

import mlx.core as mx
import numpy as np

from gradcheck_core.protocol import Capability
from gradcheck_core.protocol.arrays import ArrayBackend, Function, Outputs


@final
class MlxBackend(ArrayBackend):
    """MLX arrays."""

    name = "mlx"
    capabilities = frozenset({Capability.AUTODIFF, Capability.FLOAT64, Capability.FORWARD, Capability.HESSIAN})
    tensors = (mx.array,)

    def to_numpy(self, leaf: Any) -> np.ndarray:
        # bfloat16 is unknown to NumPy; float32 holds it exactly
        return np.array(leaf.astype(mx.float32) if leaf.dtype == mx.bfloat16 else leaf)

    def dtype_of(self, leaf: Any) -> str:
        return str(leaf.dtype).removeprefix("mlx.core.")

    def tensor(self, values: np.ndarray, dtype: str, like: Any) -> mx.array:
        return _array(values, dtype)

    def contract(self, output: Any, weights: Any) -> Any:
        return mx.real(mx.sum(output * weights))

    def gradients(self, function: Function, tensors: Sequence[Any]) -> Sequence[Any]:
        return mx.grad(function)(list(tensors))

    def derivative(self, function: Function, tensors: Sequence[Any], tangents: Sequence[Any]) -> Any:
        _, (derivative,) = mx.jvp(lambda *moved: function(moved), list(tensors), list(tangents))
        return derivative

    def vectorised(self, function: Outputs) -> Outputs:
        return mx.vmap(function)

    def reducers(self) -> Mapping[type, Callable[[Any], tuple[Any, ...]]]:
        # MLX's own pickling makes float32 of a float64 array
        return {mx.array: lambda leaf: (_array, (self.to_numpy(leaf), self.dtype_of(leaf)))}

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        high, low = mx.random.state[0].tolist()
        mx.random.seed(seed)
        try:
            yield
        finally:
            mx.random.seed((high << 32) | low)  # the state is the seed's two halves


def _array(values: np.ndarray, dtype: str) -> mx.array:
    return mx.array(values, dtype=_DTYPES.get(dtype))  # of integers it finds the dtype itself


_DTYPES = {name: getattr(mx, name) for name in ("float16", "bfloat16", "float32", "float64", "complex64")}
_DTYPES["complex128"] = mx.complex64  # the widest there is

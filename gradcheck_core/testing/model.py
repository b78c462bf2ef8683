"""One small model with its gradient derived by hand, in whatever framework a kit brings."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .kit import Kit

Array = npt.NDArray[np.float64]

W = np.array([[0.5, -0.3], [0.2, 0.8], [-0.6, 0.1]])
B = np.array([0.1, -0.2])
X = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 0.7], [-0.4, 0.3, 1.2], [2.0, 0.1, -0.3]])


def params(kit: Kit, dtype: str = "float64") -> dict[str, Any]:
    """The parameters `w` and `b`."""
    return {"w": kit.array(W, dtype), "b": kit.array(B, dtype)}


def make_cost(kit: Kit, dtype: str = "float64") -> Callable[[Any], Any]:
    """J = sum(tanh(X w + b)**2)."""
    x = kit.constant(X, dtype)

    def cost(p: Any) -> Any:
        return kit.sum(kit.tanh(kit.matmul(x, p["w"]) + p["b"]) ** 2)

    return cost


def gradient(w: Array = W, b: Array = B) -> dict[str, Array]:
    """dJ/da = 2 tanh(a) (1 - tanh(a)**2) with a = X w + b; then dJ/dw = X^T dJ/da and dJ/db its column sums."""
    hidden = np.tanh(X @ w + b)
    d_activation = 2 * hidden * (1 - hidden**2)
    return {"w": X.T @ d_activation, "b": d_activation.sum(axis=0)}


def hvp(p: Any, direction: Mapping[str, Array], w: Array = W, b: Array = B) -> dict[str, Array]:
    """The Hessian times a direction: d(2 t - 2 t**3)/da = (2 - 6 t**2) (1 - t**2), along da = X v_w + v_b."""
    hidden = np.tanh(X @ w + b)
    d_activation = (2 - 6 * hidden**2) * (1 - hidden**2) * (X @ direction["w"] + direction["b"])
    return {"w": X.T @ d_activation, "b": d_activation.sum(axis=0)}

"""One small model with its gradient derived by hand, in whatever framework a kit brings."""

import numpy as np

W = np.array([[0.5, -0.3], [0.2, 0.8], [-0.6, 0.1]])
B = np.array([0.1, -0.2])
X = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 0.7], [-0.4, 0.3, 1.2], [2.0, 0.1, -0.3]])


def params(kit, dtype="float64"):
    return {"w": kit.array(W, dtype), "b": kit.array(B, dtype)}


def make_cost(kit, dtype="float64"):
    """J = sum(tanh(X w + b)**2)."""
    x = kit.constant(X, dtype)

    def cost(p):
        return kit.sum(kit.tanh(kit.matmul(x, p["w"]) + p["b"]) ** 2)

    return cost


def gradient(w=W, b=B):
    """dJ/da = 2 tanh(a) (1 - tanh(a)**2) with a = X w + b; then dJ/dw = X^T dJ/da and dJ/db its column sums."""
    hidden = np.tanh(X @ w + b)
    d_activation = 2 * hidden * (1 - hidden**2)
    return {"w": X.T @ d_activation, "b": d_activation.sum(axis=0)}


def hvp(p, direction, w=W, b=B):
    """The Hessian times a direction: d(2 t - 2 t**3)/da = (2 - 6 t**2) (1 - t**2), along da = X v_w + v_b."""
    hidden = np.tanh(X @ w + b)
    d_activation = (2 - 6 * hidden**2) * (1 - hidden**2) * (X @ direction["w"] + direction["b"])
    return {"w": X.T @ d_activation, "b": d_activation.sum(axis=0)}

"""One small network with inputs, in whatever framework a kit brings; `python tests/kits/recorded.py torch` records it.

The snapshots in `tests/data/snapshots` were recorded so, each in a process that had imported no other framework. Every
framework's tests hold the network against all of them.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

from gradcheck_core import GradientCase, record_snapshot
from gradcheck_core.protocol import Capability

FOLDER = Path(__file__).parent.parent / "data" / "snapshots"

# sixteenths, so that float32 holds them too
X = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 0.75], [-0.5, 0.25, 1.25], [2.0, 0.125, -0.25]])
HIDDEN = {
    "w": np.array([[0.5, -0.25, 0.75], [0.125, 0.875, -0.5], [-0.625, 0.0625, 0.25]]),
    "b": np.array([0.25, -0.125, 0.5]),
}
OUT = {"w": np.array([[0.75, -0.375], [-0.1875, 0.6875], [0.3125, 0.4375]])}


def gradient(p, x):
    """By hand, for NumPy: y = h v with h = tanh(x w + b) and J = sum(sin(y)), so that dJ/dy = cos(y)."""
    w, b, v = p["hidden"]["w"], p["hidden"]["b"], p["out"]["w"]
    h = np.tanh(x @ w + b)
    d_y = np.cos(h @ v)
    d_a = (d_y @ v.T) * (1 - h**2)
    return {"hidden": {"w": x.T @ d_a, "b": d_a.sum(axis=0)}, "out": {"w": h.T @ d_y}}


def case(kit, dtype="float64"):
    """J = sum(sin(tanh(x w + b) v))."""

    def cost(p, x):
        hidden = kit.tanh(kit.matmul(x, p["hidden"]["w"]) + p["hidden"]["b"])
        return kit.sum(kit.sin(kit.matmul(hidden, p["out"]["w"])))

    params = {
        "hidden": {name: kit.array(values, dtype) for name, values in HIDDEN.items()},
        "out": {name: kit.array(values, dtype) for name, values in OUT.items()},
    }
    grads = None if kit.declares(Capability.AUTODIFF) else gradient
    return GradientCase(cost, params, grads, (kit.constant(X, dtype),), name=f"a network in {kit.name}")


if __name__ == "__main__":
    for framework in sys.argv[1:]:
        kit = importlib.import_module(f"{framework}_kit").KIT
        record_snapshot(FOLDER / f"{framework}.safetensors", case(kit))

"""Two tanh layers by hand: right, with a wrong gradient, and as another framework would store them."""

import numpy as np

from gradcheck_core import GradientCase, ParameterMap, compare_gradients

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 3))
PARAMS = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=4), "v": RNG.normal(size=(4, 2))}


def loss(p):
    return float(np.sum((np.tanh(X @ p["w"] + p["b"]) @ p["v"]) ** 2))


def backward(p):
    hidden = np.tanh(X @ p["w"] + p["b"])
    out = 2 * hidden @ p["v"]
    before = (out @ p["v"].T) * (1 - hidden**2)
    return {"w": X.T @ before, "b": before.sum(axis=0), "v": hidden.T @ out}


def without_tanh(p):
    """The mistake of a backward pass that leaves out the derivative of tanh."""
    hidden = np.tanh(X @ p["w"] + p["b"])
    out = 2 * hidden @ p["v"]
    before = out @ p["v"].T
    return {"w": X.T @ before, "b": before.sum(axis=0), "v": hidden.T @ out}


RIGHT = GradientCase(loss, PARAMS, backward)
WRONG = GradientCase(loss, PARAMS, without_tanh)
TRANSPOSED = GradientCase(  # the same model with its matrices the other way round, and other names
    lambda p: loss({"w": p["first.weight"].T, "b": p["first.bias"], "v": p["second.weight"].T}),
    {"first.weight": PARAMS["w"].T.copy(), "first.bias": PARAMS["b"], "second.weight": PARAMS["v"].T.copy()},
    lambda p: {
        "first.weight": (g := backward({"w": p["first.weight"].T, "b": p["first.bias"], "v": p["second.weight"].T}))[
            "w"
        ].T,
        "first.bias": g["b"],
        "second.weight": g["v"].T,
    },
)
BY_HAND = ParameterMap.from_toml(
    """
format = 1
[entries."first.weight"]
source = "w"
axes = [1, 0]
[entries."first.bias"]
source = "b"
axes = [0]
[entries."second.weight"]
source = "v"
axes = [1, 0]
"""
)


def compare(old, new, **options):
    return compare_gradients({"old": old, "new": new}, reference="old", **options)


def scaled(factor, args=()):
    grads = lambda p, *_: {name: factor * g for name, g in backward(p).items()}  # noqa: E731
    return GradientCase(lambda p, *_: factor * loss(p), PARAMS, grads, args)

"""Reports for pages: of a small network by hand with mistakes in it, and of a migration that went wrong."""

import numpy as np

import gradcheck_core as gc

X = np.random.default_rng(0).normal(size=(24, 5))
Y = np.random.default_rng(1).normal(size=(24, 2))


def start():
    generator = np.random.default_rng(2)
    sizes = {"layer1.weight": (5, 6), "layer1.bias": (6,), "layer2.weight": (6, 2), "layer2.bias": (2,)}
    return {name: generator.normal(size=size) / 2 for name, size in sizes.items()}


def cost(p):
    hidden = np.tanh(X @ p["layer1.weight"] + p["layer1.bias"])
    return float(np.mean((hidden @ p["layer2.weight"] + p["layer2.bias"] - Y) ** 2))


def backward(p):
    """By hand: out = h V + c, J the mean of (out - Y)^2 over all numbers."""
    hidden = np.tanh(X @ p["layer1.weight"] + p["layer1.bias"])
    d_out = 2 * (hidden @ p["layer2.weight"] + p["layer2.bias"] - Y) / Y.size
    d_hidden = (d_out @ p["layer2.weight"].T) * (1 - hidden**2)
    return {
        "layer1.weight": X.T @ d_hidden,
        "layer1.bias": d_hidden.sum(axis=0),
        "layer2.weight": hidden.T @ d_out,
        "layer2.bias": d_out.sum(axis=0),
    }


def with_mistakes(p):
    """One entry of the first weight is a half too large, and the first bias has the mean for the sum."""
    wrong = backward(p)
    wrong["layer1.weight"][3, 4] *= 1.5
    wrong["layer1.bias"] /= len(X)
    return wrong


def wrong_report():
    return gc.check_gradients(cost, start(), with_mistakes)


def right_report():
    return gc.check_gradients(cost, start(), backward)


def kinked_report():
    """At zero |w| has every slope from -1 to 1; 0.5 is one of them and 3 is none."""
    return gc.check_gradients(lambda w: float(np.sum(np.abs(w))), np.array([0.0, 0.0, 0.3]), np.array([0.5, 3.0, 1.0]))


def parity_report():
    """The new side multiplies its cost, and has one wrong entry of its own."""
    old = gc.GradientCase(cost, start(), backward)
    new = gc.GradientCase(cost, start(), with_mistakes)
    return gc.compare_gradients({"old": old, "new": new})

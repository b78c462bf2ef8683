"""A JAX model of enough numbers for a batch, and its gradient by hand."""

import jax
import jax.numpy as jnp
import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 8))
PARAMS = {"b": 0.1 * RNG.normal(size=12), "w": RNG.normal(size=(8, 12)) / 3}
"""108 numbers: enough for a batch."""


def hidden(p):
    return jnp.tanh(X @ p["w"] + p["b"])


def cost(p):
    return jnp.sum(hidden(p) ** 2)


def cost_gradient(p):
    h = np.tanh(X @ p["w"] + p["b"])
    upstream = 2 * h * (1 - h**2)
    return {"b": upstream.sum(axis=0), "w": X.T @ upstream}


def floating(params, dtype="float64"):
    with jax.enable_x64(True):
        return {name: jnp.asarray(value, dtype) for name, value in params.items()}


def was_batched(report):
    return not any("one theta at a time" in note for note in report.notes)

"""A JAX model of enough numbers for a batch, its gradient by hand, and its cost in a batch and one by one."""

import jax
import jax.numpy as jnp
import numpy as np

from gradcheck_core import registry
from gradcheck_core.outputs import Contraction

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 8))
PARAMS = {"b": 0.1 * RNG.normal(size=12), "w": RNG.normal(size=(8, 12)) / 3}
"""108 numbers: enough for a batch."""

WEIGH = Contraction(0).weights


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


def together_and_alone(function, params, precision="native"):
    """J with every number moved by a tenth, in a batch and one by one, parameter by parameter."""
    backend = registry.load_backend("jax")
    with backend.open(function, params, (), precision, 0) as problem:
        batch = problem.batch(WEIGH, 2**30)
        for i, parameter in enumerate(problem.layout.parameters):
            before = problem.read(i)
            entries, values = np.arange(parameter.size), before + 0.1
            together = batch.costs_at(i, entries, values)
            assert np.array_equal(problem.read(i), before)
            alone = []
            for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
                problem.write(i, entry, value)
                # Never evaluated at the theta it was opened with, the problem has nothing to hold a program against.
                alone.append(Contraction(0).value(problem.evaluate(), backend.to_numpy).value)
                problem.write(i, entry, float(before[entry]))
            yield together, np.array(alone)

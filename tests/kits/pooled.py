"""A cost by hand for checks in several processes, which can tell where it was evaluated."""

import os
from pathlib import Path

import numpy as np

HERE = os.getpid()
"""Of this process: a test's function takes the number along to where it is evaluated."""

DATA = np.random.default_rng(0).normal(size=(7, 5))
PARAMS = {"w": np.random.default_rng(1).normal(size=(5, 8)), "b": np.linspace(-1.0, 1.0, 8)}


def cost(p):
    return float(np.sum(np.tanh(DATA @ p["w"] + p["b"]) ** 2))


def gradient(p):
    activation = np.tanh(DATA @ p["w"] + p["b"])
    delta = 2 * activation * (1 - activation**2)
    return {"w": DATA.T @ delta, "b": delta.sum(axis=0)}


def marking(folder, inner=cost):
    """The cost, which leaves a file named after its process."""

    def marked(p):
        (Path(folder) / str(os.getpid())).touch()
        return inner(p)

    return marked


def processes(folder):
    return {int(path.name) for path in Path(folder).iterdir() if path.name.isdigit()}

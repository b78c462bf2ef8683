"""Models in which every entry stands for itself."""

import numpy as np

from corpus.records import Autodiff, Claim, Model

WEIGHTS = np.array([1.0, -2.0, 0.5, 1.5, -0.7, 3.0])


def elementwise(
    family: str, name: str, w: list[float], function, derivative, *claims: Claim, autodiff: Autodiff = Autodiff.AGREES
) -> Model:
    """J = sum(c * f(w)) with weights of both signs, whose gradient is c * f'(w)."""
    return Model(
        name,
        family,
        {"w": np.array(w)},
        lambda ops, p, d: ops.sum(d["c"] * function(ops, p["w"])),
        lambda p, d: {"w": d["c"] * derivative(p["w"])},
        {"c": WEIGHTS[: len(w)]},
        claims,
        autodiff,
    )

"""Ways to write a model down."""

from typing import Any

import numpy as np

from corpus.records import Autodiff, Claim, Model, draw

WEIGHTS = np.array([1.0, -2.0, 0.5, 1.5, -0.7, 3.0])
SINES = np.array([0.3, -1.1, 0.7, 2.0])


def random_model(
    family: str,
    name: str,
    cost,
    gradient,
    params: dict[str, tuple[int, ...]],
    data: dict[str, tuple[int, ...]],
    *claims: Claim,
    scale: float = 1.0,
    **fixed: Any,
) -> Model:
    """Normal parameters, times a scale, and normal data, by their shapes; `fixed` are further data."""
    drawn = draw(name, **params, **data)
    return Model(
        name,
        family,
        {key: scale * drawn[key] for key in params},
        cost,
        gradient,
        {**{key: drawn[key] for key in data}, **fixed},
        claims,
    )


def given_model(
    family: str,
    name: str,
    params: dict[str, np.ndarray],
    cost,
    gradient,
    *claims: Claim,
    data: dict[str, Any] | None = None,
    autodiff: Autodiff = Autodiff.AGREES,
) -> Model:
    """Parameters and data that are chosen with care."""
    return Model(name, family, params, cost, gradient, data or {}, claims, autodiff)


def elementwise(
    family: str, name: str, w: list[float], function, derivative, *claims: Claim, autodiff: Autodiff = Autodiff.AGREES
) -> Model:
    """J = sum(c * f(w)) with weights of both signs, whose gradient is c * f'(w)."""
    return given_model(
        family,
        name,
        {"w": np.array(w)},
        lambda ops, p, d: ops.sum(d["c"] * function(ops, p["w"])),
        lambda p, d: {"w": d["c"] * derivative(p["w"])},
        *claims,
        data={"c": np.resize(WEIGHTS, len(w))},
        autodiff=autodiff,
    )


def sine(family: str, name: str, factor: float, constant: float, *claims: Claim) -> Model:
    """J = factor * sum(sin(w)) + constant."""
    return given_model(
        family,
        name,
        {"w": SINES},
        lambda ops, p, d: factor * ops.sum(ops.sin(p["w"])) + constant,
        lambda p, d: {"w": factor * np.cos(p["w"])},
        *claims,
    )

"""Functions with known derivatives, and one parameter's cost without any framework."""

import numpy as np

from gradcheck_core.numerics.coordinates import ParameterCost
from gradcheck_core.numerics.noise import estimate_noise
from gradcheck_core.numerics.steps import choose_step, first_step, scales

ROUNDOFF = 2.0**-53

SMOOTH = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "rational": (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "log": (lambda x: np.log(np.abs(x)), lambda x: 1 / x),
    "linear": (lambda x: x, np.ones_like),
    "softplus": (lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x))),
    "root": (lambda x: np.sqrt(1 + x * x), lambda x: x / np.sqrt(1 + x * x)),
    "wave": (
        lambda x: np.sin(3 * x) * np.exp(x / 2),
        lambda x: 3 * np.cos(3 * x) * np.exp(x / 2) + np.sin(3 * x) * np.exp(x / 2) / 2,
    ),
}


def keep(values):
    return values


def through_float32(values):
    return np.asarray(values).astype(np.float32).astype(np.float64)


def parameter_cost(cost, theta, noise=0.0, rounded=keep):
    """A cost of one vector as the numerics see it."""
    theta = np.array(theta, dtype=np.float64)

    def costs_at(entries, values):
        return np.array([cost(_with(theta, entry, value)) for entry, value in zip(entries, values, strict=True)])

    return ParameterCost(theta, float(cost(theta)), noise, ROUNDOFF, costs_at, rounded)


def measured(cost, theta, seed=0):
    """A cost with its noise and its steps, both found along one random line."""
    theta = np.array(theta, dtype=np.float64)
    direction = scales(theta) * np.random.default_rng(seed).choice([-1.0, 1.0], size=theta.size)

    def line(t):
        return cost(theta + t * direction)

    present = float(cost(theta))
    noise = estimate_noise(line, present, ROUNDOFF).level
    first = first_step(noise, present, ROUNDOFF)
    rung = choose_step(line, noise, first, ROUNDOFF, 28)
    return parameter_cost(cost, theta, noise), scales(theta) * (rung.step if rung else first)


def _with(theta, entry, value):
    moved = theta.copy()
    moved[entry] = value
    return moved

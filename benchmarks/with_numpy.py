"""Gradcheck, the textbook's loop, SciPy and numdifftools on the cost in NumPy."""

from collections.abc import Callable
from typing import Any

import numdifftools
import numpy as np
from scipy.optimize import check_grad
from scipy.optimize._numdiff import approx_derivative

from gradcheck_core import check_gradients, gradient_checking
from gradcheck_numpy import BatchedCost
from measure import Bench, Counted, Verdict
from problems import Array, Perceptron, Problem, doubled, gradients, perceptron

_AGREES = 1e-5
"""Relative difference below which a comparison that is left to the user passes."""


def cost_of(network: Perceptron) -> Callable[[list[Array]], Any]:
    """Mean cross-entropy, with axes from the end: of many thetas too, where `BatchedCost` gives them."""
    places = np.arange(len(network.labels))

    def cost(params: list[Array]) -> Any:
        hidden = network.features
        for layer in range(0, len(params) - 2, 2):
            hidden = np.tanh(hidden @ params[layer] + params[layer + 1])
        scores = hidden @ params[-2] + params[-1]
        largest = scores.max(axis=-1, keepdims=True)
        total = np.log(np.exp(scores - largest).sum(axis=-1)) + largest[..., 0]
        return np.mean(total - scores[..., places, network.labels], axis=-1)

    return cost


def _ours(problem: Problem, method: str, batched: bool) -> Bench:
    network = perceptron(problem.widths)
    cost, right = cost_of(network), gradients(network)
    counted = Counted(cost)
    checked = BatchedCost(counted, counted) if batched else counted

    def check(grads: list[Array]) -> Verdict:
        report = check_gradients(checked, network.params, grads, method=method)
        return Verdict(report.passed, report.evaluations)

    return Bench(lambda: check(right), lambda: check(doubled(right)), lambda: cost(network.params), counted)


def _flat(problem: Problem, check: Callable[[Counted, Array, Array], bool]) -> Bench:
    """Of a checker that takes the parameters as one vector."""
    network = perceptron(problem.widths)
    cost, right = cost_of(network), gradients(network)
    ends = np.cumsum([array.size for array in network.params])[:-1]
    shapes = [array.shape for array in network.params]

    def of_vector(theta: Array) -> Any:
        return cost([part.reshape(shape) for part, shape in zip(np.split(theta, ends), shapes, strict=True)])

    counted = Counted(of_vector)
    theta = _joined(network.params)
    return Bench(
        lambda: Verdict(check(counted, theta, _joined(right))),
        lambda: Verdict(check(counted, theta, _joined(doubled(right)))),
        lambda: of_vector(theta),
        counted,
    )


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([array.reshape(-1) for array in arrays])


def _agrees(found: Array, claimed: Array) -> bool:
    return bool(np.linalg.norm(found - claimed) <= _AGREES * np.linalg.norm(claimed))


def _textbook(problem: Problem) -> Bench:
    return _flat(problem, lambda cost, theta, grads: gradient_checking(theta, grads, cost) < _AGREES)


def _check_grad(problem: Problem) -> Bench:
    def check(cost: Counted, theta: Array, grads: Array) -> bool:
        return bool(check_grad(cost, lambda _: grads, theta) <= _AGREES * np.linalg.norm(grads))

    return _flat(problem, check)


def _approx_derivative(problem: Problem) -> Bench:
    return _flat(problem, lambda cost, theta, grads: _agrees(approx_derivative(cost, theta, method="3-point"), grads))


def _numdifftools(problem: Problem) -> Bench:
    return _flat(problem, lambda cost, theta, grads: _agrees(numdifftools.Gradient(cost)(theta), grads))


CONTENDERS = {
    "gradcheck, NumPy": lambda problem: _ours(problem, "exhaustive", batched=False),
    "gradcheck, NumPy batched": lambda problem: _ours(problem, "exhaustive", batched=True),
    "gradcheck projected, NumPy": lambda problem: _ours(problem, "projected", batched=False),
    "textbook": _textbook,
    "scipy check_grad": _check_grad,
    "scipy approx_derivative": _approx_derivative,
    "numdifftools": _numdifftools,
}

"""Gradcheck and JAX's own checker on the cost in JAX, in double precision."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from gradcheck_core import check_gradients
from measure import Bench, Counted, Verdict
from problems import ROWS, Problem, doubled, gradients, middling, perceptron

jax.config.update("jax_enable_x64", True)


def _cost(problem: Problem) -> tuple[Callable[..., Any], list[Any]]:
    network = perceptron(problem.widths)
    features, places, labels = jnp.asarray(network.features), jnp.arange(ROWS), jnp.asarray(network.labels)

    def cost(params: list[Any]) -> Any:
        hidden = features
        for layer in range(0, len(params) - 2, 2):
            hidden = jnp.tanh(hidden @ params[layer] + params[layer + 1])
        scores = hidden @ params[-2] + params[-1]
        return jnp.mean(jax.nn.logsumexp(scores, axis=-1) - scores[places, labels])

    return cost, [jnp.asarray(array) for array in network.params]


def _ours(problem: Problem, method: str) -> Bench:
    cost, params = _cost(problem)
    wrong = doubled(gradients(perceptron(problem.widths)))
    counted = Counted(cost)

    def check(grads: list[Any] | None) -> Verdict:
        report = check_gradients(counted, params, grads, method=method)
        return Verdict(report.passed, report.evaluations)

    return Bench(lambda: check(None), lambda: check(wrong), lambda: cost(params).block_until_ready(), counted)


def _theirs(problem: Problem) -> Bench:
    cost, params = _cost(problem)
    counted = Counted(cost)
    factor = np.ones(params[0].size)
    factor[middling(gradients(perceptron(problem.widths))[0].reshape(-1))] = 2

    @jax.custom_vjp
    def wrongly(array: Any) -> Any:
        return array

    wrongly.defvjp(lambda array: (array, None), lambda _, grad: (grad * factor.reshape(grad.shape),))

    def check(checked: Callable[..., Any]) -> Verdict:
        try:
            check_grads(checked, (params,), order=1, modes=["rev"])
        except AssertionError:
            return Verdict(passed=False)
        return Verdict(passed=True)

    def wrong(tensors: list[Any]) -> Any:
        return cost([wrongly(tensors[0]), *tensors[1:]])

    return Bench(lambda: check(counted), lambda: check(wrong), lambda: cost(params).block_until_ready(), counted)


CONTENDERS = {
    "gradcheck, JAX": lambda problem: _ours(problem, "exhaustive"),
    "gradcheck projected, JAX": lambda problem: _ours(problem, "projected"),
    "jax check_grads": _theirs,
}

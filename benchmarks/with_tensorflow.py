"""Gradcheck and TensorFlow's own checker on the cost in TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradcheck_core import check_gradients
from measure import Bench, Counted, Verdict
from problems import Problem, doubled, gradients, middling, perceptron

_AGREES = 1e-4
"""Largest difference that passes: TensorFlow leaves the comparison to the user, and its own tests use 1e-4 and more."""


def _cost(problem: Problem) -> tuple[Callable[..., Any], list[Any]]:
    network = perceptron(problem.widths)
    features, labels = tf.constant(network.features), tf.constant(network.labels)

    def cost(params: list[Any]) -> Any:
        hidden = features
        for layer in range(0, len(params) - 2, 2):
            hidden = tf.tanh(hidden @ params[layer] + params[layer + 1])
        scores = hidden @ params[-2] + params[-1]
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores))

    return cost, [tf.constant(array) for array in network.params]


def _ours(problem: Problem, method: str = "exhaustive") -> Bench:
    cost, params = _cost(problem)
    wrong = doubled(gradients(perceptron(problem.widths)))
    counted = Counted(cost)

    def check(grads: list[Any] | None) -> Verdict:
        report = check_gradients(counted, params, grads, method=method)
        return Verdict(report.passed, report.evaluations)

    return Bench(lambda: check(None), lambda: check(wrong), lambda: cost(params).numpy(), counted)


def _theirs(problem: Problem) -> Bench:
    cost, params = _cost(problem)
    counted = Counted(lambda *tensors: cost(list(tensors)))
    factor = np.ones(int(tf.size(params[0])))
    factor[middling(gradients(perceptron(problem.widths))[0].reshape(-1))] = 2

    @tf.custom_gradient
    def wrongly(tensor: Any) -> Any:
        return tf.identity(tensor), lambda grad: grad * factor.reshape(grad.shape)

    def check(checked: Callable[..., Any]) -> Verdict:
        theirs, numeric = tf.test.compute_gradient(checked, params)
        return Verdict(all(bool(np.max(np.abs(a - b)) <= _AGREES) for a, b in zip(theirs, numeric, strict=True)))

    def wrong(first: Any, *others: Any) -> Any:
        return cost([wrongly(first), *others])

    return Bench(lambda: check(counted), lambda: check(wrong), lambda: cost(params).numpy(), counted)


CONTENDERS = {
    "gradcheck, TensorFlow": lambda problem: _ours(problem, "exhaustive"),
    "gradcheck projected, TensorFlow": lambda problem: _ours(problem, "projected"),
    "tf compute_gradient": _theirs,
}

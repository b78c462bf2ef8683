"""HIPS autograd's own checker on the cost in its NumPy."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads

from measure import Bench, Counted, Verdict
from problems import ROWS, Array, Problem, gradients, middling, perceptron


def _check_grads(problem: Problem) -> Bench:
    network = perceptron(problem.widths)
    places = np.arange(ROWS)
    factor = np.ones(network.params[0].size)
    factor[middling(gradients(network)[0].reshape(-1))] = 2
    wrongly = primitive(lambda array: array + 0.0)
    defvjp(wrongly, lambda ans, array: lambda grad: grad * factor.reshape(array.shape))

    def cost(*params: Array) -> object:
        hidden = network.features
        for layer in range(0, len(params) - 2, 2):
            hidden = anp.tanh(anp.dot(hidden, params[layer]) + params[layer + 1])
        scores = anp.dot(hidden, params[-2]) + params[-1]
        total = anp.log(anp.sum(anp.exp(scores), axis=-1))
        return anp.mean(total - scores[places, network.labels])

    counted = Counted(cost)

    def wrong(first: Array, *others: Array) -> object:
        return cost(wrongly(first), *others)

    def check(checked: object) -> Verdict:
        np.random.seed(0)  # it draws its direction from the global generator
        try:
            check_grads(checked, modes=["rev"], order=1)(*network.params)
        except AssertionError:
            return Verdict(passed=False)
        return Verdict(passed=True)

    # A plain function: autograd asks its cost for a name.
    def right(*params: Array) -> object:
        return counted(*params)

    return Bench(lambda: check(right), lambda: check(wrong), lambda: cost(*network.params), counted)


CONTENDERS = {"autograd check_grads": _check_grads}

"""Hessian-vector products of random costs over twenty orders of magnitude: none right accused, none wrong passed."""

import functions
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

CURVED = sorted(set(functions.SMOOTH) - {"linear", "log"})  # log|x| is not analytic, which `curvature` needs


def curvature(slope, x):
    """The derivative of a slope by the complex step, exact to rounding."""
    return np.imag(slope(x + 1e-30j)) / 1e-30


def problem(seed):
    """J = c (sum of w g(theta / s) + offset), with a function, a scale and weights of its own for each parameter."""
    generator = np.random.default_rng(seed)
    size, offset = 10.0 ** generator.uniform(-10, 10), generator.choice([0.0, 1.0, 1000.0])
    parts, params = {}, {}
    for name in "abcd"[: generator.integers(1, 5)]:
        entries = generator.integers(1, 9)
        function, slope = functions.SMOOTH[generator.choice(CURVED)]
        scale = 10.0 ** generator.uniform(-10, 10)
        parts[name] = (function, slope, scale, size * generator.normal(size=entries))
        params[name] = scale * generator.normal(size=entries)

    def cost(p):
        return float(sum(np.sum(w * f(p[name] / s)) for name, (f, _, s, w) in parts.items()) + size * offset)

    def gradient(p):
        return {name: w * slope(p[name] / s) / s for name, (_, slope, s, w) in parts.items()}

    def product(p, direction):
        return {
            name: w * curvature(slope, p[name] / s) / s**2 * direction[name] for name, (_, slope, s, w) in parts.items()
        }

    return cost, params, gradient, product


@pytest.mark.parametrize("seed", range(60))
def test_a_right_product_is_correct_and_one_off_by_a_hundredth_is_a_bug(seed):
    cost, params, gradient, product = problem(seed)

    def wrong(p, direction):
        return {name: 1.01 * values for name, values in product(p, direction).items()}

    assert gc.check_gradients(cost, params, gradient, order=2, hvp=product).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, params, gradient, order=2, hvp=wrong).verdict is Verdict.BUG

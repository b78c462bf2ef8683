"""What migrations get wrong, done otherwise in JAX: each alteration is the model that was written that way."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gradcheck_jax import JaxBackend
from gradcheck_jax.causes import find_alterations

X = np.linspace(-1, 1, 2 * 8 * 8 * 3).reshape(2, 8, 8, 3)


def arrays(*values):
    with jax.enable_x64(True):
        return tuple(map(jnp.asarray, values))


def altered(cost, params, *args):
    """By kind, what the altered costs give."""
    backend = JaxBackend()
    with backend.open(cost, params, args, "native", 0) as problem:
        found = list(find_alterations(problem))
    results = []
    for alteration in found:
        with backend.open(alteration.altered(cost), params, args, "native", 0) as problem:
            results.append((alteration.kind, float(problem.evaluate())))
    return results


def among(results, kind, outputs):
    with jax.enable_x64(True):
        expected = float(jnp.sum(outputs() ** 2))
    return any(math.isclose(value, expected, rel_tol=1e-14) for found, value in results if found == kind)


def summed(function):
    return lambda params, *args: jnp.sum(function(params, *args) ** 2)


@pytest.mark.parametrize("approximate", [True, False])
def test_gelu_is_exact_or_by_its_approximation(approximate):
    (w,) = arrays(np.array([0.3, -1.2, 2.0]))
    results = altered(summed(lambda w: jax.nn.gelu(w, approximate=approximate)), w)

    assert among(results, "gelu", lambda: jax.nn.gelu(w, approximate=not approximate))


@pytest.mark.parametrize("jitted", [True, False])
def test_an_epsilon_that_is_added_is_another(jitted):
    (w,) = arrays(np.array([0.3, -1.2, 2.0]))

    def norm(w, epsilon=1e-3):
        return (w - w.mean()) * jax.lax.rsqrt(w.var() + epsilon)

    cost = summed(norm)
    assert among(altered(jax.jit(cost) if jitted else cost, w), "epsilon", lambda: norm(w, 1e-5))


def test_a_slope_of_leaky_relu_is_another():
    (w,) = arrays(np.array([0.3, -1.2, 2.0]))

    for slope in (0.01, 0.2):
        results = altered(summed(lambda w, slope=slope: jax.nn.leaky_relu(w, slope)), w)
        assert among(results, "slope", lambda: jax.nn.leaky_relu(w, 0.3))


def convolved(kernel, x, padding):
    return jax.lax.conv_general_dilated(x, kernel, (2, 2), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.mark.parametrize(("mine", "other"), [("SAME", [(1, 1), (1, 1)]), ([(1, 1), (1, 1)], "SAME")])
def test_a_strided_convolution_is_padded_at_the_end_or_alike(mine, other):
    kernel, x = arrays(np.linspace(0, 1, 54).reshape(3, 3, 3, 2), X)
    results = altered(summed(lambda kernel, x: convolved(kernel, x, mine)), kernel, x)

    assert among(results, "padding", lambda: convolved(kernel, x, other))


def test_pooling_and_padding_of_its_own_are_padded_otherwise():
    kernel, x = arrays(np.linspace(0, 1, 54).reshape(3, 3, 3, 2), X)

    def pooled(w, x, padding):
        return nn.max_pool(w * x, (3, 3), (2, 2), padding=padding)

    def padded(kernel, x, low):
        return convolved(kernel, jnp.pad(x, [(0, 0), (low, 1), (low, 1), (0, 0)]), "VALID")

    (w,) = arrays(np.array([1.0, 2.0, -1.0]))
    results = altered(summed(lambda w, x: pooled(w, x, "SAME")), w, x)
    assert among(results, "padding", lambda: pooled(w, x, ((1, 1), (1, 1))))
    for mine, other in ((0, 1), (1, 0)):
        results = altered(summed(lambda kernel, x, mine=mine: padded(kernel, x, mine)), kernel, x)
        assert among(results, "padding", lambda other=other: padded(kernel, x, other))


def test_images_are_read_as_if_they_were_reshaped():
    kernel, x = arrays(np.linspace(0, 1, 54).reshape(3, 3, 3, 2), X)
    reshaped = np.moveaxis(X.reshape(2, 3, 8, 8), 1, -1)
    results = altered(summed(lambda kernel, x: convolved(kernel, x, "SAME")), kernel, x)

    assert among(results, "layout", lambda: convolved(kernel, jnp.asarray(reshaped), "SAME"))


def test_dropout_is_left_out():
    (w,) = arrays(np.linspace(-1, 1, 12))
    layer = nn.Dropout(0.4, deterministic=False)
    results = altered(summed(lambda w: layer.apply({}, jnp.sin(w), rngs={"dropout": jax.random.key(1)})), w)

    assert among(results, "dropout", lambda: jnp.sin(w))


def test_casts_down_are_left_out():
    (w,) = arrays(np.array([0.3, -1.2, 2.0]))
    results = altered(summed(lambda w: jnp.tanh(w.astype(jnp.bfloat16)).astype(w.dtype)), w)

    assert among(results, "dtype", lambda: jnp.tanh(w))


def test_a_cost_that_branches_on_values_has_no_alterations():
    (w,) = arrays(np.array([0.3, -1.2, 2.0]))

    assert altered(lambda w: jnp.sum(jax.nn.gelu(w)) if w[0] > 0 else jnp.sum(w), w) == []


def test_gradients_go_through_an_altered_cost():
    (w,) = arrays(np.array([0.3, -1.2, 2.0]))
    backend, cost = JaxBackend(), summed(jax.nn.gelu)
    with backend.open(cost, w, (), "native", 0) as problem:
        exact = next(one for one in find_alterations(problem) if one.kind == "gelu")
    with backend.open(exact.altered(cost), w, (), "native", 0) as problem:
        gradient = problem.gradient(lambda shapes: [np.ones(shape) for shape in shapes]).d_theta
    with jax.enable_x64(True):
        expected = jax.grad(summed(lambda w: jax.nn.gelu(w, approximate=False)))(w)

    np.testing.assert_allclose(gradient, expected, rtol=1e-13)

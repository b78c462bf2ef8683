"""Right gradients that other checkers accuse, and wrong ones that they miss, in every framework."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

X = np.array([0.3, -1.1, 0.7])
ACCUSATIONS = (Verdict.BUG, Verdict.SUSPECT)


def check(kit, cost, params, grads, dtype="float64", **options):
    """Parameters and gradient as NumPy arrays by name, or one of each."""
    made = {k: kit.array(v, dtype) for k, v in params.items()} if isinstance(params, dict) else kit.array(params, dtype)
    return gc.check_gradients(cost, made, grads, **options)


def sine(kit, factor=1.0, constant=0.0):
    return lambda w: factor * kit.sum(kit.sin(w)) + constant


def in_scales(kit, scales):
    """J = sum of sin(w / scale) over named parameters."""
    return lambda p: sum(kit.sum(kit.sin(p[name] / scale)) for name, scale in scales.items())


def gradient_in_scales(scales):
    return {name: np.cos(X) / scale for name, scale in scales.items()}


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_the_size_of_the_cost_does_not_matter(kit, factor):
    right = check(kit, sine(kit, factor), X, factor * np.cos(X))
    flipped = check(kit, sine(kit, factor), X, -factor * np.cos(X))

    assert right.verdict is Verdict.CORRECT
    assert flipped.verdict is Verdict.BUG


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_size_of_theta_does_not_matter(kit, scale):
    theta = scale * np.array([1.3, -2.1, 0.4])

    assert check(kit, lambda w: kit.sum(w * w), theta, 2 * theta).verdict is Verdict.CORRECT
    assert check(kit, lambda w: kit.sum(w * w), theta, 4 * theta).verdict is Verdict.BUG


def test_a_large_constant_in_the_cost_hides_nothing(kit):
    # noise of 1e6 * 2**-53 = 1e-10 over a step of about 1e-3: seven digits are left
    right = check(kit, sine(kit, constant=1e6), X, np.cos(X))
    doubled = check(kit, sine(kit, constant=1e6), X, 2 * np.cos(X))

    assert right.passed
    assert doubled.verdict is Verdict.BUG


@pytest.mark.parametrize("wrong", [None, "small", "large"])
def test_parameters_of_far_apart_sizes(kit, wrong):
    scales = {"small": 1e-8, "large": 1e6}
    params = {name: scale * X for name, scale in scales.items()}
    grads = {name: (2 if name == wrong else 1) * grad for name, grad in gradient_in_scales(scales).items()}

    report = check(kit, in_scales(kit, scales), params, grads)

    assert report.verdict is (Verdict.BUG if wrong else Verdict.CORRECT)
    assert wrong in (None, report.worst.name)


def far_apart(kit):
    """J = sum of sin(w / scale) with scales of 1e-8 and 1e6 in one tensor."""
    scale = np.array([1e-8, 1e-8, 1e6, 1e6])
    x = np.array([1.0, -2.0, 1.0, 3.0])
    rate = kit.constant(1 / scale)
    return lambda w: kit.sum(kit.sin(w * rate)), scale * x, np.cos(x) / scale


def test_entries_of_far_apart_sizes_are_not_accused(kit):
    cost, theta, grads = far_apart(kit)

    assert check(kit, cost, theta, grads).verdict not in ACCUSATIONS


def test_entries_of_far_apart_sizes_doubled_are_a_bug(kit):
    cost, theta, grads = far_apart(kit)

    assert check(kit, cost, theta, 2 * grads).verdict is Verdict.BUG


def test_a_parameter_without_effect_has_a_gradient_of_zero(kit):
    def cost(p):
        return kit.sum(kit.sin(p["used"])) + 0.0 * kit.sum(p["unused"])

    params = {"used": X, "unused": X}
    right = check(kit, cost, params, {"used": np.cos(X), "unused": 0 * X})
    wrong = check(kit, cost, params, {"used": np.cos(X), "unused": np.array([0.0, 1e-6, 0.0])})

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == "unused"


def least_squares(kit, residual, seed=0):
    generator = np.random.default_rng(seed)
    design = generator.normal(size=(20, 3))
    weights = generator.normal(size=3)
    target = design @ weights + residual * generator.normal(size=20)
    fitted = np.linalg.lstsq(design, target, rcond=None)[0] if residual else weights
    a, y = kit.constant(design), kit.constant(target[:, None])
    gradient = 2 * design.T @ (design @ fitted - target)
    return lambda w: kit.sum((kit.matmul(a, w) - y) ** 2), fitted[:, None], gradient[:, None]


@pytest.mark.parametrize("seed", range(5))
def test_a_fitted_optimum_passes(kit, seed):
    cost, theta, gradient = least_squares(kit, residual=1.0, seed=seed)

    assert check(kit, cost, theta, gradient).passed
    assert check(kit, cost, theta, 0 * gradient).passed
    assert check(kit, cost, theta, gradient + 1e-2).verdict is Verdict.BUG


@pytest.mark.parametrize("seed", range(10))
def test_a_perfect_fit_is_not_accused(kit, seed):
    # J is 0 to rounding, so nothing at theta shows how it rounds a step away
    cost, theta, gradient = least_squares(kit, residual=0.0, seed=seed)

    assert check(kit, cost, theta, gradient).verdict not in ACCUSATIONS


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_parameters_of_a_single_element(kit, shape):
    theta = np.full(shape, 0.3)

    assert check(kit, sine(kit), theta, np.cos(theta)).verdict is Verdict.CORRECT
    assert check(kit, sine(kit), theta, 2 * np.cos(theta)).verdict is Verdict.BUG


SPAN = {f"p{power + 6}": 10.0**power for power in range(-6, 7, 2)}


def test_gradients_that_span_12_orders_of_magnitude(kit):
    params = {name: scale * X for name, scale in SPAN.items()}

    assert check(kit, in_scales(kit, SPAN), params, gradient_in_scales(SPAN)).verdict is Verdict.CORRECT


def test_the_tiniest_of_12_orders_of_magnitude_is_missed_when_it_is_zero(kit):
    params = {name: scale * X for name, scale in SPAN.items()}
    grads = gradient_in_scales(SPAN)

    report = check(kit, in_scales(kit, SPAN), params, {**grads, "p12": 0 * X})

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "p12"
    assert any("`p12`: its claimed gradient is exactly zero" in note for note in report.notes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_claim_that_is_not_finite_is_a_bug_at_its_place(kit, value):
    grads = np.cos(X)
    grads[1] = value

    report = check(kit, sine(kit), X, grads)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (1,)


@pytest.mark.parametrize("entry", [0, 1, 137, 199])
@pytest.mark.parametrize("mistake", [-1.0, 0.0, 2.0, 1.1])
def test_one_wrong_entry_of_200_is_named(kit, entry, mistake):
    theta = np.random.default_rng(entry).normal(size=200)
    grads = np.cos(theta)
    grads[entry] *= mistake

    report = check(kit, sine(kit), theta, grads)

    assert report.verdict is Verdict.BUG
    assert report.worst.wrong == ((entry, entry + 1),)
    assert report.worst.worst_index == (entry,)


def network(kit, dtype, seed, sizes=(6, 8, 4), batch=16):
    """A tanh network with a mean-squared error, and its gradient by hand in float64."""
    generator = np.random.default_rng(seed)
    given, hidden, wanted = sizes
    x, y = (generator.normal(size=(batch, size)).astype(dtype) for size in (given, wanted))
    params = {
        "w1": generator.normal(size=(given, hidden)) / given**0.5,
        "b1": generator.normal(size=hidden) / 10,
        "w2": generator.normal(size=(hidden, wanted)) / hidden**0.5,
        "b2": generator.normal(size=wanted) / 10,
    }
    params = {name: value.astype(dtype) for name, value in params.items()}
    inputs, target = kit.constant(x, dtype), kit.constant(y, dtype)

    def cost(p):
        layer = kit.tanh(kit.matmul(inputs, p["w1"]) + p["b1"])
        return kit.sum((kit.matmul(layer, p["w2"]) + p["b2"] - target) ** 2) / batch

    exact = {name: value.astype("float64") for name, value in params.items()}
    layer = np.tanh(x @ exact["w1"] + exact["b1"])
    d_out = 2 / batch * (layer @ exact["w2"] + exact["b2"] - y)
    d_layer = d_out @ exact["w2"].T * (1 - layer**2)
    grads = {"w1": x.T @ d_layer, "b1": d_layer.sum(axis=0), "w2": layer.T @ d_out, "b2": d_out.sum(axis=0)}
    return cost, params, {name: grad.astype(dtype) for name, grad in grads.items()}


def test_a_wrong_bias_beside_a_right_matrix_is_named(kit):
    cost, params, grads = network(kit, "float64", seed=0, sizes=(40, 8, 4))

    right = check(kit, cost, params, grads)
    wrong = check(kit, cost, params, {**grads, "b1": 1.5 * grads["b1"]})

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == "b1"
    assert wrong.parameters["w1"].verdict is Verdict.CORRECT


@pytest.mark.parametrize("seed", range(20))
def test_a_right_network_in_float32_is_not_accused(kit, seed):
    cost, params, grads = network(kit, "float32", seed)

    report = check(kit, cost, params, grads, dtype="float32", precision="native")

    assert report.precision == "float32"
    assert report.verdict not in ACCUSATIONS


@pytest.mark.parametrize("name", [None, "w1", "b1", "w2", "b2"])
def test_a_doubled_gradient_in_float32_is_a_bug(kit, name):
    cost, params, grads = network(kit, "float32", seed=0)
    wrong = {key: 2 * grad if name in (None, key) else grad for key, grad in grads.items()}

    report = check(kit, cost, params, wrong, dtype="float32", precision="native")

    assert report.verdict is Verdict.BUG
    assert name in (None, report.worst.name)

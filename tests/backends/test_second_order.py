"""Hessian-vector products held against differences of the gradient."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability
from gradcheck_core.testing import model


def gradient(kit):
    return lambda p: model.gradient(kit.value(p["w"]), kit.value(p["b"]))


def product(kit, change=lambda found: found):
    return lambda p, direction: change(model.hvp(p, direction, kit.value(p["w"]), kit.value(p["b"])))


def check(kit, hvp, **options):
    return gc.check_gradients(model.make_cost(kit), model.params(kit), gradient(kit), order=2, hvp=hvp, **options)


def without_the_curvature(kit):
    """The Gauss-Newton product, 2 (1 - t**2)**2: the term with the second derivative of tanh is missing."""

    def wrong(p, direction):
        hidden = np.tanh(model.X @ model.W + model.B)
        d_activation = 2 * (1 - hidden**2) ** 2 * (model.X @ direction["w"] + direction["b"])
        return {"w": model.X.T @ d_activation, "b": d_activation.sum(axis=0)}

    return wrong


def without_the_cross_terms(kit):
    """Only the diagonal blocks: the direction in `b` does not reach `w`."""

    def wrong(p, direction):
        zero = {name: np.zeros_like(values) for name, values in direction.items()}
        return {name: model.hvp(p, {**zero, name: direction[name]})[name] for name in direction}

    return wrong


@pytest.mark.parametrize("wrong", [without_the_curvature, without_the_cross_terms])
def test_a_wrong_product_is_a_bug(kit, wrong):
    report = check(kit, wrong(kit))

    assert report.verdict is Verdict.BUG
    assert "The claimed Hessian-vector product is wrong." in str(report)


def test_a_product_that_is_nan_is_a_bug_at_its_place(kit):
    def change(found):
        found["b"][1] = np.nan
        return found

    report = check(kit, product(kit, change))

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_entry == "b[1]"


def test_a_right_product_is_correct(kit):
    report = check(kit, product(kit))

    assert report.verdict is Verdict.CORRECT
    assert (report.order, report.method) == (2, "directions")
    assert any("the gradient itself was not checked" in note for note in report.notes)


def test_a_right_product_of_chosen_parameters_is_correct(kit):
    report = check(kit, product(kit), include="b")

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["b"]


def test_a_linear_cost_has_products_of_zero(kit):
    slopes = np.array([1.0, -2.0])
    rate = kit.constant(slopes)
    cost, theta = (lambda w: kit.sum(w * rate)), kit.array([0.3, 0.4])

    right = gc.check_gradients(cost, theta, lambda w: slopes, order=2, hvp=lambda w, v: 0 * v)
    wrong = gc.check_gradients(cost, theta, lambda w: slopes, order=2, hvp=lambda w, v: 1e-3 * v)

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG


def test_a_parameter_without_curvature_beside_one_of_another_scale(kit):
    # the linear one's gradient of 1e9 rounds to 1e-7, far more than the other's second derivatives
    params = {"linear": kit.array([3e-9, 1e-9]), "curved": kit.array([2e5, -1e5])}

    def cost(p):
        return kit.sum(p["linear"] * 1e9) + kit.sum(kit.sin(p["curved"] / 1e5))

    def slope(p):
        return {"linear": np.full(2, 1e9), "curved": np.cos(kit.value(p["curved"]) / 1e5) / 1e5}

    def hvp(p, v):
        return {"linear": np.zeros(2), "curved": -np.sin(kit.value(p["curved"]) / 1e5) / 1e10 * v["curved"]}

    assert gc.check_gradients(cost, params, slope, order=2, hvp=hvp).verdict is Verdict.CORRECT


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_the_size_of_theta_does_not_matter(kit, scale):
    x = scale * np.array([0.3, -1.1, 0.7])
    cost, slope = (lambda w: kit.sum(kit.sin(w / scale))), (lambda w: np.cos(kit.value(w) / scale) / scale)

    def hvp(w, v, factor=1.0):
        return -factor * np.sin(kit.value(w) / scale) / scale**2 * v

    assert gc.check_gradients(cost, kit.array(x), slope, order=2, hvp=hvp).verdict is Verdict.CORRECT
    flipped = gc.check_gradients(cost, kit.array(x), slope, order=2, hvp=lambda w, v: hvp(w, v, -1.0))
    assert flipped.verdict is Verdict.BUG


def test_float32_parameters_are_not_accused(kit):
    cost, params = model.make_cost(kit, "float32"), model.params(kit, "float32")

    right = gc.check_gradients(cost, params, gradient(kit), order=2, hvp=product(kit))
    wrong = gc.check_gradients(cost, params, gradient(kit), order=2, hvp=without_the_curvature(kit))

    assert right.passed
    assert wrong.verdict is Verdict.BUG


def test_a_cost_that_ignores_its_params_is_told(kit):
    others, cost = model.params(kit), model.make_cost(kit)

    report = gc.check_gradients(lambda p: cost(others), model.params(kit), gradient(kit), order=2, hvp=product(kit))

    assert any("no perturbation changed the cost" in note for note in report.notes)


def test_numpy_needs_a_product(kit):
    if kit.declares(Capability.AUTODIFF):
        pytest.skip(f"{kit.name} has products of its own")
    with pytest.raises(gc.InvalidInputError, match=r"`hvp` is missing: numpy has no second derivatives .* hvp\(params"):
        check(kit, None)

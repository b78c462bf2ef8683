"""Complex steps: exact where the cost is analytic, refused where the imaginary part is lost."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability, registry
from gradcheck_core.testing import model


@pytest.fixture(autouse=True)
def _only_where_it_is_declared(kit):
    if Capability.COMPLEX_STEP not in registry.load_backend(kit.name).capabilities:
        pytest.skip(f"{kit.name} does not declare it")


def check(kit, grads, cost=None, dtype="float64", **options):
    return gc.check_gradients(
        cost or model.make_cost(kit, dtype), model.params(kit, dtype), grads, scheme="complex", **options
    )


@pytest.mark.parametrize(("factor", "verdict"), [(1.01, Verdict.BUG), (-1, Verdict.BUG)])
def test_a_wrong_gradient_is_found(kit, factor, verdict):
    grads = model.gradient()
    grads["b"] *= factor

    report = check(kit, grads)

    assert report.verdict is verdict
    assert report.worst.name == "b"
    assert report.parameters["w"].verdict is Verdict.CORRECT


def test_the_report_says_how_derivatives_were_taken(kit):
    report = check(kit, model.gradient())

    assert report.scheme == "complex"
    assert "8 derivatives by complex steps" in str(report)


LOSSY = {
    "abs": lambda kit, w: kit.sum(abs(w)),
    "conj": lambda kit, w: kit.sum((w.conj() * w).real + kit.sin(w)),
    "real": lambda kit, w: kit.sum(w.real * w.real + kit.sin(w)),
    "imag": lambda kit, w: kit.sum(kit.sin(w) + (w - w.conj())),
}


@pytest.mark.parametrize("name", LOSSY)
def test_a_cost_that_loses_the_imaginary_part_is_refused(kit, name):
    cost = model.make_cost(kit)
    with pytest.raises(gc.InvalidInputError, match="`scheme='complex'`: the cost is not safe for complex steps: "):
        check(kit, model.gradient(), lambda p: cost(p) + LOSSY[name](kit, p["w"]))


def test_one_lossy_entry_of_many_is_noticed(kit):
    theta = np.linspace(0.5, 1.5, 40)
    cost = lambda w: kit.sum(kit.sin(w)) + abs(w[17])  # noqa: E731
    grads = np.cos(theta)
    grads[17] += 1

    with pytest.raises(gc.InvalidInputError, match=r"its complex step gives .*, central differences .* ±"):
        gc.check_gradients(cost, kit.array(theta), grads, scheme="complex")


def test_a_cost_that_makes_floats_is_refused(kit):
    cost = model.make_cost(kit)
    with pytest.raises(gc.InvalidInputError, match="it cannot be evaluated with complex parameters"):
        check(kit, model.gradient(), lambda p: cost(p) + float(kit.value(p["w"])[0, 0]))


def test_float32_parameters(kit):
    assert check(kit, model.gradient(), dtype="float32").passed
    wrong = check(kit, {**model.gradient(), "w": 1.1 * model.gradient()["w"]}, dtype="float32")
    assert (wrong.verdict, wrong.worst.name) == (gc.Verdict.BUG, "w")


def test_complex_parameters_are_refused(kit):
    with pytest.raises(gc.InvalidInputError, match="`scheme='complex'` needs real parameters, and `theta` is complex"):
        gc.check_gradients(lambda z: kit.sum(abs(z)), kit.array([1 + 1j], "complex128"), np.ones(1), scheme="complex")


def test_the_callers_params_stay_as_they_are(kit):
    params = model.params(kit)

    gc.check_gradients(model.make_cost(kit), params, model.gradient(), scheme="complex")

    assert np.array_equal(kit.value(params["w"]), model.W)


def test_epsilon_is_refused(kit):
    with pytest.raises(gc.InvalidInputError, match="`epsilon` is a step of central differences; leave it out"):
        check(kit, model.gradient(), epsilon=1e-5)

"""Wrong gradients get their verdict or error in every framework; right ones pass."""

import random

import model
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict


def check(kit, grads, **options):
    return gc.check_gradients(model.make_cost(kit), model.params(kit), grads, **options)


def test_a_right_gradient_by_hand_is_correct(kit):
    report = check(kit, model.gradient())

    assert report.verdict is Verdict.CORRECT
    assert report.difference < 1e-9
    assert 2 * 8 < report.evaluations <= 2.5 * 8 + 200
    assert report.backend == kit.name


def test_the_frameworks_own_gradient_is_correct(kit):
    if not kit.autodiff:
        with pytest.raises(gc.InvalidInputError, match="`grads` is missing: numpy has no automatic differentiation"):
            check(kit, None)
        return

    assert check(kit, None).verdict is Verdict.CORRECT


def sign_flipped(grads):
    return {"w": -grads["w"], "b": grads["b"]}


def doubled(grads):
    return {"w": 2 * grads["w"], "b": grads["b"]}


def zero(grads):
    return {"w": 0 * grads["w"], "b": grads["b"]}


def stale(grads):
    return {"w": model.gradient(model.W + 0.1)["w"], "b": grads["b"]}


def misordered(grads):
    return {"w": grads["w"].reshape(2, 3).T, "b": grads["b"]}


def one_entry(grads):
    wrong = grads["w"].copy()
    wrong[2, 1] *= 1.5
    return {"w": wrong, "b": grads["b"]}


@pytest.mark.parametrize("mistake", [sign_flipped, doubled, zero, stale, misordered, one_entry])
def test_a_wrong_gradient_is_a_bug_and_named(kit, mistake):
    report = check(kit, mistake(model.gradient()))

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.parameters["b"].verdict is Verdict.CORRECT
    assert not report.passed


def test_the_wrong_entry_is_located(kit):
    report = check(kit, one_entry(model.gradient()))

    assert report.worst.worst_index == (2, 1)
    assert report.worst.wrong == ((5, 6),)
    assert report.worst.analytic == pytest.approx(1.5 * model.gradient()["w"][2, 1])
    assert report.worst.numeric == pytest.approx(model.gradient()["w"][2, 1], rel=1e-8)


def test_a_transposed_gradient_is_a_bug(kit):
    w = kit.array([[0.3, 0.9], [0.5, -0.2]])
    twist = kit.constant([[1.0, 2.0], [3.0, 4.0]])
    expected = np.cos(np.array([[0.3, 0.9], [0.5, -0.2]])) * np.array([[1.0, 2.0], [3.0, 4.0]])

    right = gc.check_gradients(lambda w: kit.sum(kit.sin(w) * twist), w, expected)
    wrong = gc.check_gradients(lambda w: kit.sum(kit.sin(w) * twist), w, expected.T)

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG
    assert wrong.parameters["theta"].worst_index in ((0, 1), (1, 0))


def test_a_slightly_scaled_gradient_is_suspect(kit):
    # scaled by 1 + 4e-4: the difference is 4e-4 / (2 + 4e-4), in the band from 1e-5 to 1e-3
    report = check(kit, {name: grad * 1.0004 for name, grad in model.gradient().items()})

    assert report.verdict is Verdict.SUSPECT
    assert report.difference == pytest.approx(2e-4, rel=1e-3)


def test_a_nan_in_the_gradient_is_a_bug_at_its_index(kit):
    grads = model.gradient()
    grads["w"][1, 0] = np.nan

    report = check(kit, grads)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (1, 0)
    assert report.worst.wrong == ((2, 3),)
    assert "`w[1, 0]`: the claimed gradient is nan" in report.notes
    assert '"analytic": "nan"' in report.to_json()


def test_a_none_gradient_counts_as_zero(kit):
    report = check(kit, {"w": None, "b": model.gradient()["b"]})

    assert report.parameters["w"].verdict is Verdict.BUG
    assert "`w`: the claimed gradient is None and counts as zero" in report.notes


def test_two_zero_gradients_agree(kit):
    def cost(p):
        return kit.sum(kit.sin(p["w"])) + 0 * kit.sum(p["b"])

    report = gc.check_gradients(cost, model.params(kit), {"w": np.cos(model.W), "b": np.zeros(2)})

    assert report.parameters["b"].difference == 0
    assert report.parameters["b"].verdict is Verdict.CORRECT
    assert report.verdict is Verdict.CORRECT


def test_a_noisy_cost_is_refused_with_its_amount(kit):
    own = random.Random(1)
    cost = model.make_cost(kit)

    with pytest.raises(gc.NonDeterministicCostError, match=r"at the same params \(a difference of .*generator"):
        gc.check_gradients(lambda p: cost(p) + 1e-3 * own.random(), model.params(kit), model.gradient())


def test_a_cost_that_overwrites_its_params_is_refused(kit):
    if kit.overwrite is None:
        pytest.skip("arrays of this framework are immutable")
    params, cost = model.params(kit), model.make_cost(kit)

    def mutating(p):
        value = cost(p)
        kit.overwrite(p["b"], 7.0)
        return value

    with pytest.raises(gc.InvalidInputError, match=r"`cost` changes its parameters: `b`\[0\] was 0.1 before"):
        gc.check_gradients(mutating, params, model.gradient())
    assert np.array_equal(kit.value(params["b"]), model.B)


def test_a_cost_that_rebinds_its_params_is_refused(kit):
    params, cost = model.params(kit), model.make_cost(kit)

    def rebinding(p):
        value = cost(p)
        p["b"] = p["b"] * 2
        return value

    with pytest.raises(gc.InvalidInputError, match="`cost` rebinds `b` in the params"):
        gc.check_gradients(rebinding, params, model.gradient())
    assert np.array_equal(kit.value(params["b"]), model.B)


def test_a_cost_that_ignores_its_params_is_a_bug_with_a_note(kit):
    params = model.params(kit)
    cost = model.make_cost(kit)
    others = model.params(kit)

    report = gc.check_gradients(lambda p: cost(others), params, model.gradient())

    assert report.verdict is Verdict.BUG
    assert any("no perturbation changed the cost" in note for note in report.notes)


def test_the_textbook_policy_ignores_the_resolution(kit):
    # The step is so small that rounding dominates: the textbook calls a right gradient a bug, the default does not.
    tiny = {"epsilon": 1e-13}

    assert check(kit, model.gradient(), policy=gc.VerdictPolicy.textbook(), **tiny).verdict is Verdict.BUG
    assert check(kit, model.gradient(), **tiny).verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)


def test_a_cost_with_a_forced_step_uses_it(kit):
    seen = []
    cost = model.make_cost(kit)

    def watching(p):
        seen.append(kit.value(p["b"])[0])
        return cost(p)

    gc.check_gradients(watching, model.params(kit), model.gradient(), epsilon=1e-3, include="b")

    assert max(seen) == pytest.approx(0.101, abs=1e-12)
    assert min(seen) == pytest.approx(0.099, abs=1e-12)


def test_assert_gradients_raises_the_report(kit):
    gc.assert_gradients(model.make_cost(kit), model.params(kit), model.gradient())

    with pytest.raises(gc.GradientCheckError, match="BUG  The claimed gradient is wrong") as caught:
        gc.assert_gradients(model.make_cost(kit), model.params(kit), doubled(model.gradient()))
    assert isinstance(caught.value, AssertionError)
    assert "worst entry: w[" in str(caught.value)

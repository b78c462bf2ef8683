"""What a verdict rests on besides the model: claims that are NaN or None, policies, steps; in every framework."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.testing import model


def check(kit, grads, **options):
    return gc.check_gradients(model.make_cost(kit), model.params(kit), grads, **options)


def doubled(grads):
    return {"w": 2 * grads["w"], "b": grads["b"]}


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

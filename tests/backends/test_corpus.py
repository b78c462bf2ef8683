"""Every case of the mutation corpus in every framework: no wrong gradient passes, and no right one is accused."""

import numpy as np
import pytest
from corpus import catalogue, running

from gradcheck_core import Verdict

ACCUSATIONS = (Verdict.BUG, Verdict.SUSPECT)
WRONG = [case for case in catalogue.CASES if not case.right]
RIGHT = [case for case in catalogue.CASES if case.right]
SEEN_IN_FLOAT32 = 1e-3


def models(*, smooth=None):
    chosen = [model for model in catalogue.MODELS if smooth is None or model.smooth is smooth]
    return pytest.mark.parametrize("model", chosen, ids=lambda model: model.name)


def cases(chosen):
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)


@models(smooth=True)
def test_the_gradient_by_hand_is_the_frameworks_own(kit, model):
    if not kit.autodiff:
        pytest.skip("no automatic differentiation to hold it against")
    own, by_hand = running.autodiff(kit, model), model.setting().grads
    largest = max(np.max(np.abs(grad)) for grad in by_hand.values())

    for name, grad in by_hand.items():
        np.testing.assert_allclose(own[name], grad, rtol=1e-10, atol=1e-13 * largest, err_msg=name)


@models(smooth=True)
def test_the_frameworks_own_gradient_passes(kit, model):
    if not kit.autodiff:
        pytest.skip("no automatic differentiation")

    assert running.check_autodiff(kit, model).passed


@models()
def test_a_right_gradient_passes(kit, model):
    assert running.check(kit, model, None, "float64").passed


@cases(RIGHT)
def test_another_right_claim_passes(kit, case):
    assert running.check(kit, case.model, case.claim, "float64").passed


@cases(WRONG)
def test_a_wrong_gradient_is_found(kit, case):
    report = running.check(kit, case.model, case.claim, "float64")

    assert report.verdict in ACCUSATIONS
    assert {name for name, p in report.parameters.items() if p.verdict in ACCUSATIONS} == set(case.claim.parameters)


@pytest.mark.parametrize("precision", ["float32", "float32-native"])
@models()
def test_a_right_gradient_in_float32_is_not_accused(kit, model, precision):
    assert running.check(kit, model, None, precision).verdict not in ACCUSATIONS


@pytest.mark.parametrize("precision", ["float32", "float32-native"])
@cases([case for case in WRONG if not case.claim.small])
def test_a_wrong_gradient_in_float32_is_found(kit, case, precision):
    # only the wrong parameters: that the right ones beside them are not accused is seen in float64
    report = running.check(kit, case.model, case.claim, precision, include=case.claim.parameters)

    assert report.verdict in ACCUSATIONS

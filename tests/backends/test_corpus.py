"""Every case of the mutation corpus in every framework: no wrong gradient passes, and no right one is accused."""

import numpy as np
import pytest

from corpus import running
from corpus.catalogue import CASES, MODELS
from corpus.records import Autodiff
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability

ACCUSATIONS = (Verdict.BUG, Verdict.SUSPECT)
RIGHT = [case for case in CASES if case.right]
WRONG = [case for case in CASES if not case.right]


def models(*autodiff):
    chosen = [model for model in MODELS if model.autodiff in autodiff]
    return pytest.mark.parametrize("model", chosen, ids=[model.name for model in chosen])


def cases(chosen):
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


def in_float32(chosen):
    made = [case for case in chosen if not case.claim.float64_only]
    precision = pytest.mark.parametrize("precision", ["float32", "float32-native"])
    return lambda test: precision(cases(made)(test))


def require_autodiff(kit):
    if not kit.declares(Capability.AUTODIFF):
        pytest.skip(f"{kit.name} has no automatic differentiation")


def report_in(precision, kit, case):
    if precision not in running.precisions(kit.name, case.claim):
        pytest.skip(f"{kit.name} evaluates float32 parameters in float32 alone: the native check is the same")
    return running.check(kit, case, precision)


@models(Autodiff.AGREES)
def test_the_gradient_by_hand_is_the_frameworks_own(kit, model):
    require_autodiff(kit)
    own, by_hand = running.autodiff(kit, model), model.setting().grads
    largest = max(np.max(np.abs(grad), initial=0.0) for grad in by_hand.values())

    for name, grad in by_hand.items():
        np.testing.assert_allclose(own[name], grad, rtol=1e-10, atol=1e-13 * largest, err_msg=name)


@models(Autodiff.AGREES, Autodiff.CONVENTION)
def test_the_frameworks_own_gradient_passes(kit, model):
    require_autodiff(kit)

    assert running.check_autodiff(kit, model).passed


@models(Autodiff.WRONG)
def test_the_frameworks_own_gradient_is_found_wrong(kit, model):
    require_autodiff(kit)

    assert running.check_autodiff(kit, model).verdict in ACCUSATIONS


@cases(RIGHT)
def test_a_right_gradient_passes(kit, case):
    assert running.check(kit, case, "float64").passed


@cases(WRONG)
def test_a_wrong_gradient_is_found(kit, case):
    report = running.check(kit, case, "float64")

    accused = {name for name, parameter in report.parameters.items() if parameter.verdict in ACCUSATIONS}
    assert accused == set(case.claim.parameters)


@in_float32(RIGHT)
def test_a_right_gradient_in_float32_is_not_accused(kit, case, precision):
    assert report_in(precision, kit, case).verdict not in ACCUSATIONS


@in_float32(WRONG)
def test_a_wrong_gradient_in_float32_is_found(kit, case, precision):
    report = report_in(precision, kit, case)

    assert not report.passed
    # Natively some are as small as the rounding of the sums, which differs between frameworks and processors.
    assert precision == "float32-native" or report.verdict in ACCUSATIONS


def test_few_wrong_gradients_stay_undecided_in_native_float32(kit):
    made = [case for case in WRONG if "float32-native" in running.precisions(kit.name, case.claim)]

    undecided = [
        case.name for case in made if running.check(kit, case, "float32-native").verdict is Verdict.INCONCLUSIVE
    ]

    assert len(undecided) < 0.02 * len(made), undecided


@pytest.mark.parametrize("precision", running.PRECISIONS)
def test_it_seldom_cannot_tell(kit, precision, request):
    if precision == "float32-native":
        reason = "2.2 to 2.4 %: most are costs that float32 drowns, some lie beside kinks that its noise hides"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    made = [case for case in CASES if precision in running.precisions(kit.name, case.claim)]
    if not made:
        pytest.skip(f"{kit.name} evaluates float32 parameters in float32 alone: the native check is the same")

    undecided = [case.name for case in made if running.check(kit, case, precision).verdict is Verdict.INCONCLUSIVE]

    assert len(undecided) < 0.02 * len(made), undecided

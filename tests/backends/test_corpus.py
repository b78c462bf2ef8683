"""The mutation corpus in float64: no wrong gradient passes, and no right one is accused.

A file per precision, as each is one process's: the last tests of a file ask for the reports of those before them.
"""

import numpy as np

from corpus import running
from corpus.catalogue import CASES
from corpus.records import Autodiff
from corpus.selected import ACCUSATIONS, RIGHT, WRONG, cases, made, models, require_autodiff, require_made, undecided


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
    require_made(kit, case, "float64")
    report = running.check(kit, case, "float64")

    accused = {name for name, parameter in report.parameters.items() if parameter.verdict in ACCUSATIONS}
    assert accused == set(case.claim.parameters)


def test_it_seldom_cannot_tell(kit):
    asked = made(kit, CASES, "float64")
    unclear = undecided(kit, asked, "float64")

    assert len(unclear) < 0.02 * len(asked), unclear

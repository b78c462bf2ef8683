"""Every case of the mutation corpus evaluated in float32."""

import pytest

from corpus import running
from corpus.selected import ACCUSATIONS, IN_FLOAT32, cases, undecided

PRECISION = "float32-native"
RIGHT = [case for case in IN_FLOAT32 if case.right]
WRONG = [case for case in IN_FLOAT32 if not case.right]


@cases(RIGHT)
def test_a_right_gradient_is_not_accused(kit, case):
    assert running.check(kit, case, PRECISION).verdict not in ACCUSATIONS


@cases(WRONG)
def test_a_wrong_gradient_does_not_pass(kit, case):
    # Not all are accused: some are as small as the rounding of the sums, which differs between frameworks and
    # processors.
    assert not running.check(kit, case, PRECISION).passed


def test_few_wrong_gradients_stay_undecided(kit):
    unclear = undecided(kit, WRONG, PRECISION)

    assert len(unclear) < 0.02 * len(WRONG), unclear


@pytest.mark.xfail(
    reason="2.2 to 2.4 %: most are costs that float32 drowns, some lie beside kinks that its noise hides", strict=True
)
def test_it_seldom_cannot_tell(kit):
    unclear = undecided(kit, IN_FLOAT32, PRECISION)

    assert len(unclear) < 0.02 * len(IN_FLOAT32), unclear

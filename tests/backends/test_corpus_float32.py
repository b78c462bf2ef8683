"""The mutation corpus with parameters in float32, which are evaluated in float64."""

from corpus import running
from corpus.selected import ACCUSATIONS, IN_FLOAT32, cases, made, require_made, undecided

PRECISION = "float32"


@cases([case for case in IN_FLOAT32 if case.right])
def test_a_right_gradient_is_not_accused(kit, case):
    require_made(kit, case, PRECISION)

    assert running.check(kit, case, PRECISION).verdict not in ACCUSATIONS


@cases([case for case in IN_FLOAT32 if not case.right])
def test_a_wrong_gradient_is_found(kit, case):
    require_made(kit, case, PRECISION)

    assert running.check(kit, case, PRECISION).verdict in ACCUSATIONS


def test_it_seldom_cannot_tell(kit):
    asked = made(kit, IN_FLOAT32, PRECISION)
    unclear = undecided(kit, asked, PRECISION)

    assert len(unclear) < 0.02 * len(asked), unclear

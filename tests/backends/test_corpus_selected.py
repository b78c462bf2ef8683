"""What a framework leaves out of the mutation corpus is made there in another precision, and in full by others."""

import pytest

from corpus import running
from corpus.catalogue import CASES
from corpus.records import KINDS
from corpus.selected import IN_FLOAT32, IN_TURN, RIGHT, WRONG, made


def test_every_claim_is_made_in_some_precision(kit):
    assert {case for precision in running.PRECISIONS for case in made(kit, CASES, precision)} == set(CASES)


@pytest.mark.parametrize("precision", running.PRECISIONS)
def test_every_precision_has_all_right_claims_and_each_mistake_and_wrong_model(kit, precision):
    possible = CASES if precision == "float64" else IN_FLOAT32
    wrong = made(kit, WRONG, precision)

    assert set(made(kit, RIGHT, precision)) == set(RIGHT) & set(possible)
    assert {case.claim.kind for case in wrong} == set(KINDS)
    assert {case.model for case in wrong} == {case.model for case in possible if not case.right}
    assert {case for case in WRONG if case.claim.float64_only} <= set(made(kit, WRONG, "float64"))


@pytest.mark.parametrize("precision", running.PRECISIONS)
def test_only_frameworks_that_are_slow_leave_any_out(kit, precision):
    possible = CASES if precision == "float64" else IN_FLOAT32

    assert (len(made(kit, CASES, precision)) < len(possible)) == (kit.name in IN_TURN)

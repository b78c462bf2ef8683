"""The cases that a test asks about, in which framework and precision, and the verdicts that accuse."""

from functools import cache

import pytest

from corpus import running
from corpus.catalogue import CASES, MODELS
from corpus.records import OWN, Case, Model
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability

ACCUSATIONS = (Verdict.BUG, Verdict.SUSPECT)
RIGHT = [case for case in CASES if case.right]
WRONG = [case for case in CASES if not case.right]
IN_FLOAT32 = [case for case in CASES if not case.claim.float64_only]
IN_TURN = ("tensorflow", "jax")
"""Frameworks in which a check takes tenths of a second: there a model's wrong claims take turns in the precisions.

What measures them knows no framework, and NumPy and PyTorch make each in all precisions; the page of the corpus is
written of all in every framework.
"""


def models(*autodiff):
    chosen = [model for model in MODELS if model.autodiff in autodiff]
    return pytest.mark.parametrize("model", chosen, ids=[model.name for model in chosen])


def cases(chosen):
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


def is_made(framework: str, case: Case, precision: str) -> bool:
    """Whether the tests of a framework make a claim in a precision.

    Right ones they make in all. Of wrong ones each is made, and in every precision one of each model's at least.
    """
    if precision not in running.precisions(framework, case.claim):
        return False
    return framework not in IN_TURN or case.right or case in _in_turn(framework, case.model)[precision]


@cache
def _in_turn(framework: str, model: Model) -> dict[str, list[Case]]:
    """The wrong claims of a model by precision: turns go round the precisions, or round the claims if these are fewer.

    Each model begins with another precision than the one before it, for the kinds of mistakes to be made in all.
    """
    wrong = [case for case in WRONG if case.model is model]
    turning = [case for case in wrong if not case.claim.float64_only]
    precisions = running.precisions(framework, OWN)
    around = min(len(turning), len(precisions))
    turns = {
        precision: [case for place, case in enumerate(turning) if place % len(precisions) == turn % around]
        for turn, precision in enumerate(precisions, MODELS.index(model))
    }
    return turns | {"float64": turns["float64"] + [case for case in wrong if case.claim.float64_only]}


def require_made(kit, case, precision):
    if not is_made(kit.name, case, precision):
        pytest.skip(f"{kit.name} makes this claim in other precisions")


def require_autodiff(kit):
    if not kit.declares(Capability.AUTODIFF):
        pytest.skip(f"{kit.name} has no automatic differentiation")


def made(kit, chosen, precision):
    return [case for case in chosen if is_made(kit.name, case, precision)]


def undecided(kit, chosen, precision):
    """The names of the cases whose check cannot tell."""
    return [case.name for case in chosen if running.check(kit, case, precision).verdict is Verdict.INCONCLUSIVE]

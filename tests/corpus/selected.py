"""The cases that a test asks about, and the verdicts that accuse."""

import pytest

from corpus import running
from corpus.catalogue import CASES, MODELS
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability

ACCUSATIONS = (Verdict.BUG, Verdict.SUSPECT)
RIGHT = [case for case in CASES if case.right]
WRONG = [case for case in CASES if not case.right]
IN_FLOAT32 = [case for case in CASES if not case.claim.float64_only]


def models(*autodiff):
    chosen = [model for model in MODELS if model.autodiff in autodiff]
    return pytest.mark.parametrize("model", chosen, ids=[model.name for model in chosen])


def cases(chosen):
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


def require_autodiff(kit):
    if not kit.declares(Capability.AUTODIFF):
        pytest.skip(f"{kit.name} has no automatic differentiation")


def require_float64(kit):
    """Skip where float32 parameters are evaluated in float32 alone: the native check is the same."""
    if not kit.declares(Capability.FLOAT64):
        pytest.skip(f"{kit.name} evaluates float32 parameters in float32 alone")


def undecided(kit, chosen, precision):
    """The names of the cases whose check cannot tell."""
    return [case.name for case in chosen if running.check(kit, case, precision).verdict is Verdict.INCONCLUSIVE]

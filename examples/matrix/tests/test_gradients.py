"""The classifier's gradient, in the framework that this environment has."""

import importlib

import pytest

pytestmark = pytest.mark.gradcheck_backends


@pytest.fixture
def case(gradcheck_backend):
    return importlib.import_module(f"{gradcheck_backend}_model").case()


def test_gradient(gradcheck, case):
    """It is the derivative of this framework's own cost."""
    gradcheck(case.cost, case.params, case.grads, args=case.args)


def test_snapshot(gradient_snapshot, case):
    """Weights, cost and gradient are those that were recorded, whichever framework recorded them."""
    gradient_snapshot(case)

"""Every kind of mistake that a migration makes, in every framework, told apart from a right migration and named."""

import functools

import pytest
from broken_migrations import FRAMEWORKS, KINDS, net, recurrent

from gradcheck_core import Outcome, Verdict
from gradcheck_core.migration.parity.compare import parity
from gradcheck_core.migration.parity.side import observe

OTHERS = {"torch": ("keras", "linen"), "keras": ("torch",), "linen": ("torch",)}
PAIRS = [(broken, right) for broken, rights in OTHERS.items() for right in rights]


@functools.cache
def right(framework):
    return observe(net(framework), framework)


@functools.cache
def broken(framework, mistake):
    return observe(net(framework, **{mistake: True}), f"broken {framework}")


def compared(reference, other):
    return parity({reference.name: reference, other.name: other}, reference.name)


@pytest.mark.parametrize("reference", FRAMEWORKS)
@pytest.mark.parametrize("other", FRAMEWORKS)
def test_a_right_migration_agrees_in_values_costs_and_gradients(reference, other):
    if reference == other:
        return
    report = compared(right(reference), right(other))

    assert report.verdict is Verdict.CORRECT
    assert report.outcome is Outcome.AGREE
    assert report.diagnosis is None


@pytest.mark.parametrize("mistake", KINDS)
@pytest.mark.parametrize(("framework", "reference"), PAIRS)
def test_a_broken_migration_is_told_and_its_cause_named(framework, reference, mistake):
    report = compared(right(reference), broken(framework, mistake))

    assert not report.passed
    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis is not None, str(report)
    assert report.diagnosis.kind == mistake


@pytest.mark.parametrize("mistake", ["unknown_activation", "unknown_penalty"])
@pytest.mark.parametrize(("framework", "reference"), PAIRS)
def test_a_mistake_that_is_not_known_is_given_no_wrong_name(framework, reference, mistake):
    report = compared(right(reference), broken(framework, mistake))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis is None


@pytest.mark.parametrize(("framework", "reference"), PAIRS)
def test_gates_in_another_order_are_named(framework, reference):
    report = compared(observe(recurrent(reference), "right"), observe(recurrent(framework, mixed=True), "broken"))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis.kind == "gate_order"

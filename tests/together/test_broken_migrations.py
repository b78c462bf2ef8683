"""Every kind of mistake that a migration makes, in every framework, told apart from a right migration and named."""

import functools
from dataclasses import replace

import pytest
import torch
from broken_migrations import FRAMEWORKS, KINDS, net, recurrent

from gradcheck_core import GradientCase, Outcome, Verdict, compare_gradients
from gradcheck_core.migration.compare import compare_sides
from gradcheck_core.migration.parity.side import observe

OTHERS = {"torch": ("keras", "linen"), "keras": ("torch",), "linen": ("torch",)}
PAIRS = [(broken, right) for broken, rights in OTHERS.items() for right in rights]


@functools.cache
def right(framework):
    return observe(net(framework), framework)


@functools.cache
def checked(framework):
    """The right one with all parameters checked, which a verdict of CORRECT needs."""
    return observe(replace(net(framework), options={"progress": False}), framework)


@functools.cache
def broken(framework, mistake):
    return observe(net(framework, **{mistake: True}), f"broken {framework}")


def compared(reference, other):
    return compare_sides({reference.name: reference, other.name: other}, reference.name)


@pytest.mark.parametrize("reference", FRAMEWORKS)
@pytest.mark.parametrize("other", FRAMEWORKS)
def test_a_right_migration_agrees_in_values_costs_and_gradients(reference, other):
    if reference == other:
        return
    report = compared(checked(reference), checked(other))

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


def layer_norm(epsilon):
    inputs = torch.randn(8, 16, generator=torch.Generator().manual_seed(1))
    model = torch.nn.Sequential(torch.nn.Linear(16, 12), torch.nn.LayerNorm(12, eps=epsilon), torch.nn.Linear(12, 3))
    drawn = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, generator=drawn)
    return GradientCase(lambda m: (torch.tanh(m(inputs.to(m[0].weight.dtype))) ** 2).sum(), model)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-12])
def test_an_epsilon_within_the_band_of_agreement_is_named_with_the_nearest_number(epsilon):
    report = compare_gradients({"a": layer_norm(epsilon), "b": layer_norm(1e-5)})

    assert report.passed
    assert report.sentence == "It passes, but something differs by more than rounding."
    assert report.diagnosis.kind == "epsilon"
    assert f"1e-05 in `b`, and `a` computes as with {epsilon:g}" in report.diagnosis.sentence

"""Whole checks held to account: random costs of several parameters, right gradients and wrong ones."""

from collections import Counter
from functools import cache

import costs
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

pytestmark = pytest.mark.slow

CASES = {"smooth": 300, "edges": 150, "kinks": 150, "offset": 150, "grid": 150}
TOO_SMALL = "too small to be measured"
WRONG = 1e-3


def check(problem):
    with np.errstate(all="ignore"):
        return gc.check_gradients(problem.cost, problem.params, problem.gradient, progress=False)


@cache
def right(flavour):
    return {seed: check(costs.make(seed, flavour)) for seed in range(CASES[flavour])}


@pytest.mark.parametrize("flavour", CASES)
def test_no_right_gradient_is_accused(flavour):
    accused = {
        seed: (report.verdict.value, report.worst.worst_entry)
        for seed, report in right(flavour).items()
        if report.verdict.is_evidence
    }

    # on a grid of up to 1e-5 of the cost some staircases look like flat stretches beside a jump
    assert len(accused) <= (CASES[flavour] // 100 if flavour == "grid" else 0), accused


@pytest.mark.parametrize("flavour", CASES)
def test_a_parameter_that_is_wrong_by_a_thousandth_never_passes_unless_it_is_too_small_to_resolve(flavour):
    passed = []
    for seed in range(0, CASES[flavour], 3):
        problem, name, off = costs.with_a_mistake(costs.make(seed, flavour), seed)
        if off < WRONG or name in problem.on_kinks:
            continue
        report = check(problem)
        unresolved = any(f"`{name}`" in note and TOO_SMALL in note for note in report.notes)
        if report.parameters[name].verdict.passed and not unresolved:
            passed.append((seed, name, off, report.parameters[name].difference, report.parameters[name].resolution))

    assert passed == []


def test_most_smooth_costs_are_decided():
    counts = Counter(report.verdict for report in right("smooth").values())

    assert counts[Verdict.CORRECT] > 0.6 * CASES["smooth"]
    assert counts[Verdict.INCONCLUSIVE] < 0.05 * CASES["smooth"]


def test_right_gradients_keep_to_the_evaluations_promised():
    for report in right("smooth").values():
        n = sum(int(np.prod(parameter.shape)) for parameter in report.parameters.values())
        assert report.evaluations <= 2.5 * n + 200

"""What differs between two sides is named: values, costs by a constant or a factor, rounding."""

import numpy as np
import pytest
from two_layers import PARAMS, RIGHT, X, backward, compare, loss, scaled

from gradcheck_core import GradientCase, Outcome, ParameterMap


def test_values_that_were_not_carried_over_are_said_before_the_costs():
    fresh = {**PARAMS, "v": np.random.default_rng(9).normal(size=(4, 2))}
    report = compare(RIGHT, GradientCase(loss, fresh, backward))

    assert report.outcome is Outcome.VALUES_DIFFER
    assert report.diagnosis.kind == "values"
    assert "`v` of `new` were not carried over" in report.diagnosis.sentence
    assert "the costs agree exactly" in report.diagnosis.evidence
    assert report.culprit is None


def test_a_constant_that_one_cost_has_is_named():
    report = compare(RIGHT, GradientCase(lambda p: loss(p) + 2.0, PARAMS, backward))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert not report.forward_agrees
    assert report.diagnosis.kind == "constant"
    assert "+2" in report.diagnosis.sentence


@pytest.mark.parametrize(
    ("factor", "args", "kind", "said"),
    [
        (1 / 6, (X,), "reduction", "over 6 items, the length 6 of the arguments"),
        (1 / 18, (X,), "reduction", "over 18 items, the lengths 3 x 6 of the arguments"),
        (1 / 12, (), "reduction", "over 12 items"),
        (0.5, (), "factor", "times 2"),
        (0.3, (), "factor", "times 3.33333333"),
    ],
)
def test_a_constant_factor_of_cost_and_gradients_is_named(factor, args, kind, said):
    report = compare(RIGHT, scaled(factor, args))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis.kind == kind
    assert said in report.diagnosis.sentence


def test_a_small_difference_of_the_costs_is_a_difference_if_the_gradients_differ():
    # 1e-7 of the cost, which is in the band of agreement, but far beyond rounding
    tilted = GradientCase(
        lambda p: loss(p) * (1 + 1e-7 * np.sin(1e5 * p["b"][0])),
        PARAMS,
        lambda p: {
            name: g * (1 + 1e-7 * np.sin(1e5 * p["b"][0]))
            + (1e-2 * np.cos(1e5 * p["b"][0]) * loss(p) * np.eye(1, 4)[0] if name == "b" else 0)
            for name, g in backward(p).items()
        },
    )
    report = compare(RIGHT, tilted)

    assert report.outcome is Outcome.FORWARD_DIFFERS


def test_values_rounded_to_a_lower_precision_are_named():
    half = {name: value.astype(np.float16).astype(np.float64) for name, value in PARAMS.items()}
    same = ParameterMap.identity({name: value.shape for name, value in PARAMS.items()})
    report = compare(RIGHT, GradientCase(loss, half, backward), mapping=same)

    assert report.outcome is Outcome.VALUES_DIFFER
    assert report.diagnosis.kind == "dtype"
    assert "rounded to float16" in report.diagnosis.sentence


def test_a_float32_model_beside_a_float64_one_agrees_as_finely_as_float32_stores():
    single = {name: value.astype(np.float32) for name, value in PARAMS.items()}
    report = compare(RIGHT, GradientCase(loss, single, backward))

    assert report.passed
    assert report.outcome is Outcome.AGREE

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck_core as gc
from gradcheck_core import Verdict, VerdictPolicy
from gradcheck_core.report.verdict import (
    Comparison,
    Judgement,
    NaturalScale,
    judge_parameter,
    natural_scale,
    worst_verdict,
)

POLICY = VerdictPolicy()
SIZES = st.floats(min_value=0, allow_nan=False)  # infinity too
SMALLEST = math.nextafter(0, 1)


def below(threshold):
    return math.nextafter(threshold, 0)


def test_verdict_is_a_str_enum_in_the_interfaces_order():
    assert [verdict.value for verdict in Verdict] == ["CORRECT", "INSPECT", "SUSPECT", "BUG", "INCONCLUSIVE"]
    assert Verdict.BUG == "BUG"
    assert f"{Verdict.BUG}" == "BUG"


def test_only_correct_and_inspect_pass():
    assert [verdict for verdict in Verdict if verdict.passed] == [Verdict.CORRECT, Verdict.INSPECT]


def test_every_verdict_has_a_sentence_of_its_own():
    assert len({verdict.sentence for verdict in Verdict}) == 5


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (0.0, Verdict.CORRECT),
        (below(1e-7), Verdict.CORRECT),
        (1e-7, Verdict.INSPECT),
        (below(1e-5), Verdict.INSPECT),
        (1e-5, Verdict.SUSPECT),
        (below(1e-3), Verdict.SUSPECT),
        (1e-3, Verdict.BUG),
        (1.0, Verdict.BUG),
        (math.inf, Verdict.BUG),
        (math.nan, Verdict.BUG),
    ],
)
def test_bands_of_a_difference_above_its_resolution(difference, expected):
    assert POLICY.judge(difference, resolution=0.0) is expected


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [
        (below(1e-7), Verdict.CORRECT),
        (1e-7, Verdict.INSPECT),
        (1e-5, Verdict.INSPECT),  # the band SUSPECT, read as INSPECT
        (below(1e-3), Verdict.INSPECT),
        (1e-3, Verdict.INCONCLUSIVE),  # the band BUG, read as INCONCLUSIVE
        (1.0, Verdict.INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_within_resolution_the_band_of_the_resolution_decides(resolution, expected, share):
    assert POLICY.judge(share * resolution, resolution) is expected


def test_a_resolution_that_is_nan_is_the_worst():
    assert not POLICY.judge(1e-9, resolution=math.nan).passed


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (below(1e-7), Verdict.CORRECT),
        (1e-7, Verdict.INSPECT),
        (below(1e-5), Verdict.INSPECT),
        (1e-5, Verdict.BUG),
        (math.nan, Verdict.BUG),
    ],
)
@pytest.mark.parametrize("resolution", [0.0, 1.0])
def test_the_textbook_policy_has_three_bands_and_no_resolution(difference, resolution, expected):
    assert VerdictPolicy.textbook().judge(difference, resolution) is expected


@pytest.mark.parametrize(
    "thresholds",
    [
        {"correct": 0.0},
        {"correct": -1e-7},
        {"correct": 1e-4},
        {"inspect": 1e-2},
        {"bug": 1e-6},
        {"bug": math.inf},
        {"inspect": math.nan},
    ],
)
def test_thresholds_out_of_order_are_refused(thresholds):
    with pytest.raises(gc.InvalidInputError, match="finite numbers with 0 < correct <= inspect <= bug"):
        VerdictPolicy(**thresholds)


@given(difference=SIZES, resolution=SIZES)
def test_within_resolution_there_is_no_evidence_of_a_bug(difference, resolution):
    verdict = POLICY.judge(min(difference, resolution), resolution)

    assert verdict.severity <= Verdict.INCONCLUSIVE.severity


@given(
    differences=st.tuples(SIZES, SIZES), resolution=SIZES, policy=st.sampled_from([POLICY, VerdictPolicy.textbook()])
)
def test_a_larger_difference_never_has_a_better_verdict(differences, resolution, policy):
    smaller, larger = (policy.judge(difference, resolution) for difference in sorted(differences))

    assert smaller.severity <= larger.severity


@pytest.mark.parametrize(
    ("comparison", "difference", "resolution"),
    [
        (Comparison(discrepancy=0.5, error=0.1, claimed=2.0, numeric=3.0), 0.1, 0.02),
        (Comparison(discrepancy=0.0, error=0.0, claimed=0.0, numeric=0.0), 0.0, 0.0),  # 0/0
        (Comparison(discrepancy=1.0, error=1.0, claimed=0.5, numeric=0.5), 0.0, 1.0),  # zero within the error
        (Comparison(discrepancy=1.0, error=9.0, claimed=10.0, numeric=9.0), 1 / 19, 9 / 19),
        (Comparison(discrepancy=59.0, error=50.0, claimed=60.0, numeric=1.0), 59 / 61, 50 / 61),
        (Comparison(discrepancy=SMALLEST, error=0.0, claimed=SMALLEST, numeric=0.0), 1.0, 0.0),
        (Comparison(discrepancy=math.nan, error=0.0, claimed=1.0, numeric=1.0), 1.0, 0.0),
        (Comparison(discrepancy=math.inf, error=0.0, claimed=math.inf, numeric=1.0), 1.0, 1.0),
        (Comparison(discrepancy=1.0, error=math.inf, claimed=1.0, numeric=1.0), 0.0, 1.0),
        (Comparison(discrepancy=1e308, error=math.nan, claimed=1e308, numeric=1e308), 1.0, 1.0),
    ],
)
def test_difference_and_resolution(comparison, difference, resolution):
    assert comparison.difference == pytest.approx(difference)
    assert comparison.resolution == pytest.approx(resolution)


@given(discrepancy=SIZES, error=SIZES, claimed=SIZES, numeric=SIZES)
def test_resolution_lies_between_0_and_1(discrepancy, error, claimed, numeric):
    assert 0 <= Comparison(discrepancy, error, claimed, numeric).resolution <= 1


RESOLVED = Comparison(discrepancy=1.0, error=1e-9, claimed=1.0, numeric=2.0)
ZERO_WITHIN_ERROR = Comparison(discrepancy=0.5, error=1.0, claimed=0.5, numeric=0.0)
TOO_SMALL = Comparison(discrepancy=0.5, error=1.0, claimed=2.0, numeric=1.5)


@pytest.mark.parametrize(
    ("comparison", "scale", "expected"),
    [
        (RESOLVED, 1e12, Judgement(Verdict.BUG, on_natural_scale=False)),
        # error / scale is 1e-8, below `correct`
        (ZERO_WITHIN_ERROR, 1e8, Judgement(Verdict.CORRECT, on_natural_scale=True)),
        (ZERO_WITHIN_ERROR, 1e7, Judgement(Verdict.INSPECT, on_natural_scale=True)),  # 1e-7 is not below `correct`
        (TOO_SMALL, 1e8, Judgement(Verdict.INSPECT, on_natural_scale=True)),  # not zero: at best INSPECT
        (TOO_SMALL, 1001.0, Judgement(Verdict.INSPECT, on_natural_scale=True)),
        (TOO_SMALL, 1000.0, Judgement(Verdict.INCONCLUSIVE, on_natural_scale=True)),  # 1e-3 is not below `bug`
        (TOO_SMALL, 0.0, Judgement(Verdict.INCONCLUSIVE, on_natural_scale=True)),
        (ZERO_WITHIN_ERROR, math.inf, Judgement(Verdict.CORRECT, on_natural_scale=True)),
    ],
)
def test_a_parameter_too_small_is_judged_on_the_natural_scale(comparison, scale, expected):
    assert judge_parameter(comparison, NaturalScale(scale), POLICY) == expected


def test_a_parameter_resolved_coarsely_keeps_its_own_scale():
    # 1e-4 of resolution: the band SUSPECT, read as INSPECT, without any need of the natural scale
    comparison = Comparison(discrepancy=0.0, error=2e-4, claimed=1.0, numeric=1.0)

    assert judge_parameter(comparison, NaturalScale(1e12), POLICY) == Judgement(Verdict.INSPECT, on_natural_scale=False)


def test_the_natural_scale_is_the_whole_gradients_size():
    whole = Comparison(discrepancy=0.1, error=1e-9, claimed=3.0, numeric=4.0)

    assert natural_scale(whole, cost=100.0, theta_scale=0.5) == NaturalScale(7.0)


def test_the_natural_scale_of_a_vanishing_gradient_is_the_cost_over_thetas_scale():
    nothing = Comparison(discrepancy=0.0, error=1.0, claimed=0.0, numeric=0.5)

    assert natural_scale(nothing, cost=-100.0, theta_scale=0.5) == NaturalScale(200.0, from_cost=True)


@pytest.mark.parametrize(("claimed", "best"), [(8e-16, Verdict.CORRECT), (9e-16, Verdict.INSPECT)])
def test_a_claim_of_which_nothing_shows_is_correct_only_where_it_is_rounding(claimed, best):
    whole = Comparison(discrepancy=claimed, error=1e-10, claimed=claimed, numeric=0.0)

    assert natural_scale(whole, cost=2.0, theta_scale=2.0) == NaturalScale(1.0, best, from_cost=True)


def test_the_worst_verdict_ranks_evidence_above_the_lack_of_it():
    best_to_worst = [Verdict.CORRECT, Verdict.INSPECT, Verdict.INCONCLUSIVE, Verdict.SUSPECT, Verdict.BUG]

    assert sorted(Verdict, key=lambda verdict: verdict.severity) == best_to_worst
    for i, worst in enumerate(best_to_worst):
        assert worst_verdict([worst, *best_to_worst[:i]]) is worst


def test_the_natural_scale_of_a_cost_that_is_zero_is_what_it_is_a_step_away():
    whole = Comparison(discrepancy=0.0, error=1e-20, claimed=0.0, numeric=0.0, cost_size=1e-11)

    assert natural_scale(whole, cost=0.0, theta_scale=0.5) == NaturalScale(2e-11, from_cost=True)

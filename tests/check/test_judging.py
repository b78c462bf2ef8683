import math

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.check.judging import assess, compare
from gradcheck_core.measure.evidence import Claimed, Evidence
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.numerics.norms import norm
from gradcheck_core.protocol import Layout
from gradcheck_core.report.verdict import NaturalScale

POLICY = gc.VerdictPolicy()
SCALE = NaturalScale(1.0)


def evidence(claimed, lower, error, upper=None, dtype="float64"):
    (parameter,) = Layout.of([("w", (len(claimed),), "float64")]).parameters
    slopes = np.array(lower), np.array(lower if upper is None else upper)
    return Evidence(parameter, Claimed.of(np.array(claimed), dtype), Derivatives(*slopes, np.array(error)))


def judged(found):
    return assess(found, compare([found]), SCALE, POLICY)


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        ([], 0.0),
        ([0.0, -0.0], 0.0),
        ([3.0, -4.0], 5.0),
        ([3e200, 4e200], 5e200),
        ([3e-200, 4e-200], 5e-200),
        ([5e-324], 5e-324),
        ([1.0, np.inf], np.inf),
        ([1.0, np.nan], np.inf),
    ],
)
def test_norm_neither_overflows_nor_underflows(vector, expected):
    assert norm(np.array(vector, dtype=np.float64)) == pytest.approx(expected)


def test_several_parameters_are_compared_as_one_vector():
    whole = compare([evidence([3.0], [3.0], [0.6]), evidence([4.0], [0.0], [0.8])])

    assert (whole.discrepancy, whole.claimed, whole.numeric, whole.error) == (4.0, 5.0, 3.0, 1.0)


def test_wrong_ranges_are_half_open_and_joined():
    claimed = [1.0, 2.0, 2.0, 1.0, 1.0, 2.0]

    report, notes = judged(evidence(claimed, [1.0] * 6, [1e-9] * 6))

    assert report.verdict is gc.Verdict.BUG
    assert report.wrong == ((1, 3), (5, 6))
    assert notes == ()


def test_entries_within_their_error_bar_are_not_wrong():
    # the second differs by 1 with an error bar of 2, the third by 1e-6 with the policy's allowance of 2e-5
    found = evidence([9.0, 2.0, 1.0 + 1e-6], [1.0, 1.0, 1.0], [1e-9, 2.0, 1e-9])

    report, _ = judged(found)

    assert report.wrong == ((0, 1),)


def test_a_right_parameter_has_nothing_wrong():
    report, _ = judged(evidence([1.0, 2.0], [1.0, 2.0], [1e-9, 1e-9]))

    assert report.verdict is gc.Verdict.CORRECT
    assert report.wrong == ()


def test_the_worst_entry_is_measured_in_error_bars():
    # the first differs by 3 with an error bar of 10, the second by 1 with one of 1e-9
    found = evidence([4.0, 2.0], [1.0, 1.0], [10.0, 1e-9])

    report, _ = judged(found)

    assert report.worst_index == (1,)
    assert (report.analytic, report.numeric, report.error) == (2.0, 1.0, 1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_claim_that_is_not_finite_is_a_bug_at_its_first_index(value):
    report, notes = judged(evidence([1.0, value, value], [1.0] * 3, [1e-9] * 3))

    assert report.verdict is gc.Verdict.BUG
    assert report.difference == np.inf
    assert report.worst_index == (1,)
    assert notes == (("w[1]", f"the claimed gradient is {value}"),)


def test_a_claim_in_lower_precision_widens_the_error_bars():
    # 4 roundoffs of the largest entry: 4 * 2**-24 * 8
    assert evidence([1.0, -8.0], [1.0, 1.0], [0.0, 0.5], dtype="float32").error.tolist() == [2.0**-19, 0.5 + 2.0**-19]
    assert evidence([1.0, -8.0], [1.0, 1.0], [0.0, 0.5]).error.tolist() == [0.0, 0.5]


def test_the_natural_scale_is_noted():
    _, remarks = judged(evidence([0.0], [1e-12], [1e-11]))

    assert remarks == (("w", "gradient too small to be measured alone; judged on the scale of the whole gradient"),)


def test_the_scale_of_the_cost_is_noted_where_the_whole_gradient_vanishes():
    found = evidence([0.0], [1e-12], [1e-11])

    _, ((_, said),) = assess(found, compare([found]), NaturalScale(1.0, from_cost=True), POLICY)

    assert said.endswith("judged on the scale of |J| over the size of theta")


@pytest.mark.parametrize(("claimed", "numeric"), [(-3.0, -1.0), (-1.0, -1.0), (0.5, 0.5), (2.0, 2.0), (5.0, 2.0)])
def test_on_a_kink_the_numeric_entry_is_the_nearest_subgradient(claimed, numeric):
    found = evidence([claimed, 1.0], [-1.0, 1.0], [1e-9, 1e-9], upper=[2.0, 1.0])

    report, _ = judged(found)

    assert found.numeric.tolist() == [numeric, 1.0]
    assert report.kinks == 1
    assert report.verdict is (gc.Verdict.CORRECT if claimed == numeric else gc.Verdict.BUG)


def test_an_entry_that_could_not_be_measured_leaves_nothing_to_conclude():
    report, _ = judged(evidence([1.0, 7.0], [1.0, 0.0], [1e-9, np.inf]))

    assert report.verdict is gc.Verdict.INCONCLUSIVE
    assert report.resolution == 1.0


ZERO = {
    "squares": (lambda w: np.sum(w**2), [0.0, 0.0, 0.0]),
    "cubes": (lambda w: np.sum(w**3), [0.0, 0.0]),
    "a product with two zeros": (np.prod, [2.0, 0.0, 0.0, 1.5]),
    "the variance of equals": (np.var, [1.5, 1.5, 1.5]),
    "absolute values": (lambda w: np.sum(np.abs(w)), [0.0, 0.0]),
}


@pytest.mark.parametrize(("cost", "theta"), ZERO.values(), ids=ZERO)
def test_a_gradient_of_zero_where_the_cost_is_zero_passes(cost, theta):
    theta = np.array(theta)

    assert gc.check_gradients(lambda w: float(cost(w)), theta, np.zeros(theta.size)).passed
    assert not gc.check_gradients(lambda w: float(cost(w)), theta, np.full(theta.size, 1.5)).passed


def test_an_entry_known_well_counts_beside_an_infinite_slope():
    # of the first nothing is known, how large its difference may be
    report, _ = judged(evidence([0.0, 2.0, 1.0], [1.8e8, 1.0, 1.0], [np.inf, 1e-10, 1e-10]))
    right, _ = judged(evidence([0.0, 1.0, 1.0], [1.8e8, 1.0, 1.0], [np.inf, 1e-10, 1e-10]))

    assert report.verdict is gc.Verdict.BUG
    assert right.verdict is gc.Verdict.INCONCLUSIVE


def test_an_entry_known_well_counts_beside_one_that_hides_it():
    # the second could not be measured at all; the first is off by a thousand error bars
    report, _ = judged(evidence([3.0, 1.0], [-3.0, 0.0], [3e-3, np.inf]))

    assert report.verdict is gc.Verdict.BUG


def test_an_entry_off_by_a_few_error_bars_does_not_count_alone():
    report, _ = judged(evidence([1.0, 1.0], [1.02, 1.0], [1e-2, 0.5]))

    assert report.verdict is gc.Verdict.INCONCLUSIVE


@pytest.mark.parametrize("x", [3.0, 4.0, 5.0, 6.0, 7.0])
def test_a_saturated_cost_of_one_parameter_passes(x):
    slope = 2 / math.sqrt(math.pi) * math.exp(-x * x)

    assert gc.check_gradients(lambda t: math.erf(t[0]), np.array([x]), np.array([slope])).passed

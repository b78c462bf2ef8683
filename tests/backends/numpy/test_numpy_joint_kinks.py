"""Kinks where several entries meet: single entries tell neither a wrong gradient nor a right one."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

TIED = np.array([2.0, 2.0, 1.0])
MIDDLE = np.array([1.0, 2.0, 2.0, 2.0, 3.0])


def largest(t):
    return float(np.max(t))


def median(t):
    return float(np.median(t))


def check(cost, theta, claim, **options):
    return gc.check_gradients(cost, theta, np.array(claim, float), **options)


@pytest.mark.parametrize(
    "claim",
    [
        [1, 1, 0],  # every tied entry counted whole, each between its one-sided slopes 0 and 1
        [0, 0, 0],  # none counted
        [2, -1, 0],
        [0.5, 0.5, 0.1],
    ],
)
def test_a_claim_that_is_no_subgradient_of_a_tied_maximum_is_a_bug(claim):
    assert check(largest, TIED, claim).verdict is Verdict.BUG


@pytest.mark.parametrize("claim", [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0.25, 0.75, 0]])
def test_every_subgradient_of_a_tied_maximum_is_correct(claim):
    assert check(largest, TIED, claim).verdict is Verdict.CORRECT


@pytest.mark.parametrize("claim", [[0, 0, 2, 0, 0], [0, 1, 1, 1, 0], [1, 0, 0, 0, 0]])
def test_a_claim_that_no_point_nearby_has_is_a_bug_of_a_tied_median(claim):
    assert check(median, MIDDLE, claim).verdict is Verdict.BUG


@pytest.mark.parametrize("claim", [[0, 0, 1, 0, 0], [0, 0.25, 0.25, 0.5, 0]])
def test_a_generalised_gradient_of_a_tied_median_is_not_accused(claim):
    # moving one of three tied entries leaves the median where it is: every single derivative is 0
    report = check(median, MIDDLE, claim)

    assert report.verdict is Verdict.CORRECT
    assert any("the claimed gradient is one that the cost has nearby" in note for note in report.notes)


def test_the_zero_gradient_that_every_entry_of_a_tied_median_shows_is_a_bug():
    report = check(median, MIDDLE, np.zeros(5))

    assert report.verdict is Verdict.BUG
    assert any("moving its entries together does not change the cost as" in note for note in report.notes)


@pytest.mark.parametrize("ties", [3, 5, 11, 31])  # of an odd number of entries the median is one
@pytest.mark.parametrize("seed", range(5))
def test_a_right_gradient_among_many_ties_is_never_a_bug(ties, seed):
    generator = np.random.default_rng(seed)
    theta = np.concatenate([np.full(ties, 0.3), [-1.0, 2.0]])
    claim = np.zeros(ties + 2)
    claim[generator.integers(ties)] = 1

    assert check(median, theta, claim).verdict is not Verdict.BUG
    assert check(lambda t: largest(-np.abs(t - 0.5)), theta, claim).verdict is not Verdict.BUG


def hidden_units(seed, active):
    """ReLUs side by side on their kinks, with weights of both signs, and a smooth part."""
    weights = np.random.default_rng(seed).normal(size=12)
    theta = np.concatenate([np.zeros(12), [0.7]])
    gradient = np.concatenate([active * weights, [np.cos(0.7)]])
    return lambda t: float(weights @ np.maximum(t[:12], 0) + np.sin(t[12])), theta, gradient


@pytest.mark.parametrize("active", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(8))
def test_kinks_side_by_side_agree_with_any_slope_of_each(seed, active):
    cost, theta, gradient = hidden_units(seed, active)

    assert check(cost, theta, gradient).verdict is Verdict.CORRECT


@pytest.mark.parametrize("seed", range(8))
def test_a_slope_outside_of_a_kink_among_others_is_a_bug(seed):
    cost, theta, gradient = hidden_units(seed, 1.0)
    gradient[3] *= 1.5

    report = check(cost, theta, gradient)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (3,)


def test_a_smooth_cost_takes_one_direction_more():
    theta = np.random.default_rng(0).normal(size=50)

    report = check(lambda t: float(np.sum(np.sin(t))), theta, np.cos(theta))

    assert report.verdict is Verdict.CORRECT
    assert report.evaluations <= 2.5 * 50 + 200


def test_a_forced_step_leaves_no_other():
    # so that each entry is judged by itself: between its one-sided slopes
    assert check(largest, TIED, [1, 1, 0], epsilon=1e-3).verdict is not Verdict.BUG


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("claim", [[[0.5, 0.5], [0.5, 0.5]], [[1.5, 0.0], [1.0, 0.0]]])
def test_a_wrong_entry_beside_a_tie_or_outside_of_its_own_slopes_is_a_bug(claim, dtype):
    # the second row has no tie, so that (1, 0) is its only gradient; 1.5 is no slope that a tied entry can have
    rows = np.array([[1.5, 1.5], [0.3, -0.4]], dtype=dtype)

    report = gc.check_gradients(
        lambda t: np.sum(np.max(t, axis=1)), rows, np.array(claim, dtype=dtype), precision="native"
    )

    assert report.verdict is Verdict.BUG


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_generalised_gradient_where_no_single_entry_has_an_effect_is_no_bug(size):
    # the smallest singular value of zero: along V it is |t| sigma_min(V), and its gradients nearby are u v'
    def smallest(a):
        return float(np.linalg.svd(a, compute_uv=False)[-1])

    theta = np.zeros((size, size))

    assert check(smallest, theta, np.eye(size) / size).verdict is not Verdict.BUG
    assert check(smallest, theta, 3 * np.eye(size)).verdict is Verdict.BUG


SLOPES = np.array([1.35, -0.13, 1.25, 0.7, -0.3])
AT_ZERO = {
    "abs": lambda w: float(np.sum(np.abs(SLOPES[: w.size] * w))),
    "relu": lambda w: float(np.sum(np.maximum(SLOPES[: w.size] * w, 0.0) - np.minimum(SLOPES[: w.size] * w, 0.0))),
}


@pytest.mark.parametrize("cost", AT_ZERO.values(), ids=AT_ZERO)
@pytest.mark.parametrize("size", range(1, 6))
def test_a_claim_outside_of_a_kink_of_a_cost_that_is_zero_is_one_wrong_entry_and_all_are_on_kinks(size, cost):
    """Each entry has the slopes -|c| and |c|; a cost of zero has no rounding of its own, its slopes have."""
    claimed = np.abs(SLOPES[:size]) / 2
    claimed[-1] = 3.0

    report = gc.check_gradients(cost, np.zeros(size), claimed)
    theta = report.parameters["theta"]

    assert report.verdict is Verdict.BUG
    assert theta.kinks == size
    assert theta.worst_index == (size - 1,)
    assert theta.numeric == pytest.approx(abs(SLOPES[size - 1]))
    assert theta.wrong == ((size - 1, size),)
    assert not any("meet in one kink" in note for note in report.notes)
    claimed[-1] = 0.01
    assert gc.check_gradients(cost, np.zeros(size), claimed).verdict is Verdict.CORRECT


SMOOTH = {
    "w ** 4": lambda w: float(np.sum(w**4)),
    "steep": lambda w: 1e8 * float(np.sum(w**2)),
    "cos": lambda w: float(np.sum(np.cos(w))),
    "1 - cos": lambda w: float(np.sum(1 - np.cos(100 * w))),
}


@pytest.mark.parametrize("cost", SMOOTH.values(), ids=SMOOTH)
def test_an_even_cost_that_is_smooth_at_zero_has_no_kinks(cost):
    report = gc.check_gradients(cost, np.zeros(3), np.zeros(3))

    assert report.verdict is Verdict.CORRECT
    assert report.parameters["theta"].kinks == 0
    assert gc.check_gradients(cost, np.zeros(3), np.array([0.0, 0.5, 0.0])).verdict is Verdict.BUG

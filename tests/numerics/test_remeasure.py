import functions
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.numerics.remeasure import EVALUATIONS_EACH, remeasure

BETWEEN = [-1.0, -0.5, 0.0, 0.9, 1.0]
OUTSIDE = [-2.0, -1.01, 1.01, 3.0]
DISTANCES = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9]


def measured(cost, theta):
    at, steps = functions.measured(cost, theta)
    return remeasure(at, np.arange(len(theta)), steps)


def check(cost, theta, grads):
    with np.errstate(all="ignore"):
        return gc.check_gradients(lambda w: float(cost(w)), np.array(theta), np.array(grads))


def hinge(w):
    return np.sum(np.maximum(0.0, 1 - w))


def relu(w):
    return np.sum(np.maximum(w, 0.0))


def largest(w):
    return np.max(w)


def absolute(w):
    return np.sum(np.abs(w))


@pytest.mark.parametrize(
    ("cost", "theta", "slopes"),
    [
        (absolute, [0.0, 2.0], (-1, 1)),
        (relu, [0.0, 2.0], (0, 1)),
        (hinge, [1.0, 0.5], (-1, 0)),
        (largest, [1.5, 1.5], (0, 1)),
        (lambda w: 1e-9 * abs(w[0]) + w[1] ** 2, [0.0, 2.0], (-1e-9, 1e-9)),
        (lambda w: -3 * abs(w[0]) + np.sin(w[0] + w[1]), [0.0, 2.0], (-3 + np.cos(2), 3 + np.cos(2))),
    ],
    ids=["abs", "relu", "hinge", "max", "faint", "bent"],
)
def test_on_a_kink_both_slopes_are_given(cost, theta, slopes):
    found = measured(cost, theta)

    assert abs(found.lower[0] - slopes[0]) <= found.error[0]
    assert abs(found.upper[0] - slopes[1]) <= found.error[0]
    assert found.error[0] < 1e-3 * (slopes[1] - slopes[0])


@pytest.mark.parametrize("claim", BETWEEN)
def test_a_claim_between_the_slopes_agrees(claim):
    report = check(absolute, [0.0, 2.0], [claim, 1.0])

    assert report.verdict is Verdict.CORRECT
    assert report.worst.difference < 1e-9


@pytest.mark.parametrize("claim", OUTSIDE)
def test_a_claim_outside_the_slopes_is_wrong(claim):
    report = check(absolute, [0.0, 2.0], [claim, 1.0])

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (0,)
    assert report.worst.numeric == pytest.approx(np.sign(claim))


def test_kinks_are_counted_and_noted():
    report = check(relu, [0.0, 2.0, 0.0, -1.0], [1.0, 1.0, 0.0, 0.0])

    assert report.passed
    assert report.worst.kinks == 2
    assert any("on a kink" in note and "2 entries of `theta`" in note for note in report.notes)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("distance", DISTANCES)
def test_near_a_kink_the_slope_of_the_own_side_agrees(distance, side):
    report = check(lambda w: absolute(w - 1), [1 + side * distance, 3.0], [side, 1.0])

    assert report.passed
    assert report.worst.kinks == 0


@pytest.mark.parametrize("claim", [-1.0, 0.0, 0.9, 2.0])
@pytest.mark.parametrize("distance", DISTANCES)
def test_near_a_kink_any_other_slope_is_wrong(distance, claim):
    report = check(lambda w: absolute(w - 1), [1 + distance, 3.0], [claim, 1.0])

    assert report.verdict is Verdict.BUG
    assert report.worst.numeric == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("step", [np.floor, np.round, np.sign])
def test_away_from_its_jumps_a_step_function_has_slope_0(step):
    right = check(lambda w: np.sum(step(w)), [0.3, 1.7], [0.0, 0.0])
    wrong = check(lambda w: np.sum(step(w)), [0.3, 1.7], [1.0, 1.0])

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG


@pytest.mark.parametrize(("cost", "theta"), [(np.floor, 1.0), (np.ceil, 2.0), (np.round, 1.5), (np.round, 2.5)])
def test_on_a_jump_the_side_that_does_not_jump_has_the_slope(cost, theta):
    at = functions.parameter_cost(lambda w: float(cost(w[0]) + w[0] ** 2), [theta], noise=1e-15)

    found = remeasure(at, np.array([0]), np.array([1e-5]))

    assert found.lower == found.upper
    assert found.lower == pytest.approx(2 * theta, rel=1e-6)
    assert abs(found.lower[0] - 2 * theta) <= found.error[0] < 1e-4


@pytest.mark.parametrize("theta", [[1.0, 1.7], [1.7, 1.0], [-2.0, 0.4]])
def test_on_a_jump_a_gradient_of_zero_is_correct(theta):
    report = check(lambda w: np.sum(np.floor(w)), theta, [0.0, 0.0])

    assert report.verdict is Verdict.CORRECT


def test_on_a_jump_a_wrong_gradient_is_not_excused():
    def cost(w):
        return np.sum(np.floor(w) + w**2)

    assert check(cost, [1.0, 1.7], [2.0, 3.4]).passed
    assert check(cost, [1.0, 1.7], [4.0, 3.4]).verdict is Verdict.BUG


def test_a_jump_to_both_sides_leaves_nothing_to_measure():
    at = functions.parameter_cost(lambda w: float(w[0] == 1), [1.0], noise=1e-16)

    assert np.isinf(remeasure(at, np.array([0]), np.array([1e-5])).error[0])


def test_beside_the_edge_of_the_domain_steps_shrink():
    right = check(lambda w: np.sum(np.log(w)), [1e-9, 1.0], [1e9, 1.0])
    wrong = check(lambda w: np.sum(np.log(w)), [1e-9, 1.0], [2e9, 1.0])

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG


@pytest.mark.parametrize("claim", [2.0, 4.0])
def test_on_the_edge_of_the_domain_the_finite_side_has_the_slope(claim):
    report = check(lambda w: np.sum(np.where(w < 0, np.nan, 2 * w)), [0.0, 1.0], [claim, 2.0])

    assert report.verdict is (Verdict.CORRECT if claim == 2.0 else Verdict.BUG)
    assert report.worst.numeric == pytest.approx(2.0)


@pytest.mark.parametrize("claim", [0.0, 7.0])
def test_a_square_root_at_0_cannot_be_measured(claim):
    # its one-sided slope h**-0.5 grows without end: no claim agrees, and none is refuted
    report = check(lambda w: np.sum(np.sqrt(w)), [0.0, 1.0], [claim, 0.5])

    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_cube_at_0_has_slope_0():
    right = check(lambda w: np.sum(w**3), [0.0, 1.0], [0.0, 3.0])
    wrong = check(lambda w: np.sum(w**3), [0.0, 1.0], [1e-3, 3.0])

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.SUSPECT  # 1e-3 beside 3: a difference of 1e-3 / 6
    assert wrong.worst.worst_index == (0,)
    assert wrong.worst.kinks == 0


@pytest.mark.parametrize("claim", [0.0, 1.0, -1e-3])
def test_a_cosine_at_0_has_slope_0(claim):
    report = check(lambda w: np.sum(np.cos(w)), [0.0], [claim])

    assert report.verdict is (Verdict.CORRECT if claim == 0 else Verdict.BUG)
    assert report.worst.numeric == 0
    assert report.worst.kinks == 0


def test_entries_come_in_the_order_asked_for():
    at, steps = functions.measured(lambda w: float(np.sum(w**2)), [1.0, 2.0, 3.0])

    assert remeasure(at, np.array([2, 0]), steps).lower == pytest.approx([6.0, 2.0])


@pytest.mark.parametrize("entries", [[1], [2, 0]])
def test_an_entry_takes_16_evaluations(entries):
    calls = []
    at, steps = functions.measured(lambda w: calls.append(0) or float(np.sum(np.sin(w))), [1.0, 2.0, 3.0])
    calls.clear()

    remeasure(at, np.array(entries), steps)

    assert len(calls) == 16 * len(entries) <= EVALUATIONS_EACH * len(entries)


def test_an_entry_far_more_bent_than_the_others_is_measured_at_shorter_steps():
    # the steps are those of the first entry; the second varies over 1e-9 of them
    at = functions.parameter_cost(lambda w: float(np.sin(w[0]) + 1e-3 * np.sin(1e9 * w[1])), [1.0, 1e-9], noise=1e-16)

    found = remeasure(at, np.array([1]), np.full(2, 1e-5))

    assert abs(found.lower[0] - 1e6 * np.cos(1)) <= found.error[0] < 1e-3 * 1e6


@pytest.mark.parametrize("tiny", [1e-16, 1e-20, 1e-30])
@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda p: -p * np.log(p), lambda p: -np.log(p) - 1),
        (np.sqrt, lambda p: 0.5 / np.sqrt(p)),
        (np.log, lambda p: 1 / p),
    ],
    ids=["entropy", "root", "log"],
)
def test_an_entry_tiny_beside_its_neighbours_is_not_accused(function, slope, tiny):
    theta = np.array([tiny, 0.3, 0.7])

    report = check(lambda p: np.sum(function(p)), theta, slope(theta))

    assert report.verdict not in (Verdict.BUG, Verdict.SUSPECT)


@pytest.mark.parametrize("tiny", [1e-16, 1e-20, 1e-30])
def test_an_entry_tiny_beside_its_neighbours_is_measured_on_its_own_scale(tiny):
    theta = np.array([tiny, 0.3, 0.7])

    assert check(lambda p: np.sum(np.log(p)), theta, 1 / theta).verdict is Verdict.CORRECT
    assert check(lambda p: np.sum(np.log(p)), theta, 2 / theta).verdict is Verdict.BUG


def test_slopes_that_change_alike_at_every_step_have_no_limit():
    # the slope of x log x at 0 grows by log 8 for every step 8 times smaller
    at = functions.parameter_cost(lambda w: float(w[0] * np.log(w[0])) if w[0] > 0 else 0.0, [0.0], noise=1e-300)

    assert np.isinf(remeasure(at, np.array([0]), np.array([1e-5])).error[0])


def test_an_oscillation_within_the_step_is_no_kink():
    # J = x + 1e-3 sin(3000 x): slope 1 + 3 cos(0) at 0; over steps of 0.1 and more its gap shrinks like 1 / h
    at = functions.parameter_cost(lambda w: float(w[0] + 1e-3 * np.cos(3000 * w[0])), [0.7], noise=1e-6)

    found = remeasure(at, np.array([0]), np.array([1.0]))

    assert found.kinks == 0
    assert abs(found.lower[0] - (1 - 3 * np.sin(2100))) <= found.error[0]


def test_stairs_of_what_a_tiny_entry_is_added_to_are_no_derivative():
    # 1 - x at 1e-12 moves in steps of 1.1e-16; below these the cost is flat, and that is not its slope
    theta = np.array([1e-12, 0.5])

    right = check(
        lambda q: np.sum(np.log1p(-np.log(1 - q) * 1e9)), theta, 1e9 / (1 - theta) / (1 - 1e9 * np.log(1 - theta))
    )

    assert right.verdict not in (Verdict.BUG, Verdict.SUSPECT)


@pytest.mark.parametrize("function", [np.cos, np.sin])
def test_a_cost_that_turns_over_within_its_steps_is_not_accused(function):
    slope = {np.cos: lambda x: -np.sin(x), np.sin: np.cos}[function]
    theta = np.array([1e8])

    assert check(lambda t: function(t[0]), theta, slope(theta)).passed
    assert check(lambda t: function(t[0]), theta, 2 * slope(theta)).verdict is Verdict.BUG


@pytest.mark.parametrize("seed", range(4))
def test_stairs_of_many_sizes_are_the_costs_own(seed):
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(-9, 9, (10, 1, 5)), generator.uniform(-9, 9, (10, 5))
    weights = generator.choice([-1, 1], (10, 10, 5)) * generator.uniform(0.5, 1.5, (10, 10, 5))
    y[3, 2], y[7, 0] = 0.013, -0.04

    report = gc.check_gradients(
        lambda p: float(np.sum(weights * np.trunc(p["x"] / p["y"]))), {"x": x, "y": y}, {"x": 0 * x, "y": 0 * y}
    )

    assert report.passed


@pytest.mark.parametrize("digits", [4, 6, 9, 12])
def test_a_rounded_cost_has_a_right_gradient(digits):
    theta = np.array([0.3, -1.1, 0.7, 2.0])

    def rounded(w):
        return round(float(np.sum(np.sin(w))), digits)

    assert check(rounded, theta, np.cos(theta)).verdict not in (Verdict.BUG, Verdict.SUSPECT)
    assert check(rounded, theta, -np.cos(theta)).verdict is Verdict.BUG


def test_a_part_in_float32_beside_an_exact_rest_is_not_accused():
    theta = np.random.default_rng(0).normal(size=5)
    weights = np.linspace(0.2, 1, 5)

    def cost(t):
        return np.log(np.sum(np.exp(t))) - np.log(np.sum(weights.astype(np.float32) * np.exp(t.astype(np.float32))))

    right = np.exp(theta) / np.sum(np.exp(theta)) - weights * np.exp(theta) / np.sum(weights * np.exp(theta))

    assert check(cost, theta, right).verdict not in (Verdict.BUG, Verdict.SUSPECT)
    assert check(cost, theta, -right).verdict is Verdict.BUG


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("distance", [5e-5, 2e-4])
def test_beside_a_kink_that_noise_keeps_steps_from_avoiding_the_other_sides_slope_counts(distance, side):
    # steps below the kink resolve 5 deviations of 1e-6 over 1e-4, a twentieth of the slope; those away from it far more
    kink = 1 + side * distance
    at = functions.parameter_cost(lambda w: float(abs(w[0] - kink)), [1.0], noise=1e-6)

    found = remeasure(at, np.array([0]), np.array([1e-4]))

    assert found.lower[0] == found.upper[0] == pytest.approx(-side, abs=found.error[0])
    assert found.error[0] < 1e-3


@pytest.mark.parametrize("curvature", [0.0, 1.0, 30.0])
def test_on_a_kink_with_noise_both_slopes_are_given(curvature):
    at = functions.parameter_cost(lambda w: float(abs(w[0] - 1) + curvature * (w[0] - 1) ** 2), [1.0], noise=1e-6)

    found = remeasure(at, np.array([0]), np.array([1e-4]))

    assert (found.lower[0], found.upper[0]) == pytest.approx((-1, 1), abs=0.1)

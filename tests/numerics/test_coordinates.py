import functions
import numpy as np
import pytest

from gradcheck_core.numerics.coordinates import Derivatives, difference
from gradcheck_core.numerics.steps import CONFIDENT, scales
from gradcheck_core.numerics.sweep import sweep

THETA = np.array([0.4, 1.0, 1.7])


def derivatives(lower, upper, error):
    return Derivatives(np.array(lower), np.array(upper), np.array(error))


def counted(function, theta, **options):
    calls = []

    def cost(values):
        calls.append(values.copy())
        return float(function(values))

    at = functions.parameter_cost(cost, theta, **options)
    calls.clear()
    return at, calls


def test_a_difference_has_slope_and_bend():
    # J = x**2 + 3 x: slope 2 x + 3 without truncation, second difference over the step 2 h
    at = functions.parameter_cost(lambda x: float(np.sum(x**2 + 3 * x)), THETA)

    found = difference(at, np.array([2, 0]), np.array([0.25, 9.0, 0.5]))

    assert found.step.tolist() == pytest.approx([0.5, 0.25])
    assert found.slope == pytest.approx(2 * THETA[[2, 0]] + 3)
    assert found.bend == pytest.approx([1.0, 0.5])


def test_the_step_taken_is_the_one_that_was_representable():
    # in float32 1 + 1e-7 is 1 + 2**-23 and 1 - 1e-7 is 1 - 2**-23: dividing by the step asked for would be 19% off
    at = functions.parameter_cost(lambda x: 3.0 * x[0], [1.0], rounded=functions.through_float32)

    found = difference(at, np.array([0]), np.array([1e-7]))

    assert found.step[0] == 2.0**-23
    assert found.slope[0] == pytest.approx(3.0, rel=1e-8)


def test_an_entry_that_does_not_move_cannot_be_measured():
    # 1e9 + 1e-3 is 1e9 in float32, 1e-3 + 1e-3 is not
    at = functions.parameter_cost(lambda x: float(np.sum(x)), [1e9, 1e-3], rounded=functions.through_float32)

    found = sweep(at, np.full(2, 1e-3), probes=2).derivatives()

    assert found.lower[0] == 0
    assert np.isinf(found.error[0])
    assert np.isfinite(found.error[1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_entry_next_to_which_the_cost_is_not_finite_cannot_be_measured(value):
    at = functions.parameter_cost(lambda x: value if x[0] < 1 else float(np.sum(x)), [1.0, 2.0])

    found = sweep(at, np.full(2, 1e-3), probes=2).derivatives()

    assert np.isinf(found.error[0])
    assert found.lower.tolist() == found.upper.tolist() == pytest.approx([0.0, 1.0])
    assert found.error[1] < 1e-9


@pytest.mark.parametrize("probes", [0, 1, 2, 3, 7, 50])
def test_a_sweep_takes_two_evaluations_an_entry_and_two_a_probe(probes):
    at, calls = counted(lambda x: np.sum(np.sin(x)), np.linspace(0.1, 1.9, 20))

    sweep(at, np.full(20, 1e-4), probes)

    assert 2 * 20 <= len(calls) <= 2 * 20 + 2 * min(probes, 20)


def test_a_bar_is_the_noise_over_the_step_and_twice_the_truncation():
    # J = x**3: D(h) = 3 x**2 + h**2, and D(2 h) - D(h) = 3 h**2 is three times the truncation h**2
    at = functions.parameter_cost(lambda x: float(np.sum(x**3)), THETA, noise=1e-9)

    found = sweep(at, np.full(3, 1e-2), probes=3).derivatives()

    assert found.lower == pytest.approx(3 * THETA**2 + 1e-4)
    assert found.error == pytest.approx(np.full(3, CONFIDENT * 1e-9 / 1e-2 + 2 * 1e-4))


def test_with_a_factor_of_a_half_nothing_moves_beyond_its_step():
    at, calls = counted(lambda x: np.sum(x**3), THETA)

    found = sweep(at, np.full(3, 1e-2), probes=3, factor=0.5).derivatives()

    assert np.max(np.abs(np.array(calls) - THETA)) == pytest.approx(1e-2)
    assert found.error == pytest.approx(np.full(3, 2e-4))  # |D(h / 2) - D(h)| = 3/4 h**2, over 3/4


def test_an_entry_not_probed_takes_the_truncation_of_the_worst_probes():
    # a hundred entries alike, a probe at a few: every bar covers the truncation of h**2
    theta = np.linspace(0.5, 1.5, 100)
    at = functions.parameter_cost(lambda x: float(np.sum(x**3)), theta)

    found = sweep(at, np.full(100, 1e-2), probes=8).derivatives()

    assert np.all(np.abs(found.lower - 3 * theta**2) <= found.error)
    assert np.median(found.error) < 20 * 1e-4


def test_without_probes_each_derivative_is_taken_to_be_the_one_before_over_the_scale():
    # a slope of 1 and no curvature: truncation of (h / scale)**2, twice, beside the noise
    at = functions.parameter_cost(lambda x: float(np.sum(x)), THETA, noise=1e-9)
    relative = 1e-3 / scales(THETA)

    found = sweep(at, np.full(3, 1e-3), probes=0).derivatives()

    assert found.error == pytest.approx(CONFIDENT * 1e-9 / 1e-3 + 2 * relative**2)


def test_kinks_are_where_the_slopes_differ():
    assert derivatives([-1.0, 2.0, 0.0], [1.0, 2.0, 0.5], [0.0, 9.0, 0.0]).kinks == 2


@pytest.mark.parametrize(
    ("claimed", "nearest"), [(-3.0, -1.0), (-1.0, -1.0), (0.3, 0.3), (2.0, 2.0), (7.0, 2.0), (np.inf, 2.0)]
)
def test_the_nearest_subgradient_to_a_claim(claimed, nearest):
    assert derivatives([-1.0], [2.0], [0.1]).nearest(np.array([claimed])).tolist() == [nearest]


def test_the_nearest_to_a_claim_of_nan_is_finite():
    assert derivatives([5.0], [6.0], [0.1]).nearest(np.array([np.nan])).tolist() == [5.0]


def test_a_floor_raises_bars_and_never_lowers_them():
    found = derivatives([1.0, 2.0], [1.0, 3.0], [0.1, 5.0]).no_better_than(np.array([1.0, 1.0]))

    assert found.error.tolist() == [1.0, 5.0]
    assert (found.lower.tolist(), found.upper.tolist()) == ([1.0, 2.0], [1.0, 3.0])


def test_replaced_entries_leave_the_rest_and_the_original_as_they_were():
    before = derivatives([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.1, 0.2, 0.3])

    after = before.replaced(np.array([2, 0]), derivatives([30.0, 10.0], [31.0, 11.0], [3.0, 1.0]))

    assert after.lower.tolist() == [10.0, 2.0, 30.0]
    assert after.upper.tolist() == [11.0, 2.0, 31.0]
    assert after.error.tolist() == [1.0, 0.2, 3.0]
    assert before.lower.tolist() == [1.0, 2.0, 3.0]

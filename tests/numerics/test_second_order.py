"""A gradient differentiated along a line, entry by entry."""

import functions
import numpy as np
import pytest

from gradcheck_core.numerics.second_order import derivative_of_gradient


def differentiate(line):
    return derivative_of_gradient(line, line(0.0), functions.ROUNDOFF)


@pytest.mark.parametrize("name", functions.SMOOTH)
def test_the_bar_covers_the_error_for_known_derivatives(name):
    # entries of the "gradient" are scaled functions of t along x + t, their derivatives are known
    function, slope = functions.SMOOTH[name]
    x = np.random.default_rng(0).normal(size=60) + 0.05
    size = 10.0 ** np.random.default_rng(1).uniform(-10, 10, size=60)

    found = differentiate(lambda t: size * function(x + t))

    true = size * slope(x)
    rounding = 8 * functions.ROUNDOFF * np.abs(true)
    assert np.all(np.abs(found.lower - true) <= found.error + rounding)
    assert np.median(found.error / np.maximum(np.abs(true), size * 1e-6)) < 1e-6


def test_an_entry_that_does_not_move_has_derivative_zero():
    found = differentiate(lambda t: np.array([3.0, np.sin(1 + t)]))

    assert found.lower[0] == found.upper[0] == 0
    assert found.error[0] < 1e-12


def test_entries_that_are_zero_at_theta_and_round_elsewhere_are_resolved():
    # exact at 0, so that no noise shows there; what they round a step away is no kink and no oscillation
    slopes = np.random.default_rng(0).normal(size=200)

    found = differentiate(lambda t: 2 * (slopes * t / 3) * 1.1)

    assert np.all(found.lower == found.upper)
    assert np.all(np.abs(found.lower - 2 * slopes / 3 * 1.1) <= found.error)
    assert np.all(found.error <= 1e-13 * np.abs(slopes))


def test_a_noisy_entry_has_a_wide_bar_and_does_not_widen_the_others():
    found = differentiate(lambda t: np.array([np.sin(1 + t), np.exp(t), 1.0, float(np.float32(np.sin(1 + t)))]))

    assert abs(found.lower[3] - np.cos(1)) <= found.error[3]
    assert found.error[3] > 1e4 * found.error[0]
    assert found.error[0] < 1e-9


def test_a_kink_gives_both_slopes():
    found = differentiate(lambda t: np.array([abs(t)]))

    assert (found.lower[0], found.upper[0]) == (pytest.approx(-1), pytest.approx(1))


def test_a_jump_at_theta_on_one_side_gives_the_other_sides_slope():
    # the gradient of relu(t)**2 / 2 + relu(t) jumps at 0 and has slope 0 before and 1 behind
    found = differentiate(lambda t: np.array([t + 1 if t > 0 else 0.0]))

    assert found.lower[0] == found.upper[0] == 0


def test_it_takes_26_gradients():
    calls = []

    def line(t):
        calls.append(t)
        return np.sin(np.arange(5) + t)

    differentiate(line)

    assert len(calls) == 26  # one at theta, 9 for the noise, 16 for the differences

import math

import functions
import numpy as np
import pytest

from gradcheck_core.numerics.steps import CONFIDENT, choose_step, first_step, never_less_than_at_smaller_steps, scales

ROUNDOFF = 2.0**-53
FIRST = 2 ** (-53 / 3)


def chosen(line, noise=ROUNDOFF, first=FIRST, roundoff=ROUNDOFF, most=28):
    return choose_step(line, noise, first, roundoff, most, farthest=math.inf)


def test_a_scale_is_the_entry_or_the_root_mean_square():
    # rms of (0, 3, -4) is 5 / sqrt(3), between 0 and 3
    rms = 5 / math.sqrt(3)

    assert scales(np.array([0.0, 3.0, -4.0])) == pytest.approx([rms, 3.0, 4.0])


@pytest.mark.parametrize("theta", [np.zeros(3), np.zeros(1), np.array([])])
def test_a_parameter_that_is_all_zeros_has_scale_1(theta):
    assert np.array_equal(scales(theta), np.ones_like(theta))


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-8, 1e6, 1e170, 1e300])
def test_scales_follow_the_size_of_theta(size):
    theta = np.array([0.0, 0.5, -1.0, 2.0])

    assert scales(size * theta) / size == pytest.approx(scales(theta))


def test_the_first_step_is_the_cube_root_of_the_relative_noise():
    assert first_step(8e-6, -8.0, ROUNDOFF) == pytest.approx(1e-2)


@pytest.mark.parametrize(("noise", "cost"), [(0.0, 5.0), (0.0, 0.0), (1e-3, 0.0)])
def test_the_first_step_is_never_below_the_cube_root_of_the_roundoff(noise, cost):
    assert first_step(noise, cost, 1e-12) == pytest.approx(1e-4)


def test_the_first_step_of_a_cost_that_is_all_noise_is_a_tenth():
    assert first_step(1.0, 1.0, ROUNDOFF) == 0.1


@pytest.mark.parametrize("name", functions.SMOOTH)
def test_the_chosen_step_gives_the_derivative_to_8_digits(name):
    function, slope = functions.SMOOTH[name]

    rung = chosen(lambda t: float(function(0.7 + t)))

    assert rung.derivative == pytest.approx(slope(0.7), rel=1e-8)
    assert rung.error < 1e-8 * abs(slope(0.7))


def test_an_error_is_8_truncations_and_5_deviations_of_the_noise_over_the_step():
    rung = chosen(lambda t: math.sin(1 + t), noise=1e-12)

    assert rung.noise == CONFIDENT * 1e-12 / rung.step
    assert rung.error == 8 * rung.truncation + rung.noise


@pytest.mark.parametrize("scale", [1e-10, 1e-5, 1.0, 1e5, 1e10])
def test_the_step_follows_the_scale_over_which_the_cost_varies(scale):
    # the best step for sin(t / scale) has truncation h**2 / 6 scale**2 equal to noise over h / scale, about 1e-5;
    # the ladder has a factor 8 to either side, and the safety on its truncation makes it shorter
    rung = chosen(lambda t: math.sin(1 + t / scale))

    assert 1e-7 < rung.step / scale < 1e-3
    assert rung.derivative == pytest.approx(math.cos(1) / scale, rel=1e-6)


def test_more_noise_takes_a_longer_step():
    steps = [chosen(lambda t: math.sin(1 + t), noise=noise).step for noise in (1e-16, 1e-12, 1e-8)]

    assert steps == sorted(set(steps))


def test_a_straight_line_is_measured_to_ten_digits():
    rung = chosen(lambda t: 1e3 + t, noise=1e3 * ROUNDOFF)

    assert abs(rung.derivative - 1) <= rung.error < 1e-9


def test_where_nothing_changes_no_entry_is_moved_by_a_tenth():
    visited = []

    choose_step(lambda t: visited.append(abs(t)) or 5.0, 1e-16, 5e-6, 2.0**-53, 28)

    assert max(visited) < 0.1


def test_a_constant_has_no_best_step():
    assert chosen(lambda t: 5.0) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_line_that_is_nowhere_finite_has_no_best_step(value):
    assert chosen(lambda t: value) is None


def test_where_the_line_ends_the_step_stays_before_it():
    rung = chosen(lambda t: math.log(1e-9 + t) if t > -1e-9 else math.nan)

    assert rung.step < 1e-9
    assert rung.derivative == pytest.approx(1e9, rel=1e-6)


@pytest.mark.parametrize("most", [4, 5, 6, 12, 28])
@pytest.mark.parametrize(
    "line", [lambda t: 5.0, lambda t: math.nan, math.sin, lambda t: math.sin(1e8 * t), lambda t: math.tanh(1e-8 * t)]
)
def test_no_more_evaluations_than_allowed(line, most):
    visited = []

    chosen(lambda t: visited.append(t) or line(t), most=most)

    assert 4 <= len(visited) <= most


def test_a_usual_cost_takes_6_evaluations():
    visited = []

    chosen(lambda t: visited.append(t) or math.exp(math.sin(1 + t)))

    assert len(visited) <= 6


@pytest.mark.parametrize("roundoff", [2.0**-53, 2.0**-24])
def test_steps_stay_well_above_the_roundoff(roundoff):
    visited = []

    chosen(
        lambda t: visited.append(abs(t)) or float(np.sign(t)), noise=0.0, first=roundoff ** (1 / 3), roundoff=roundoff
    )

    assert min(visited) > 64 * roundoff


def test_an_entry_that_shows_no_effect_is_not_moved_beyond_its_scale():
    visited = []

    chosen(lambda t: visited.append(abs(t)) or 5.0 + 1e-17 * t, noise=5 * ROUNDOFF, first=0.1)

    assert max(visited) < 1


def test_a_bounded_cost_is_not_taken_for_flat_at_steps_far_beyond_its_scale():
    # (sin(x + h) - sin(x - h)) / 2 h shrinks like 1 / h: its changes do too, and would pass for convergence to 0
    rung = chosen(lambda t: math.sin(1 + 1e6 * t), first=0.1)

    assert rung.derivative == pytest.approx(1e6 * math.cos(1), rel=1e-4)


def test_truncation_is_never_less_than_what_noise_does_not_explain_of_smaller_steps():
    truncation = np.array([3.0, 1.0, 0.1, 5.0])
    noise = np.array([0.5, 0.25, 0.0, 0.0])

    # explained is 0.5 + 0.5, 0.25 + 0.5, 0 + 0.25, 0: what remains of the first, 2, counts for the next two
    assert never_less_than_at_smaller_steps(truncation, noise).tolist() == [3.0, 2.0, 2.0, 5.0]

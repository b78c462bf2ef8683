"""The curves of numerics/curves.py, on functions whose derivatives and remainders are known by formula."""

import math

import numpy as np
import pytest

from gradcheck_core.numerics.curves import remainders, step_curve
from gradcheck_core.numerics.ladder import Ladder

EPS = 2.0**-53
STEPS = 1e-5 * 8.0 ** np.arange(-4, 4)


def ladder_of(function, at, noise=EPS):
    plus, minus = (np.array([function(at + sign * h) - function(at) for h in STEPS]) for sign in (1, -1))
    return Ladder(STEPS, plus, minus, noise, EPS, 0.0)


def curve_of(function, at, noise=EPS):
    return step_curve(ladder_of(function, at, noise))


def test_the_error_falls_with_noise_and_rises_with_truncation():
    # (sin(x + h) - sin(x - h)) / 2h - cos x = -h^2 cos(x) / 6 + ...
    curve = curve_of(math.sin, 0.7)
    off = np.abs(np.array(curve.central) - math.cos(0.7))
    truncation = STEPS**2 * math.cos(0.7) / 6

    assert off[-3:] == pytest.approx(truncation[-3:], rel=0.05)
    assert np.all(off <= truncation * 1.05 + np.array(curve.floor))
    assert 1e-7 < curve.step[curve.best] < 1e-3
    assert off[curve.best] <= curve.error[curve.best] < 1e-8


def test_the_floor_is_five_deviations_of_the_noise_over_the_step():
    curve = curve_of(math.sin, 0.7, noise=1e-9)

    assert np.array(curve.floor) * np.array(curve.step) == pytest.approx(np.full(8, 5e-9), rel=1e-3)


def test_one_sided_slopes_stay_apart_on_a_kink_only():
    kink, smooth = curve_of(abs, 0.0), curve_of(math.exp, 0.5)

    assert kink.right == pytest.approx(np.ones(8))
    assert kink.left == pytest.approx(-np.ones(8))
    assert kink.central == pytest.approx(np.zeros(8))
    assert smooth.right[4] == pytest.approx(smooth.left[4], rel=1e-4)


def test_steps_that_round_to_nothing_are_left_out():
    ladder = ladder_of(math.sin, 0.7)
    step = np.where(STEPS < 1e-8, 0.0, STEPS)
    rounded = Ladder(step, ladder.plus, ladder.minus, EPS, EPS, 0.0)

    assert step_curve(rounded).step == remainders(rounded, 1.0, 1.0).t == tuple(STEPS[STEPS >= 1e-8])


def test_what_is_not_finite_is_never_the_best():
    curve = curve_of(lambda x: math.log(x) if x > 0.9999 else math.nan, 1.0)

    assert math.isfinite(curve.central[curve.best])
    assert curve.central[curve.best] == pytest.approx(1.0, abs=1e-8)


def test_a_cost_that_is_finite_nowhere_has_no_finite_error():
    assert not any(map(math.isfinite, curve_of(lambda x: 0.0 if x == 1 else math.inf, 1.0).error))


@pytest.mark.parametrize("off", [1e-6, 0.1, -1.0])
def test_the_remainder_of_a_wrong_derivative_falls_with_slope_one_and_of_a_right_one_with_two(off):
    # exp(t) - 1 - t = t^2 / 2 + ...; with 1 + off for the slope another t * off
    found = remainders(ladder_of(math.exp, 0.0), claimed=1.0 + off, numeric=1.0)

    assert found.claimed_slope == pytest.approx(1.0, abs=0.4)
    assert found.numeric_slope == pytest.approx(2.0, abs=0.02)
    assert np.array(found.numeric)[4:6] == pytest.approx(np.array(found.t)[4:6] ** 2 / 2, rel=1e-3)


def test_a_cost_of_noise_alone_has_no_slope():
    generator = np.random.default_rng(0)

    found = remainders(ladder_of(lambda t: generator.normal() * 1e-3, 0.0, noise=1e-3), 0.0, 0.0)

    assert math.isnan(found.claimed_slope)
    assert found.floor == pytest.approx(5e-3)


def test_remainders_that_are_not_finite_do_not_count():
    found = remainders(ladder_of(lambda t: math.exp(t) if t < 0.001 else math.inf, 0.0), 2.0, 1.0)

    assert found.claimed_slope == pytest.approx(1.0, abs=0.02)

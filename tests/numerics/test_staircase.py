"""Costs that climb stairs: a floor function's are its own, those of a lower precision are rounding."""

import numpy as np
import pytest

import gradcheck_core as gc

WEIGHTS = np.random.default_rng(5).uniform(0.5, 1.5, size=(10, 10, 5))
SIGNS = np.random.default_rng(6).choice([-1.0, 1.0], size=(10, 10, 5))
DIVISORS = np.random.default_rng(4).uniform(-9, 9, size=(10, 5))


def verdict(cost, theta, grads):
    return gc.check_gradients(cost, theta, grads).verdict


def theta_of(seed, size, scale):
    return scale * np.random.default_rng(seed).normal(size=size)


@pytest.mark.parametrize("rounding", [np.floor, np.trunc, np.round])
def test_a_zero_gradient_of_a_rounded_division_with_many_outputs_is_not_accused(rounding):
    def cost(w):
        return float(np.sum(WEIGHTS * SIGNS * rounding(w.reshape(10, 1, 5) / DIVISORS)))

    for seed in range(30):
        theta = np.random.default_rng(seed).uniform(-9, 9, size=50)

        assert verdict(cost, theta, np.zeros(50)) in (gc.Verdict.CORRECT, gc.Verdict.INSPECT, gc.Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("digits", [0, 1, 2, 3])
def test_a_zero_gradient_of_a_cost_that_is_rounded_to_few_digits_is_not_accused(digits, size):
    for seed in range(12):
        found = verdict(lambda w: float(np.round(np.sum(w**2), digits)), theta_of(seed, size, 3.0), np.zeros(size))

        assert found not in (gc.Verdict.BUG, gc.Verdict.SUSPECT), seed


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("digits", [3, 4])
def test_a_flipped_gradient_of_a_cost_that_is_rounded_to_few_digits_does_not_pass(digits, size):
    for seed in range(12):
        theta = theta_of(seed, size, 3.0)

        assert not verdict(lambda w: float(np.round(np.sum(w**2), digits)), theta, -2 * theta).passed, seed


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_zero_gradient_of_a_cost_that_computes_in_float32_is_a_bug(size):
    for seed in range(12):
        theta = theta_of(seed, size, 1.0)

        found = verdict(lambda w: float(np.sum(np.sin(w.astype(np.float32)))), theta, np.zeros(size))

        assert found is gc.Verdict.BUG, seed


@pytest.mark.parametrize("size", [5, 20])
def test_a_right_gradient_beside_a_one_is_not_accused_where_the_sum_is_rounded_to_float32(size):
    # an entry of 0.01 moves 1 + w by stairs of 1e-5 of itself: far apart along the line, yet of float32's own height
    for seed in range(12):
        theta = theta_of(seed, size, 0.01)

        found = verdict(lambda w: float(np.sum(np.exp(np.float32(1 + w)))), theta, np.exp(1 + theta))

        assert found not in (gc.Verdict.BUG, gc.Verdict.SUSPECT), seed


def test_what_was_not_decided_on_stairs_is_said():
    report = gc.check_gradients(lambda w: float(np.round(w[0], 3)), np.array([-4.827]), np.zeros(1))

    assert report.verdict is gc.Verdict.INCONCLUSIVE
    assert any("changes in steps of 1.0e-03" in note for note in report.notes)

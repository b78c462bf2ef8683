import functions
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.numerics.sweep import Sweep, sweep

SMOOTH = [np.sin, np.exp, lambda x: x**3, lambda x: 5 * x, lambda x: 1 / (1 + x * x)]


def swept(cost, theta, steps=1e-5, probes=100, noise=1e-15):
    theta = np.array(theta)
    return sweep(functions.parameter_cost(cost, theta, noise), np.full(theta.size, steps), probes)


def check(cost, theta, grads):
    return gc.check_gradients(cost, np.array(theta), np.array(grads))


@pytest.mark.parametrize("function", SMOOTH)
def test_a_smooth_cost_is_not_rough(function):
    found = swept(lambda x: float(np.sum(function(x))), np.linspace(-2, 2, 30), noise=1e-14)

    assert found.rough.size == 0


@pytest.mark.parametrize("distance", [0.0, 1e-9, 3e-6, 0.9e-5, 1.5e-5, -1e-9, -3e-6])
def test_a_kink_within_twice_the_step_is_rough(distance):
    found = swept(lambda x: float(np.sum(np.sin(x)) + np.abs(x[1] - 1)), [0.3, 1 + distance, 0.7])

    assert found.rough.tolist() == [1]


@pytest.mark.parametrize("distance", [3e-6, 1.5e-5, -3e-6])
def test_a_jump_within_twice_the_step_is_rough(distance):
    found = swept(lambda x: float(np.sum(np.sin(x)) + 3 * (x[1] > 1)), [0.3, 1 + distance, 0.7])

    assert found.rough.tolist() == [1]


def test_a_rough_coordinate_leaves_the_bars_of_the_others_alone():
    theta = np.linspace(0.1, 1, 12)

    def smooth(x):
        return float(np.sum(np.sin(x)))

    without = swept(smooth, theta).derivatives()
    beside = swept(lambda x: smooth(x) + abs(x[4] - theta[4] - 3e-6), theta).derivatives()

    assert np.delete(beside.error, 4) == pytest.approx(np.delete(without.error, 4), rel=0.5)
    # the step of 1e-5 crosses the kink at 3e-6; the slope on theta's side of it is within what is given
    assert beside.lower[4] - beside.error[4] <= np.cos(theta[4]) - 1 <= beside.upper[4] + beside.error[4]


def test_probes_are_the_most_bent_and_evenly_spread():
    found = swept(lambda x: float(np.sum(x**2) + 100 * (x[7] ** 2 + x[3] ** 2)), np.arange(1.0, 21.0), probes=6)

    assert {3, 7, 0, 19} <= set(found.probed.tolist())
    assert found.probed.size <= 6


def test_no_entry_is_probed_twice():
    at = functions.parameter_cost(lambda x: float(np.sum(x**2)), np.arange(1.0, 9.0))
    found = Sweep.of(at, np.full(8, 1e-5))
    found = found.probing(found.spread(4))

    more = found.most_bent(8)

    assert sorted([*found.probed, *more]) == list(range(8))


def test_away_from_a_zero_cost_the_noise_is_that_of_the_cost_there():
    # J = x**2 at 0 moves by 1e-6 with the step of 1e-3: 5 roundoffs of that over the step; slopes there are 1e-3
    found = swept(lambda x: float(np.sum(x**2)), [0.0], steps=1e-3, noise=0.0)

    assert found.cost_size == pytest.approx(1e-3)
    assert found.derivatives().error[0] >= 5 * 2.0**-53 * 1e-6 / 1e-3


@pytest.mark.parametrize("gap", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-7])
def test_a_maximum_with_a_close_runner_up_passes(gap):
    theta = np.random.default_rng(0).uniform(-9, 9, size=125)
    largest = int(np.argmax(theta))
    theta[(largest + 3) % 125] = theta[largest] - gap
    grads = np.zeros(125)
    grads[largest] = 1

    def cost(w):
        return float(np.max(w))

    assert check(cost, theta, grads).passed
    assert check(cost, theta, 2 * grads).verdict is gc.Verdict.BUG
    # the mean of both sides, as a step that crosses to the runner-up shows it
    assert check(cost, theta, grads / 2).verdict is gc.Verdict.BUG


@pytest.mark.parametrize("step", [np.ceil, np.floor, np.round, np.trunc])
def test_a_piecewise_constant_cost_has_gradient_zero(step):
    generator = np.random.default_rng(0)
    theta = generator.uniform(-9, 9, size=400)
    weights = generator.choice([-1, 1], 400) * generator.uniform(0.5, 1.5, 400)

    def cost(w):
        return float(weights @ step(w))

    right = check(cost, theta, np.zeros(400))
    assert right.passed
    assert right.evaluations <= 2.5 * 400 + 200
    assert check(cost, theta, weights).verdict is gc.Verdict.BUG


def test_kinks_are_counted_whatever_is_claimed():
    theta = np.array([0.0, 1.0, 0.0, -2.0, 0.5])

    def kinks(claim):
        return check(lambda w: float(np.sum(np.abs(w))), theta, np.where(theta == 0, claim, np.sign(theta))).worst.kinks

    assert kinks(0.0) == kinks(0.7) == kinks(-1.0) == 2


def test_saturated_attention_is_measured_at_steps_that_fit_its_live_entries():
    generator = np.random.default_rng(5)
    q, k, v = (generator.uniform(-9, 9, size=(16, m, 8)) for m in (3, 6, 6))
    weights = generator.choice([-1, 1], (16, 3, 8)) * generator.uniform(0.5, 1.5, (16, 3, 8))

    def attention(q, k):
        score = q @ k.transpose(0, 2, 1) / np.sqrt(8)
        exponential = np.exp(score - score.max(axis=-1, keepdims=True))
        return exponential / exponential.sum(axis=-1, keepdims=True)

    a = attention(q, k)
    d_a = weights @ v.transpose(0, 2, 1)
    d_score = a * (d_a - (a * d_a).sum(axis=-1, keepdims=True)) / np.sqrt(8)
    grads = {"q": d_score @ k, "k": d_score.transpose(0, 2, 1) @ q}

    report = gc.check_gradients(
        lambda p: float(np.sum(weights * (attention(p["q"], p["k"]) @ v))), {"q": q, "k": k}, grads
    )

    assert report.verdict is gc.Verdict.CORRECT

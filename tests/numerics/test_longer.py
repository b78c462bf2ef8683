"""Coordinates measured by longer steps: bars that shrink and still cover the error, with theta and cost in float32."""

from functools import cache

import functions
import numpy as np
import pytest

from gradcheck_core.numerics.coordinates import ParameterCost
from gradcheck_core.numerics.longer import EVALUATIONS_EACH, by_longer_steps
from gradcheck_core.numerics.noise import estimate_noise
from gradcheck_core.numerics.norms import Budget
from gradcheck_core.numerics.steps import choose_step, first_step, scales
from gradcheck_core.numerics.sweep import sweep

ROUNDOFF = 2.0**-24
PLENTY = 10_000


def in_float32(cost, theta, seed=0):
    """A cost of float32 entries with its noise and its steps, and how often it was called."""
    theta = functions.through_float32(theta)
    direction = scales(theta) * np.random.default_rng(seed).choice([-1.0, 1.0], size=theta.size)
    calls = []

    def at(values):
        calls.append(values)
        return float(cost(values.astype(np.float32)))

    def line(t):
        return at(functions.through_float32(theta + t * direction))

    def costs_at(entries, values):
        moved = np.repeat(theta[None], len(entries), axis=0)
        moved[np.arange(len(entries)), entries] = values
        return np.array([at(row) for row in moved])

    present = at(theta)
    noise = estimate_noise(line, present, ROUNDOFF, away=first_step(0.0, present, ROUNDOFF)).level
    first = first_step(noise, present, ROUNDOFF)
    rung = choose_step(line, noise, first, ROUNDOFF, 28)
    measured = ParameterCost(theta, present, noise, ROUNDOFF, costs_at, functions.through_float32)
    return measured, scales(theta) * (rung.step if rung else first), calls


def problem(seed):
    """J = f (sum of w_i g(theta_i / s) + c) in float32, for random g, weights and scales; and its gradient."""
    generator = np.random.default_rng(seed)
    function, slope = functions.SMOOTH[generator.choice(list(functions.SMOOTH))]
    size = generator.integers(1, 8)
    in_theta, in_cost = 10.0 ** generator.uniform(-4, 4, size=2)
    offset = generator.choice([0.0, 1.0, 1000.0])
    theta = functions.through_float32(in_theta * generator.normal(size=size) * generator.choice([1, 3]))
    weights = generator.normal(size=size)

    def cost(values):
        inner = function(values / np.float32(in_theta))
        return np.float32(in_cost) * (np.sum(weights.astype(np.float32) * inner) + np.float32(offset))

    return cost, theta, in_cost * weights * slope(theta / in_theta) / in_theta


@cache
def measurements():
    """By smooth coordinates: how far off the derivative is, its bar, the sweep's bar and the true derivative."""
    rows = []
    for seed in range(600):
        cost, theta, true = problem(seed)
        at, steps, _ = in_float32(cost, theta, seed)
        swept = sweep(at, steps, probes=theta.size)
        bars = swept.derivatives()
        found = by_longer_steps(at, steps, bars, np.arange(theta.size), 0.0, Budget(PLENTY))
        smooth = (bars.lower == bars.upper) & ~np.isin(np.arange(theta.size), swept.rough)
        rows.append(np.array([np.abs(found.lower - true), found.error, bars.error, np.abs(true)])[:, smooth])
    return np.concatenate(rows, axis=1)


def test_the_bar_covers_the_error_in_all_but_1_of_1000():
    off, bar, _, size = measurements()

    assert off.size > 2000
    assert np.mean(off > bar + 8 * ROUNDOFF * size) < 1e-3


def test_bars_are_never_larger_than_the_sweeps_and_in_the_median_three_times_smaller():
    _, bar, swept, _ = measurements()

    assert np.all(bar <= swept)
    assert np.median(swept / bar) > 3


@pytest.mark.parametrize("distance", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_kink_among_the_points_does_not_mislead(distance, side):
    def cost(w):
        return np.sum(w + np.abs(w - np.float32(1 + side * distance)))

    at, steps, _ = in_float32(cost, np.ones(1))
    bars = sweep(at, steps, probes=1).derivatives()

    found = by_longer_steps(at, steps, bars, np.arange(1), 0.0, Budget(PLENTY))

    assert abs(found.lower[0] - (1 - side)) <= found.error[0]


def test_where_the_bar_is_fine_enough_nothing_is_evaluated():
    at, steps, calls = in_float32(lambda w: np.sum(np.sin(w)), np.array([0.3, 0.7]))
    bars = sweep(at, steps, probes=2).derivatives()
    before = len(calls)

    found = by_longer_steps(at, steps, bars, np.arange(2), float(np.max(bars.error)), Budget(PLENTY))

    assert len(calls) == before
    assert np.array_equal(found.error, bars.error)


@pytest.mark.parametrize("left", [0, EVALUATIONS_EACH - 1, EVALUATIONS_EACH, 5 * EVALUATIONS_EACH])
def test_no_more_evaluations_than_the_budget_has(left):
    at, steps, calls = in_float32(lambda w: np.sum(np.sin(w)), np.array([0.3, 0.7]))
    bars = sweep(at, steps, probes=2).derivatives()
    before, budget = len(calls), Budget(left)

    by_longer_steps(at, steps, bars, np.arange(2), 0.0, budget)

    assert len(calls) - before == left - budget.left <= left


def test_no_entry_is_moved_by_more_than_a_tenth():
    at, _, calls = in_float32(lambda w: np.sum(1 + 0.1 * w), np.array([0.9]))
    bars = sweep(at, np.full(1, 1e-3), probes=1).derivatives()
    before = len(calls)

    by_longer_steps(at, np.full(1, 1e-3), bars, np.arange(1), 0.0, Budget(PLENTY))

    assert max(abs(float(values[0]) - 0.9) for values in calls[before:]) <= 0.09 * (1 + 1e-6)

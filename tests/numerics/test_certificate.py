"""The certificate's arithmetic: bounds that hold as often as they say, whatever the error looks like."""

import numpy as np
import pytest

from gradcheck_core.numerics.certificate import bound_above, bound_below, count_first_directions, share_alpha
from gradcheck_core.numerics.draws import BLOCK, UNIT, Draws

SEEDS = 5000

SIZE = 1000


def one_hot(_):
    x = np.zeros(SIZE)
    x[17] = 1
    return x


def two_equal(_):
    x = np.zeros(SIZE)
    x[[3, 900]] = 1
    return x


def opposite(_):
    return two_equal(_) * np.where(np.arange(SIZE) == 3, -1, 1)


def dense(generator):
    return generator.normal(size=SIZE)


def block(_):
    x = np.zeros(SIZE)
    x[200:300] = 1
    return x


def tapering(_):
    return 0.5 ** np.arange(SIZE)


ERRORS = [one_hot, two_equal, opposite, dense, block, tapering]


def directions_of(seed, count):
    return np.array([Draws(seed, k).block(0)[:SIZE] * UNIT for k in range(count)])


@pytest.fixture(scope="module")
def drawn():
    """For every seed as many directions as the first look at a confidence of 0.99 draws."""
    return np.array([directions_of(seed, count_first_directions(0.01)) for seed in range(SEEDS)], dtype=np.float32)


@pytest.mark.parametrize("confidence", [0.9, 0.99])
@pytest.mark.parametrize("error", ERRORS)
def test_the_bounds_hold_at_least_as_often_as_they_say(drawn, error, confidence):
    alpha = 1 - confidence
    x = error(np.random.default_rng(0))
    seen = drawn[:, : count_first_directions(alpha)].astype(np.float64) @ x
    exact = [0.0] * seen.shape[1]

    too_low = sum(bound_above(list(row), exact, share_alpha(alpha, 0)) < np.linalg.norm(x) for row in seen)
    too_high = sum(bound_below(list(row), exact, share_alpha(alpha, 0)) > np.linalg.norm(x) for row in seen)

    # three deviations of a count that has just the mean that is promised
    most = SEEDS * share_alpha(alpha, 0) + 3 * np.sqrt(SEEDS * share_alpha(alpha, 0))
    assert too_low <= most
    assert too_high <= most


def test_the_upper_bound_is_no_looser_than_two_equal_errors_make_it(drawn):
    # Ball's bound is attained by the section orthogonal to (1, 1, 0, ...): at small t it fails as often as it says
    x = two_equal(None)
    seen = np.abs(drawn[:, 0].astype(np.float64) @ x) / np.linalg.norm(x)
    t = 0.05

    assert np.mean(seen <= t) == pytest.approx(t * np.sqrt(2 / 3), rel=0.25)


def test_looking_several_times_spends_no_more_than_there_is():
    assert sum(share_alpha(0.01, look) for look in range(40)) == pytest.approx(0.01)


def test_error_bars_widen_both_bounds():
    assert bound_above([1.0], [0.5], 0.01) == pytest.approx(1.5 * bound_above([1.0], [0.0], 0.01))
    assert bound_below([1.0], [1.5], 0.01) == 0


def test_a_direction_has_mean_zero_variance_one_and_the_uniforms_support():
    entries = np.concatenate([Draws(0, k).block(k) for k in range(32)]) * UNIT

    deviation = 1 / np.sqrt(entries.size)
    assert abs(entries.mean()) < 5 * deviation
    assert entries.var() == pytest.approx(1, abs=5 * deviation)
    assert np.abs(entries).max() < np.sqrt(3)
    assert np.mean(np.abs(entries) < np.sqrt(3) / 2) == pytest.approx(0.5, abs=5 * deviation)


def test_any_block_can_be_drawn_again_in_any_order():
    in_order = Draws(7, 3)
    blocks = [in_order.block(k) for k in range(4)]

    backwards = Draws(7, 3)

    assert all(np.array_equal(backwards.block(k), blocks[k]) for k in (3, 1, 2, 0))
    assert blocks[0].size == BLOCK


def test_other_seeds_and_numbers_are_other_directions():
    first = Draws(0, 0).block(0)

    assert not any(np.array_equal(first, other.block(0)) for other in (Draws(0, 1), Draws(1, 0)))

import math

import numpy as np
import pytest

from gradcheck_core.numerics.noise import estimate_between, estimate_from_table, estimate_noise

ROUNDOFF = 2.0**-53
POINTS = np.arange(9)


def estimated(line, roundoff=ROUNDOFF):
    return estimate_noise(line, line(0.0), roundoff)


def in_float32(t):
    # theta = 1.3 and 0.7, both rounded on the way in, as their product is on the way out
    return float(np.float32(1.3 * (1 + t)) * np.float32(0.7 * (1 - t)))


def test_the_level_is_the_first_order_at_which_three_agree():
    # k-th differences of +1, -1, ... are all 2**k in size: the levels sqrt(k!**2 / (2 k)!) 2**k are
    # sqrt(4 / 2), sqrt(16 / 6), sqrt(64 / 20), within a factor 4 of each other
    assert estimate_from_table((-1.0) ** POINTS) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("deviation", [1e-12, 1e-6, 1.0])
@pytest.mark.parametrize("smooth", [np.zeros_like, np.sin, np.square, np.exp])
def test_noise_of_known_deviation_is_found_within_a_factor_4(smooth, deviation):
    # the paper's claim for its rule; below 2 in 100 of so small tables miss it
    generator = np.random.default_rng(0)
    clean = smooth(1e-3 * deviation * POINTS)
    tables = [clean + deviation * generator.normal(size=9) for _ in range(1000)]

    ratios = np.array([estimate_from_table(table) or np.nan for table in tables]) / deviation

    assert np.mean((ratios > 1 / 4) & (ratios < 4)) > 0.98
    assert 0.8 < np.nanmedian(ratios) < 1.25


def test_noise_shows_through_a_steep_and_bent_function():
    # the first differences are 0.01 and keep their sign, those of order 5 and higher vanish below the noise
    generator = np.random.default_rng(1)

    tables = [np.sin(0.3 + 0.01 * POINTS) + 1e-9 * generator.normal(size=9) for _ in range(300)]
    levels = [estimate_from_table(table) or np.nan for table in tables]

    assert np.mean(np.isnan(levels)) < 0.2
    assert 0.25e-9 < np.nanmedian(levels) < 4e-9


@pytest.mark.parametrize("smooth", [np.zeros_like, np.positive, np.square, np.exp, lambda i: np.sin(0.3 * i)])
def test_a_smooth_function_has_no_noise(smooth):
    assert estimate_from_table(smooth(POINTS.astype(np.float64))) is None


@pytest.mark.parametrize("quantum", [1e-3, 1e-6, 1e-9])
def test_rounding_to_a_quantum_is_noise_of_its_deviation(quantum):
    # uniform rounding errors have deviation quantum / sqrt(12)
    generator = np.random.default_rng(2)
    lines = quantum * (generator.uniform(0, 1, size=(300, 1)) + generator.uniform(5, 9, size=(300, 1)) * POINTS)

    ratios = [estimate_from_table(np.round(line / quantum) * quantum) for line in lines]

    levels = np.array([ratio for ratio in ratios if ratio is not None]) / (quantum / math.sqrt(12))
    assert levels.size > 270
    assert 1 / 4 < np.median(levels) < 4


def test_a_cost_that_computes_in_float32_shows_the_noise_of_float32():
    noise = estimated(in_float32)

    assert noise.settled
    assert 2.0**-24 / 8 < noise.level / in_float32(0.0) < 8 * 2.0**-24


@pytest.mark.parametrize("size", [1, 3, 4, 20])
def test_float32_shows_at_powers_of_two(size):
    # 1 + t is exact in float32 for t a multiple of 2**-23: a table spaced by a power of two sees no rounding at all
    def line(t):
        return float(np.sum(np.full(size, 1 + t).astype(np.float32) ** 2))

    noise = estimated(line)

    assert noise.level > 2.0**-24 * size / 16


@pytest.mark.parametrize("constant", [1e3, 1e6, 1e12])
def test_an_added_constant_adds_its_rounding(constant):
    noise = estimated(lambda t: constant + math.sin(1 + t))

    assert ROUNDOFF * constant <= noise.level < 8 * ROUNDOFF * constant


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_noise_scales_with_the_cost(scale):
    noise = estimated(lambda t: scale * math.sin(1 + t))

    assert 1 <= noise.level / (ROUNDOFF * scale * math.sin(1)) < 8


def test_a_constant_cost_has_the_noise_of_its_rounding():
    noise = estimated(lambda t: 5.0)

    assert noise.level == 5.0 * ROUNDOFF
    assert not noise.settled


def test_the_level_is_never_below_the_rounding_of_the_parameters():
    assert estimated(lambda t: math.sin(1 + t), roundoff=2.0**-24).level >= 2.0**-24 * math.sin(1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_line_that_leaves_the_domain_has_the_noise_of_rounding(value):
    noise = estimated(lambda t: value if t > 0 else 5.0)

    assert noise.level == 5.0 * ROUNDOFF
    assert not noise.settled


def test_a_kink_at_theta_is_no_noise():
    noise = estimated(lambda t: 1 + abs(t))

    assert noise.level < 8 * ROUNDOFF


def test_the_line_is_followed_to_one_side_and_no_further_than_needed():
    visited = []

    def line(t):
        visited.append(t)
        return math.sin(1 + t)

    estimate_noise(line, math.sin(1), ROUNDOFF)

    assert len(visited) == 9
    assert min(visited) > 0
    assert max(visited) < 1e-11


def test_a_flat_cost_is_looked_at_in_six_tables_of_three_points():
    visited = []

    estimate_noise(lambda t: visited.append(t) or 5.0, 5.0, ROUNDOFF)

    assert len(visited) == 6 * 3


@pytest.mark.parametrize("slope", [1.0, 0.37, 1e-2, 5e-4])
@pytest.mark.parametrize("quantum", [1e-5, 1e-7, 1e-9, 1e-11, 3e-13])
def test_a_cost_on_a_coarse_grid_shows_its_rounding(quantum, slope):
    # the deviation of uniform rounding is quantum / sqrt(12); a table sees a few steps of it, so within a factor of 8
    def line(t):
        return quantum * round((1 + slope * t) / quantum)

    noise = estimate_noise(line, line(0.0), ROUNDOFF, away=1e-5)

    assert 1 / 8 < noise.level / (quantum / math.sqrt(12)) < 8


def test_a_flat_cost_is_not_followed_beyond_a_tenth():
    # moved by more a probability of 0.9 would be none
    visited = []

    estimate_noise(lambda t: visited.append(t) or 5.0, 5.0, ROUNDOFF)

    assert max(visited) <= 0.1 * (1 + 1e-12)


@pytest.mark.parametrize("line", [lambda t: 1 + t**2, lambda t: 1 + t**4, lambda t: 1e6 + t**2, lambda t: 1 + t])
def test_a_smooth_cost_that_changes_little_has_only_the_noise_of_rounding(line):
    noise = estimate_noise(line, line(0.0), ROUNDOFF, away=1e-5)

    assert noise.level < 16 * ROUNDOFF * line(0.0)


@pytest.mark.parametrize("at", [1e-12, 1e-9, 1e-6, 1e-3])
def test_a_jump_of_the_cost_is_no_rounding(at):
    noise = estimate_noise(lambda t: 1.0 + (t > at), 1.0, ROUNDOFF)

    assert noise.level < 4 * ROUNDOFF


@pytest.mark.parametrize("at", [7e-6, 7e-4])
def test_a_jump_that_bfloat16_could_make_is_no_rounding_without_a_second_one(at):
    noise = estimate_noise(lambda t: 1.0 + 2.0**-8 * (t > at), 1.0, ROUNDOFF)

    assert noise.level < 4 * ROUNDOFF
    assert noise.stair == 0


@pytest.mark.parametrize("quantum", [1e-3, 1e-6])
def test_the_step_of_a_staircase_is_told(quantum):
    noise = estimate_noise(lambda t: quantum * round((1 + t) / quantum), 1.0, ROUNDOFF)

    assert noise.stair == pytest.approx(quantum)


@pytest.mark.parametrize("at", [1e-12, 1e-9, 1e-6, 1e-3])
def test_a_kink_after_a_flat_stretch_is_no_rounding(at):
    noise = estimate_noise(lambda t: 1.0 + max(t - at, 0.0), 1.0, ROUNDOFF)

    assert noise.level < 16 * ROUNDOFF


def test_the_largest_cost_seen_is_remembered():
    # the ninth point of the second table: 9 / 7.3 of the distance away
    noise = estimate_noise(lambda t: t**2, 0.0, ROUNDOFF, away=1e-3)

    assert noise.size == pytest.approx((9 / 7.3 * 1e-3) ** 2)


@pytest.mark.parametrize("share", [1.0, 1e-2])
def test_a_part_in_float32_shows_beside_a_smooth_rest(share):
    # the part does not move over the first table of 4e-12, the rest is exact to float64
    def line(t):
        return math.exp(t) + share * float(np.exp(np.float32(0.3 + t)))

    noise = estimate_noise(line, line(0.0), ROUNDOFF, away=1e-5)

    assert share * 2.0**-24 / 8 < noise.level < share * 2.0**-24 * 8


@pytest.mark.parametrize("at", [1e-7, 1e-6, 3e-6])
def test_a_kink_within_a_step_is_no_noise(at):
    noise = estimate_noise(lambda t: 1 + math.sin(t) + 3 * abs(t - at), 1 + 3 * at, ROUNDOFF, away=5e-6)

    assert noise.level < 16 * ROUNDOFF


@pytest.mark.parametrize("rate", [1e2, 1e4, 1e6, 1e8])
def test_a_cost_that_varies_quickly_is_no_noise(rate):
    noise = estimate_noise(lambda t: 1 + math.sin(rate * t), 1.0, ROUNDOFF, away=5e-6)

    assert noise.level < 64 * ROUNDOFF


def test_noise_from_value_to_value_is_found_within_a_factor_4():
    generator = np.random.default_rng(0)

    ratios = np.array([estimate_between(0.1 * POINTS**2 + generator.normal(size=9)) for _ in range(1000)])

    assert np.mean((ratios > 1 / 4) & (ratios < 4)) > 0.95
    assert 0.8 < np.median(ratios) < 1.25

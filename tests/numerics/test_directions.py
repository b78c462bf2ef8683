"""Random directions through a few parameters each."""

import numpy as np
import pytest

from gradcheck_core.numerics.directions import directions_through

PARAMETERS = {0: np.array([1e-8, -2e-8]), 2: np.array([3e6]), 5: np.zeros(4)}


def draw(most, seed=0):
    return directions_through(PARAMETERS, np.random.default_rng(seed), most)


def test_one_direction_for_each_parameter():
    assert [list(direction) for direction in draw(8)] == [[0], [2], [5]]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_few_directions_share_every_parameter_among_them(most):
    directions = draw(most)

    assert len(directions) == most
    assert sorted(i for direction in directions for i in direction) == [0, 2, 5]


def test_every_entry_moves_in_proportion_to_its_scale():
    # the scale is max(|theta_i|, rms), and 1 where all are zero
    moved = {i: along for direction in draw(8) for i, along in direction.items()}

    rms = np.sqrt(2.5) * 1e-8
    assert np.all((np.abs(moved[0]) >= [0.5 * rms, 1e-8]) & (np.abs(moved[0]) <= [rms, 2e-8]))
    assert 1.5e6 <= abs(moved[2][0]) <= 3e6
    assert np.all((np.abs(moved[5]) >= 0.5) & (np.abs(moved[5]) <= 1))


def test_the_same_generator_gives_the_same_directions():
    assert all(np.array_equal(one[i], other[i]) for one, other in zip(draw(2, 7), draw(2, 7), strict=True) for i in one)

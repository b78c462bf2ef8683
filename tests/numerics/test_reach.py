import math

import pytest

from gradcheck_core.numerics.reach import LEAST_EVALUATIONS, MOST_EVALUATIONS, choose_reach, measure_pair

EPS = 2.0**-53


def counted(function):
    calls = []

    def line(t):
        calls.append(t)
        return function(t)

    return line, calls


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (lambda t: math.sin(t + 0.3), math.cos(0.3)),
        (lambda t: math.exp(3 * t), 3.0),
        (lambda t: 1e6 + t, 1.0),
        (lambda t: math.sin(40 * t), 40.0),
        (lambda t: abs(t + 1e-6) - t, 0.0),  # a kink nearby
        (lambda t: max(t, 2 * t - 1e-5) + max(-t, -3 * t - 1e-4), 0.0),
    ],
)
def test_the_error_bar_holds_and_is_small(function, derivative):
    line, calls = counted(function)
    noise = EPS * max(abs(function(0.0)), abs(function(0.1)))

    reach, found = choose_reach(line, noise, 1e-3, EPS, MOST_EVALUATIONS)
    (error,) = reach.errors([found])

    assert abs(found.derivative - derivative) <= error
    assert error < 1e-6 * max(1.0, abs(derivative), noise / EPS)
    assert len(calls) <= MOST_EVALUATIONS


def test_no_step_where_nothing_is_finite():
    reach, _ = choose_reach(lambda t: math.nan, EPS, 1e-3, EPS, MOST_EVALUATIONS)

    assert reach.noise == math.inf


def test_the_fewest_evaluations_suffice_for_an_answer_with_a_bar():
    line, calls = counted(math.exp)

    reach, found = choose_reach(line, EPS, 1e-3, EPS, LEAST_EVALUATIONS)

    assert len(calls) == LEAST_EVALUATIONS
    assert abs(found.derivative - 1) <= reach.errors([found])[0]


def test_of_several_directions_none_has_less_truncation_than_is_usual():
    reach, _ = choose_reach(math.exp, EPS, 1e-3, EPS, MOST_EVALUATIONS)
    straight = measure_pair(lambda t: t, reach.step)
    bent = measure_pair(lambda t: math.exp(5 * t), reach.step)

    errors = reach.errors([straight, bent, bent])

    assert errors[0] == errors[1] > reach.noise

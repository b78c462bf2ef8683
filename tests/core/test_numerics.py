import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck_core as gc
from gradcheck_core.numerics.coordinates import central_differences
from gradcheck_core.numerics.steps import default_steps

ROUNDOFFS = {"float64": 2.0**-53, "float32": 2.0**-24}
POSITIVE = st.floats(1e-8, 1e8)


def derivative(cost, theta, steps, dtype="float64"):
    """Of a cost that is a sum over coordinates, so that a single coordinate's term is all that changes."""
    rounded = [np.asarray(values).astype(dtype).astype("float64") for values in (theta + steps, theta - steps)]
    costs_at = lambda entries, values: cost(values.astype(dtype)).astype("float64")  # noqa: E731
    return central_differences(costs_at, np.arange(len(theta)), *rounded, roundoff=ROUNDOFFS[dtype])


@given(scale=st.floats(-8, 8), factor=POSITIVE, slope=POSITIVE, constant=st.floats(0, 1e12))
def test_the_error_bar_covers_the_error_where_nothing_is_truncated(scale, factor, slope, constant):
    # J = a x**2 + b x + c with terms of one sign, which keeps rounding to a few units of J; its central difference
    # has no truncation error at all, so that the whole error is rounding.
    theta = 10**scale * np.array([1.0, 1.7, 0.4])

    found = derivative(lambda x: factor * x**2 + slope * x + constant, theta, default_steps(theta, 2.0**-53))

    assert np.all(np.abs(found.numeric - (2 * factor * theta + slope)) <= found.error)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("constant", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("function", "slope"),
    [(np.sin, np.cos), (np.exp, np.exp), (np.tanh, lambda x: 1 - np.tanh(x) ** 2), (np.square, lambda x: 2 * x)],
)
def test_the_error_bar_covers_the_error_where_rounding_dominates(function, slope, scale, constant, dtype):
    # x = theta / scale has size 1 and a step of 1e-6 of it in float64 and 3e-4 in float32, a sixth of the default
    # and less: truncation, h**2 / 6 times a third derivative below 8, is no more than 5e-12 and 5e-7 ...
    small = {"float64": 1e-6, "float32": 3e-4}[dtype]
    theta = scale * np.linspace(0.3, 1.9, 50)
    kind = np.dtype(dtype).type

    found = derivative(lambda x: function(x / kind(scale)) + kind(constant), theta, small * theta, dtype)
    error = np.abs(found.numeric - slope(theta / scale) / scale)

    # ... which is below the rounding that the bar has to cover.
    assert np.all(error <= found.error)
    assert np.median(found.error) < 1000 * max(np.median(error), ROUNDOFFS[dtype] / scale)


def test_the_step_taken_is_the_one_that_was_representable():
    # In float32 1 + 1e-7 is 1 + 2**-23 and 1 - 1e-7 is 1 - 2**-23: dividing by the step asked for would be 19% off.
    # J = 3 x loses next to nothing in float64, so that the derivative is 3.
    theta = np.array([1.0, 1.5, 0.3])

    found = derivative(lambda x: 3.0 * x.astype("float64"), theta, np.full(3, 1e-7), "float32")

    assert found.numeric == pytest.approx(3.0, rel=1e-8)


def test_a_coordinate_that_does_not_move_is_not_measurable():
    # 1e9 + 1e-3 is 1e9 in float32, 1e-3 + 1e-3 is not
    found = derivative(lambda x: x, np.array([1e9, 1e-3]), np.full(2, 1e-3), "float32")

    assert found.numeric[0] == 0.0
    assert found.error[0] == np.inf
    assert found.numeric[1] == pytest.approx(1.0)
    assert np.isfinite(found.error[1])


def test_the_error_bar_grows_with_the_cost_and_shrinks_with_the_step():
    theta = np.ones(1)
    near, far = (derivative(lambda x: x + 99, theta, np.array([step])).error[0] for step in (1e-6, 1e-4))
    large = derivative(lambda x: x + 9999, theta, np.array([1e-6])).error[0]

    assert near / far == pytest.approx(100, rel=1e-3)
    assert large / near == pytest.approx(100, rel=1e-3)


def test_float32_parameters_in_their_own_precision_use_the_true_step():
    theta = np.array([1.0, 1.5, 0.3], "float32")

    report = gc.check_gradients(
        lambda w: float(w.astype("float64").sum()), theta, np.ones(3), precision="native", epsilon=1e-7
    )

    assert report.worst.numeric == pytest.approx(1.0, rel=1e-6)


def test_steps_are_the_cube_root_of_the_precision_times_the_scale():
    # (2 * 2**-54)**(1/3) = 2**(-53/3); rms of (3, 4) is sqrt(12.5), between the two entries
    steps = default_steps(np.array([3.0, -4.0]), roundoff=2.0**-54)

    assert steps == pytest.approx(2 ** (-53 / 3) * np.array([np.sqrt(12.5), 4.0]))


def test_a_parameter_that_is_all_zeros_has_scale_1():
    assert default_steps(np.zeros(3), roundoff=2.0**-25).tolist() == [2.0**-8] * 3


def test_a_zero_among_others_takes_their_scale():
    small = default_steps(np.array([0.0, 1e-8, -1e-8]), roundoff=2.0**-53)

    assert 1e-14 < small[0] < 1e-13  # 6e-6 times the rms of 0.8e-8, not 6e-6 times 1


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e-8, 1e6, 1e170, 1e300])
def test_steps_follow_the_scale_of_theta(scale):
    theta = np.array([0.5, -1.0, 2.0])

    assert default_steps(scale * theta, 2.0**-53) / scale == pytest.approx(default_steps(theta, 2.0**-53))

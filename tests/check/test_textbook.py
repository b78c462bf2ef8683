import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import gradient_checking


def textbook(params, grads, cost, epsilon):
    """The algorithm as the textbook's code runs it: two copies of theta for every coordinate."""
    theta = np.concatenate([np.ravel(array) for array in params])
    claimed = np.concatenate([np.ravel(array) for array in grads])
    approximated = np.zeros(len(theta))
    for i in range(len(theta)):
        above = np.copy(theta)
        above[i] = above[i] + epsilon
        below = np.copy(theta)
        below[i] = below[i] - epsilon
        approximated[i] = (cost(above) - cost(below)) / (2 * epsilon)
    numerator = np.linalg.norm(approximated - claimed)
    return numerator / (np.linalg.norm(approximated) + np.linalg.norm(claimed))


def quadratic(theta):
    return float(theta @ theta)


def wavy(theta):
    return np.sum(np.sin(3 * theta) * np.exp(-theta))


def steep(theta):
    return 1e6 + np.sum(theta**4) / 7


COSTS = {
    quadratic: lambda theta: 2 * theta,
    wavy: lambda theta: np.exp(-theta) * (3 * np.cos(3 * theta) - np.sin(3 * theta)),
    steep: lambda theta: 4 * theta**3 / 7,
}


@pytest.mark.parametrize("epsilon", [1e-7, 1e-4, 0.3, 1e-12])
@pytest.mark.parametrize("shapes", [[(1,)], [()], [(3, 2), (2,)], [(2, 2, 2), (), (5,)], [(4,), (0,), (1, 3)]])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("factor", [1.0, -1.0, 1.001, 1e-9])
def test_the_textbooks_number_digit_for_digit(cost, shapes, epsilon, factor):
    generator = np.random.default_rng(7)
    params = [generator.normal(size=shape) for shape in shapes]
    grads = [factor * COSTS[cost](array) for array in params]

    assert gradient_checking(params, grads, cost, epsilon) == textbook(params, grads, cost, epsilon)


def test_the_step_is_1e_7_unless_said_otherwise():
    params, grads = [np.array([0.3, -2.0])], [np.array([0.6, -4.0])]

    assert gradient_checking(params, grads, wavy) == textbook(params, grads, wavy, 1e-7)


def test_the_number_is_a_plain_float():
    assert type(gradient_checking([np.ones(2)], [np.ones(2)], quadratic)) is float


def test_two_zero_gradients_differ_by_exactly_0():
    assert gradient_checking([np.ones(3)], [np.zeros(3)], lambda theta: 5.0) == 0.0


def test_a_nan_stays_a_nan():
    assert np.isnan(gradient_checking([np.ones(2)], [np.array([1.0, np.nan])], quadratic))
    assert np.isnan(gradient_checking([np.array([1.0, np.nan])], [np.ones(2)], quadratic))


def test_float32_parameters_are_checked_in_float64():
    params, grads = [np.array([0.5, 0.25], "float32")], [np.array([1.0, 0.5], "float32")]

    assert gradient_checking(params, grads, quadratic) == textbook(
        [params[0].astype("float64")], [grads[0].astype("float64")], quadratic, 1e-7
    )


def test_fortran_order_is_read_in_c_order():
    w = np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])
    seen = []

    gradient_checking([w], [2 * w], lambda theta: seen.append(theta.copy()) or quadratic(theta))

    assert np.round(seen[0]).tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("readonly", [True, False])
def test_the_callers_arrays_stay_as_they_are(order, readonly):
    w, d_w = np.array([[1.0, 2.0], [3.0, 4.0]], order=order), np.array([[2.0, 4.0], [6.0, 8.0]], order=order)
    w.flags.writeable = d_w.flags.writeable = not readonly
    before = w.copy(), d_w.copy()

    assert gradient_checking([w], [d_w], quadratic) < 1e-7
    assert np.array_equal(w, before[0])
    assert np.array_equal(d_w, before[1])
    assert w.flags.writeable is not readonly


@pytest.mark.parametrize("entry", [0, 1, 2, slice(None)])
def test_a_cost_that_changes_theta_is_refused(entry):
    def cost(theta):
        value = quadratic(theta)
        theta[entry] = 9.0
        return value

    with pytest.raises(gc.InvalidInputError, match="the cost changes the theta it is given; let it work on a copy"):
        gradient_checking([np.ones(3)], [2 * np.ones(3)], cost)


@pytest.mark.parametrize(
    ("params", "grads", "message"),
    [
        ([], [], r"`gradient_checking\(params=...\)` holds no numbers; pass a sequence of arrays"),
        ([np.zeros(0)], [np.zeros(0)], r"params=...\)` holds no numbers"),
        ([np.ones(2)], [], r"grads=...\)` holds no numbers"),
        ([np.ones(2)], [np.ones(3)], "params hold 2 numbers and grads 3; pass one gradient each"),
    ],
)
def test_params_and_grads_that_do_not_fit(params, grads, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gradient_checking(params, grads, quadratic)


@pytest.mark.parametrize("epsilon", [0.0, -1e-7, np.nan, np.inf])
def test_a_step_that_is_not_positive_and_finite(epsilon):
    with pytest.raises(gc.InvalidInputError, match=r"epsilon=.*pass a positive finite step"):
        gradient_checking([np.ones(2)], [np.ones(2)], quadratic, epsilon)


@pytest.mark.parametrize(
    ("returned", "kind"), [(None, "NoneType"), (np.ones(2), "ndarray"), (1j, "complex"), (True, "bool"), ("1.0", "str")]
)
def test_a_cost_that_returns_no_number(returned, kind):
    with pytest.raises(gc.InvalidInputError, match=f"the cost returned {kind}; return one number"):
        gradient_checking([np.ones(2)], [np.ones(2)], lambda theta: returned)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_an_array_of_one_number_is_a_number(shape):
    cost = lambda theta: np.full(shape, quadratic(theta))  # noqa: E731

    assert gradient_checking([np.ones(2)], [2 * np.ones(2)], cost) < 1e-7


def test_a_mapping_has_no_order_and_is_refused():
    """Read as a sequence it is its keys: strings, or numbers that pass for parameters."""
    with pytest.raises(gc.InvalidInputError, match=r"params=.*is a dict; .*\[params\[name\] for name in sorted"):
        gradient_checking({1: np.ones(2)}, [np.ones(2)], quadratic)
    with pytest.raises(gc.InvalidInputError, match=r"grads=.*is a dict; "):
        gradient_checking([np.ones(2)], {"w": np.ones(2)}, quadratic)

"""Random wrong gradients and noise have no name, and no numbers are too much for the diagnosis."""

import numpy as np
from discrepancies import facts, kind
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_core.diagnosis import diagnose
from gradcheck_core.diagnosis.kinds import EXPLANATIONS

SHAPES = st.sampled_from([(), (1,), (2,), (3,), (6,), (2, 2), (3, 3), (4, 2), (2, 3, 2)])
SEEDS = st.integers(0, 2**32 - 1)


@given(SHAPES.filter(lambda shape: np.prod(shape) > 1), SEEDS)
@settings(max_examples=300, derandomize=True)  # chance is allowed one name in hundreds, and to differ is no use
def test_a_random_wrong_gradient_has_no_name(shape, seed):
    rng = np.random.default_rng(seed)
    numeric, claimed, theta = rng.normal(size=(3, *shape))

    assert kind(numeric, claimed, theta=theta, others={"v": rng.normal(size=shape)}) is None


@given(SHAPES, SEEDS, st.floats(1e-12, 1e3))
@settings(max_examples=200)
def test_noise_has_no_name(shape, seed, error):
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=shape)

    assert kind(numeric, numeric + error * rng.uniform(-1, 1, size=shape), theta=numeric, error=error) is None


ANYTHING = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 2.0, 5e-324, 1e308, -1e308, np.nan, np.inf])


@given(st.data(), SHAPES)
@settings(max_examples=300)
def test_no_numbers_are_too_much_for_it(data, shape):
    size = int(np.prod(shape))
    numeric, claimed, theta = (
        np.reshape(data.draw(st.lists(ANYTHING, min_size=size, max_size=size)), shape) for _ in range(3)
    )
    error = data.draw(st.sampled_from([0.0, 5e-324, 1e-9, 1e300, np.inf]))

    for found in diagnose([facts(numeric, claimed, theta=theta, error=error, name=name) for name in "ab"]).values():
        assert found.kind in EXPLANATIONS
        assert 0.99 < found.fit <= 1.0


def test_ten_thousand_wrong_parameters_take_no_time():
    rng = np.random.default_rng(0)
    numbers = {f"p{i}": np.asarray(x) for i, x in enumerate(rng.normal(size=10_000))}

    found = diagnose([facts(x, rng.normal(), others=numbers, name=name) for name, x in numbers.items()])

    assert set(found) <= {f"p{i}" for i in range(9_900, 10_000)}  # those nearest to the cost


@given(SHAPES, SEEDS, st.integers(-280, 280))
@settings(max_examples=200)
def test_a_sign_is_named_at_any_scale(shape, seed, exponent):
    numeric = np.random.default_rng(seed).normal(size=shape) * 10.0**exponent

    assert kind(numeric, -numeric, error=1e-9 * float(np.min(np.abs(numeric)))) == "sign_flipped"

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.protocol.outputs import Contraction, is_floating, roundoff_of

CONTRACTION = Contraction(seed=3)
DOUBLE = 2.0**-53


def value(returned, contraction=CONTRACTION):
    return contraction.value(returned, np.asarray)


@pytest.mark.parametrize(
    ("returned", "expected", "roundoff"),
    [
        (2.5, 2.5, DOUBLE),
        (np.float64(2.5), 2.5, DOUBLE),
        (3, 3.0, DOUBLE),
        (np.int64(3), 3.0, DOUBLE),
        (np.float32(2.5), 2.5, 2.0**-24),
        (np.full((1, 1), 2.5, "float16"), 2.5, 2.0**-11),
        ({"loss": np.float32(2.5)}, 2.5, 2.0**-24),
        ([np.zeros((0, 3)), np.ones(1)], 1.0, DOUBLE),
        ((2.5, np.array([7, 8])), 2.5, DOUBLE),  # integers beside it are metrics, no cost
        (float("inf"), float("inf"), DOUBLE),
    ],
)
def test_one_number_is_the_cost_itself(returned, expected, roundoff):
    cost = value(returned)

    assert (cost.value, cost.roundoff, cost.outputs) == (expected, roundoff, 1)
    assert type(cost.value) is float


def test_several_numbers_are_weighted_and_summed():
    first, second = np.array([1.0, -2.0]), np.array([[3.0], [0.5]])
    weights = CONTRACTION.weights([(2,), (2, 1)])
    by_hand = weights[0] @ first + weights[1][0, 0] * 3.0 + weights[1][1, 0] * 0.5

    cost = value({"a": first, "b": [second]})

    assert cost.value == pytest.approx(by_hand, rel=1e-15)
    assert cost.outputs == 4


def test_the_coarsest_output_bounds_the_roundoff():
    assert value([np.ones(2), np.ones(2, "float32")]).roundoff == 2.0**-24


def test_outputs_of_lower_precision_are_summed_in_float64():
    large = np.full(4, 6e4, "float16")  # their sum overflows float16

    assert np.isfinite(value(large).value)


def test_a_nan_in_an_output_is_seen():
    assert np.isnan(value(np.array([1.0, np.nan])).value)


def test_weights_have_random_signs_and_no_entry_is_drowned():
    (weights,) = CONTRACTION.weights([(100, 10)])

    assert weights.shape == (100, 10)
    assert np.abs(weights).min() >= 0.5
    assert np.abs(weights).max() <= 1.5
    assert 0.4 < np.mean(weights > 0) < 0.6  # 500 +- 16 of 1,000


def test_weights_are_fixed_by_the_seed():
    again = Contraction(seed=3).weights([(2, 3), (4,)])

    assert all(map(np.array_equal, CONTRACTION.weights([(2, 3), (4,)]), again))
    assert not np.array_equal(Contraction(seed=4).weights([(2, 3), (4,)])[0], again[0])


@pytest.mark.parametrize("shapes", [[()], [(1, 1)], [(0,), (1,)]])
def test_the_weight_of_a_single_number_is_exactly_1(shapes):
    assert sum(float(np.sum(weights)) for weights in CONTRACTION.weights(shapes)) == 1.0


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"`cost` returned None \(NoneType\); return a scalar, or a tensor"),
        ({"loss": 1.0, "extra": None}, r"`cost` returned None \(NoneType\)"),
        ("1.0", r"`cost` returned '1.0' \(str\)"),
        (False, r"`cost` returned False \(bool\)"),
        (np.array([1, 2]), "`cost` returned nothing of a floating dtype, but int64"),
        (np.array([True]), "`cost` returned nothing of a floating dtype, but bool"),
        ((), "`cost` returned nothing of a floating dtype, but tuple"),
        (np.zeros((0, 2)), r"`cost` returned an empty tensor \(shape \(0, 2\)\)"),
    ],
)
def test_what_is_no_cost_is_named(returned, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        value(returned)


@pytest.mark.parametrize(
    ("name", "bits"), [("float64", 53), ("float32", 24), ("float16", 11), ("bfloat16", 8), ("float8_e4m3fn", 4)]
)
def test_roundoff_is_half_the_spacing_at_1(name, bits):
    # bits of the significand, the hidden one counted; the spacing above 1 is 2**(1 - bits)
    assert roundoff_of(name) == 2.0**-bits


def test_roundoff_takes_dtypes_and_names():
    assert roundoff_of(np.dtype("float16")) == roundoff_of("float16") == np.finfo(np.float16).eps / 2


def test_only_real_floating_dtypes_are_floating():
    floating = [
        name for name in ("float64", "float16", "int32", "bool", "complex64", "O") if is_floating(np.dtype(name))
    ]

    assert floating == ["float64", "float16"]


@pytest.mark.parametrize("returned", [0.1, np.float64(0.1), np.float32(0.1), np.array([[0.1]]), 3, np.float16(0.1)])
def test_j_alone_is_the_value_of_the_record(returned):
    contraction = Contraction(0)

    assert contraction.number(returned, np.asarray) == contraction.value(returned, np.asarray).value
    assert type(contraction.number(returned, np.asarray)) is float


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 53), ("float32", 24), ("float16", 11)])
def test_a_single_number_has_the_roundoff_of_its_dtype(dtype, bits):
    cost = Contraction(0).value(np.array([0.1], dtype), np.asarray)

    assert (cost.value, cost.roundoff, cost.outputs) == (float(np.array(0.1, dtype)), 2.0**-bits, 1)

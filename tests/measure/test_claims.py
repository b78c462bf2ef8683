import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.measure.claims import lay_out
from gradcheck_core.protocol import Carried, Layout

W, B = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([7.0, 8.0])
LAYOUT = Layout.of([("net.w", (3, 2), "float64"), ("net.b", (2,), "float64")], [Carried("net.step", "int64")])
VECTOR = Layout.of([("theta", (3,), "float64")])


def claim(grads, layout=LAYOUT):
    return lay_out(grads, layout)


@pytest.mark.parametrize(
    "grads",
    [
        {"net": {"w": W, "b": B}},
        {"net": {"b": B, "w": W}},
        {"net": {"w": W, "b": B, "step": 3}},
        {"net": {"w": W, "b": B, "step": None}},
        {"net.w": W, "net.b": B},
        [W, B],
        (W, [B]),
        np.arange(1.0, 9.0),
        {"net.w": np.asfortranarray(W), "net.b": B[::-1][::-1]},
        {"net.w": W.astype(int), "net.b": B},
    ],
)
def test_every_form_is_laid_out_as_theta_is(grads):
    claimed = claim(grads)

    assert claimed.d_theta.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert claimed.d_theta.dtype == np.float64
    assert claimed.notes == ()


def test_a_bare_array_for_a_bare_array():
    assert claim(np.ones(3), VECTOR).d_theta.tolist() == [1.0, 1.0, 1.0]
    assert claim([np.ones(3)], VECTOR).d_theta.tolist() == [1.0, 1.0, 1.0]


def test_a_number_for_a_parameter_without_dimensions():
    assert claim({"s": 2}, Layout.of([("s", (), "float64")])).d_theta.tolist() == [2.0]


def test_dtypes_are_those_the_gradients_came_in():
    assert claim({"net.w": W.astype("float32"), "net.b": B}).dtypes == ("float32", "float64")
    assert claim(np.arange(8, dtype="float16")).dtypes == ("float16", "float16")


def test_none_counts_as_zero_with_a_note():
    claimed = claim({"net.w": W, "net.b": None})

    assert claimed.d_theta[6:].tolist() == [0.0, 0.0]
    assert claimed.notes == ("`net.b`: the claimed gradient is None and counts as zero",)


def test_the_callers_gradient_is_copied():
    grads = np.arange(1.0, 9.0)
    claim(grads).d_theta[:] = 0

    assert grads.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ({"net.w": W}, r"`grads`: missing: `net\.b`; pass one gradient for each of net\.w, net\.b"),
        ({"net.w": W, "net.b": B, "net.c": B}, r"not a checked parameter: `net\.c`"),
        ({"w": W, "b": B}, r"missing: `net\.w`, `net\.b`; not a checked parameter: `w`, `b`"),
        ([W, B, B], r"missing: `net\.w`, `net\.b`; not a checked parameter: `0`, `1`, `2`"),
        ([], r"missing: `net\.w`, `net\.b`"),
        (
            {"net.w": W.T, "net.b": B},
            r"of `net\.w` has shape \(2, 3\), but `net\.w` has \(3, 2\) \(transposed\?\); pass a gradient of its",
        ),
        ([B, W], r"`net\.w` has shape \(2,\), but `net\.w` has \(3, 2\); pass"),
        (np.ones(9), r"one array of shape \(9,\) came; .*\(`net\.w` \(3, 2\), `net\.b` \(2,\)\) or a flat .* \(8,\)"),
        (np.ones((4, 2)), r"one array of shape \(4, 2\) came"),
        (3.0, r"one array of shape \(\) came"),
        ({"net.w": W, "net.b": B * 1j}, r"`grads\['net\.b'\]` is ndarray of dtype complex128; pass real floating"),
        ({"net.w": W, "net.b": B > 0}, "of dtype bool; pass real floating arrays"),
        (np.array(["a"] * 8), "`grads` is ndarray of dtype <U1; pass real floating arrays"),
    ],
)
def test_what_does_not_fit_is_named(grads, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        claim(grads)


def test_a_gradient_function_that_returns_nothing_is_said_to():
    with pytest.raises(gc.InvalidInputError, match=r"`grads`.* None"):
        gc.check_gradients(lambda p: float(p["w"] @ p["w"]), {"w": B, "b": B}, lambda p: None)

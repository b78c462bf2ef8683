import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.array([[0.3, -0.7, 0.2], [1.1, 0.4, -0.5]])
SCALE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def cost(w):
    return np.sum(np.sin(w) * SCALE)


def read_only():
    array = W.copy()
    array.flags.writeable = False
    return array


def subclassed():
    class Tagged(np.ndarray):
        pass

    return W.copy().view(Tagged)


LAYOUTS = {
    "read-only": read_only,
    "stride 0": lambda: np.broadcast_to(W[:1], W.shape),
    "fortran": lambda: np.asfortranarray(W),
    "transposed": lambda: W.T.copy().T,
    "every other": lambda: np.repeat(W, 2, axis=1)[:, ::2],
    "reversed": lambda: W[::-1, ::-1],
    "big-endian": lambda: W.astype(">f8"),
    "unaligned": lambda: np.frombuffer(b"\0" + W.tobytes(), dtype=np.float64, offset=1).reshape(W.shape),
    "matrix": lambda: W.copy().view(np.matrix),
    "subclass": subclassed,
    "masked": lambda: np.ma.masked_array(W),
}


@pytest.fixture(params=LAYOUTS)
def array(request):
    made = LAYOUTS[request.param]()
    memory = made if made.base is None or not isinstance(made.base, np.ndarray) else made.base
    before, strides, writeable = memory.tobytes(), made.strides, made.flags.writeable
    yield made
    assert memory.tobytes() == before, "the caller's array changed"
    assert (made.strides, made.flags.writeable) == (strides, writeable)


def test_a_right_gradient_is_correct_in_any_memory_layout(array):
    gradient = np.cos(np.asarray(array)) * SCALE

    assert gc.check_gradients(lambda w: cost(np.asarray(w)), array, gradient).verdict is Verdict.CORRECT


def test_a_wrong_gradient_is_located_in_any_memory_layout(array):
    gradient = np.cos(np.asarray(array)) * SCALE
    gradient[0, 2] += 1

    report = gc.check_gradients(lambda w: cost(np.asarray(w)), array, gradient)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (0, 2)
    assert report.worst.wrong == ((2, 3),)


def test_an_exception_leaves_the_array(array):
    calls = []

    def failing(w):
        calls.append(w)
        if len(calls) == 5:
            msg = "in the middle"
            raise OSError(msg)
        return cost(np.asarray(w))

    with pytest.raises(OSError, match="in the middle"):
        gc.check_gradients(failing, array, np.zeros(W.shape))


def test_a_cost_that_writes_reaches_only_the_copy(array):
    def writing(w):
        w[...] = 0
        return 0.0

    with pytest.raises(gc.InvalidInputError, match="`cost` changes its parameters"):
        gc.check_gradients(writing, array, np.zeros(W.shape))


def test_grads_in_any_memory_layout(array):
    # The gradient of sum(w * c) by w is c, whatever memory it stands in.
    values = np.array(array, subok=False)

    assert gc.check_gradients(lambda w: np.sum(w * values), W, array).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: np.sum(w * values[::-1]), W, array).passed is np.array_equal(
        values, values[::-1]
    )


def test_the_cost_of_a_matrix_gets_a_matrix():
    w = np.array([[0.3, -0.7], [1.1, 0.4]])
    wrong = 2 * w  # elementwise thinking: the gradient of trace(w w) for the matrix product is 2 w.T

    def trace_of_square(m):
        return float((m**2).trace()[0, 0])

    assert gc.check_gradients(trace_of_square, w.view(np.matrix), 2 * w.T).verdict is Verdict.CORRECT
    assert gc.check_gradients(trace_of_square, w.view(np.matrix), wrong).verdict is Verdict.BUG


def test_negative_zero_keeps_its_sign():
    w = np.array([-0.0, 1.0])

    gc.check_gradients(lambda w: np.sum(w**2), w, 2 * w)

    assert np.signbit(w[0])


@pytest.mark.parametrize("leaf", [0.7, np.float64(0.7), np.array(0.7)])
def test_a_scalar_leaf(leaf):
    right = gc.check_gradients(
        lambda p: np.sin(p["s"]) * p["w"][0], {"s": leaf, "w": np.ones(1)}, {"s": np.cos(0.7), "w": np.sin([0.7])}
    )
    wrong = gc.check_gradients(
        lambda p: np.sin(p["s"]) * p["w"][0], {"s": leaf, "w": np.ones(1)}, {"s": np.sin(0.7), "w": np.sin([0.7])}
    )

    assert right.verdict is Verdict.CORRECT
    assert right.parameters["s"].shape == ()
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.worst_entry == "s"


def test_an_object_array_is_refused():
    ragged = np.array([np.zeros(2), np.zeros(3)], dtype=object)

    with pytest.raises(gc.InvalidInputError, match=r"`params`: `rows` has dtype object; .*all rows of one length"):
        gc.check_gradients(lambda p: 0.0, {"rows": ragged}, {"rows": None})


@pytest.mark.parametrize(
    "other",
    [
        np.zeros(2, dtype=[("x", "f8"), ("n", "i4")]),
        np.array(["relu"]),
        np.array([True]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
)
def test_arrays_that_are_no_numbers_are_carried(other):
    seen = []

    def with_other(p):
        seen.append(p["other"])
        return cost(p["w"])

    report = gc.check_gradients(with_other, {"w": W, "other": other}, {"w": np.cos(W) * SCALE})

    assert report.verdict is Verdict.CORRECT
    assert f"not checked: `other` ({other.dtype.name})" in report.notes
    assert all(np.array_equal(array, other) for array in seen)


@pytest.mark.parametrize("other", ["relu", 3, True, None, np.sin])
def test_leaves_that_are_no_arrays_are_carried(other):
    seen = []

    def with_other(p):
        seen.append(p["other"])
        return cost(p["w"])

    report = gc.check_gradients(with_other, {"w": W, "other": other}, {"w": np.cos(W) * SCALE})

    assert report.verdict is Verdict.CORRECT
    assert f"not checked: `other` ({type(other).__name__})" in report.notes
    assert all(leaf is other for leaf in seen)


def test_writing_into_a_carried_array_does_not_reach_the_caller():
    counts = np.zeros(2, dtype=np.int64)

    def counting(p):
        p["counts"] += 1
        return cost(p["w"])

    report = gc.check_gradients(counting, {"w": W, "counts": counts}, {"w": np.cos(W) * SCALE})

    assert report.verdict is Verdict.CORRECT
    assert np.array_equal(counts, [0, 0])


def test_float32_params_are_evaluated_in_float64():
    w = W.astype(np.float32)
    seen = set()

    def watching(p):
        seen.add(p.dtype.name)
        return cost(p)

    right = gc.check_gradients(watching, w, np.cos(w.astype(np.float64)) * SCALE)
    slightly_wrong = gc.check_gradients(cost, w, np.cos(w.astype(np.float64)) * SCALE * (1 + 1e-4))

    assert seen == {"float64"}
    assert right.verdict is Verdict.CORRECT
    assert right.precision == "float64"
    assert right.parameters["theta"].dtype == "float32"
    assert slightly_wrong.verdict is Verdict.SUSPECT
    assert w.dtype == np.float32


def test_native_precision_keeps_float32_and_is_coarser():
    w = W.astype(np.float32)
    scale = SCALE.astype(np.float32)
    seen = set()

    def watching(p):
        seen.add(p.dtype.name)
        return np.sum(np.sin(p) * scale)

    right = gc.check_gradients(watching, w, np.cos(w) * scale, precision="native")
    wrong = gc.check_gradients(watching, w, np.cos(w) * scale[::-1], precision="native")

    assert seen == {"float32"}
    assert right.verdict is Verdict.INSPECT
    assert right.precision == "float32"
    assert right.resolution > 1e-7
    assert wrong.verdict is Verdict.BUG


def test_a_cost_that_insists_on_float32_is_checked_in_it():
    w = W.astype(np.float32)

    def insisting(p):
        if p.dtype != np.float32:
            msg = "a kernel for float32 only"
            raise TypeError(msg)
        return np.sum(np.sin(p))

    report = gc.check_gradients(insisting, w, np.cos(w))

    assert report.verdict is Verdict.INSPECT
    assert report.precision == "float32"
    assert any("cannot be evaluated in float64" in note for note in report.notes)
    with pytest.raises(TypeError, match="a kernel for float32 only"):
        gc.check_gradients(insisting, w, np.cos(w), precision="float64")


def test_a_gradient_that_came_in_float32_is_judged_as_such():
    gradient = (np.cos(W) * SCALE).astype(np.float32)

    report = gc.check_gradients(cost, W, gradient)

    assert report.verdict is Verdict.INSPECT  # agreement is not claimed finer than float32 can tell
    assert report.difference < report.resolution


@pytest.mark.skipif(np.finfo(np.longdouble).eps == np.finfo(np.float64).eps, reason="long double is float64 here")
def test_long_double_params():
    w = W.astype(np.longdouble)

    assert gc.check_gradients(cost, w, np.cos(W) * SCALE).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, w, np.sin(W) * SCALE).verdict is Verdict.BUG


def test_a_cost_that_returns_an_array_of_one():
    assert gc.check_gradients(lambda w: np.array([[cost(w)]]), W, np.cos(W) * SCALE).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: np.array([[cost(w)]]), W, -np.cos(W) * SCALE).verdict is Verdict.BUG

"""Models below float64: the formula in float64, then the native gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import gradcheck_core as gc
from gradcheck_core import Verdict

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
AGREES = "checked in float64; the float32 gradient agrees with it"


@pytest.fixture(autouse=True)
def _same_parameters():
    keras.utils.set_random_seed(0)


def identity_off_by(relative, dtypes=(tf.float32, tf.float64)):
    """The identity, whose gradient is off by so much where its input has one of the dtypes."""

    @tf.custom_gradient
    def identity(x):
        wrong = tf.identity(x).dtype in dtypes
        return tf.identity(x), lambda upstream: upstream * (1 + relative) if wrong else upstream

    return identity


def network(*inner):
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), *inner, keras.layers.Dense(1)]
    )


def square(model):
    return tf.reduce_sum(model(X) ** 2)


class Affine(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2))
        self.rest = [{"b": tf.Variable([0.3, -0.2])}]
        self.compiled = tf.function(self.plain)

    def plain(self, x):
        return tf.tanh(x @ self.w + self.rest[0]["b"])

    @tf.function
    def __call__(self, x):
        return self.plain(x)


@pytest.mark.parametrize(("relative", "verdict"), [(1e-4, Verdict.SUSPECT), (1e-2, Verdict.BUG)])
def test_a_wrong_formula_that_float32_would_hide_is_found(relative, verdict):
    model = network()
    off = identity_off_by(relative)

    def cost(model):
        hidden, last = model.layers
        return tf.reduce_sum(last(off(hidden(X))) ** 2)

    report = gc.check_gradients(cost, model)

    assert report.precision == "float64"
    assert {name for name, found in report.parameters.items() if found.verdict is verdict} == {
        f"{model.layers[0].name}.kernel",
        f"{model.layers[0].name}.bias",
    }
    assert all(p.verdict is Verdict.CORRECT for name, p in report.parameters.items() if model.layers[1].name in name)
    assert gc.check_gradients(cost, model, precision="native").worst.difference < 10 * relative


def test_a_gradient_that_is_wrong_in_float32_only_is_told_from_a_wrong_formula():
    off = identity_off_by(0.05, (tf.float32,))
    params = {"w": tf.Variable(X), "b": tf.Variable(X)}

    report = gc.check_gradients(lambda p: tf.reduce_sum(tf.sin(off(p["w"]))) + tf.reduce_sum(p["b"] ** 2), params)

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.parameters["b"].verdict is Verdict.CORRECT
    assert "right in float64, but the float32 gradient of `w` is off by more than rounding explains" in report.notes


def test_a_wrong_formula_is_not_said_to_be_right_in_float64():
    off = identity_off_by(0.05)

    report = gc.check_gradients(lambda w: tf.reduce_sum(tf.sin(off(w))), tf.Variable(X))

    assert report.verdict is Verdict.BUG
    assert not any("right in float64" in note for note in report.notes)


@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_variables_and_tensors_of_any_precision(make, dtype):
    params = {"net": [make(tf.cast(X, dtype))], "b": make(tf.constant(0.5, dtype))}

    report = gc.check_gradients(lambda p: tf.reduce_sum(tf.tanh(p["net"][0] * 2 + p["b"])), params)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert report.parameters["net.0"].dtype == dtype
    assert params["b"].dtype.name == dtype
    assert np.array_equal(params["net"][0], tf.cast(X, dtype))


def test_the_data_may_come_as_arguments_or_be_closed_over_in_any_form():
    w = tf.Variable(X.T)
    data = {"array": X, "tensor": tf.constant(X), "variable": tf.Variable(X)}

    for x in data.values():
        through_args = gc.check_gradients(lambda w, d: tf.reduce_sum(tf.sin(d[0] @ w)), w, args=([x],))
        closing_over = gc.check_gradients(lambda w, x=x: tf.reduce_sum(tf.sin(x @ w)), w)

        assert through_args.verdict is closing_over.verdict is Verdict.CORRECT
        assert through_args.precision == closing_over.precision == "float64"
    assert data["variable"].dtype is tf.float32


@pytest.mark.parametrize(
    "mixing",
    [
        lambda w, x: w @ tf.transpose(x),
        lambda w, x: tf.concat([x, w], 0) ** 2,
        lambda w, x: tf.stack([w, x]) ** 2,
        lambda w, x: tf.where(x > 0, w**2, x),
        lambda w, x: tf.einsum("ij,kj->ik", w, x) ** 2,
        lambda w, x: tf.add_n([w**2, x]),
        lambda w, x: tf.clip_by_value(w, x - 5, x + 5) ** 2,
        lambda w, x: tf.nn.conv1d(w[None], x[:, :, None][:2], 1, "VALID") ** 2,
        lambda w, x: keras.ops.softmax(w) * x,
        lambda w, x: tf.cast(w, tf.float32) ** 2 * x,
        lambda w, x: tf.nn.sigmoid_cross_entropy_with_logits(labels=x**2, logits=w),
        lambda w, x: tf.cast(tf.range(3), tf.float32) * w**2,
        lambda w, x: tf.linalg.matvec(w, x[0]) ** 2,
        lambda w, x: tf.abs(tf.signal.rfft(tf.cast(w**2, tf.float32)))[:, 0],
        lambda w, x: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.sin(a * w)), (0, x))[1],
    ],
)
def test_operations_that_mix_precisions_are_done_in_float64(mixing):
    w = tf.Variable(X[:, ::-1] * 0.7 + 0.2)
    x = tf.constant(X)
    off = identity_off_by(1e-4)

    right = gc.check_gradients(lambda w: tf.reduce_sum(mixing(w, x)), w)
    wrong = gc.check_gradients(lambda w: tf.reduce_sum(mixing(off(w), x)), w)

    assert right.verdict is Verdict.CORRECT
    assert right.precision == "float64"
    assert wrong.verdict is Verdict.SUSPECT


def test_a_module_with_functions_lists_and_a_keras_layer():
    module = Affine()
    module.layer = keras.layers.Dense(1)
    module.layer.build((None, 2))
    handles = [variable.handle for variable in module.variables]
    off = identity_off_by(1e-3)

    def cost(m, wrap):
        return tf.reduce_sum(m.layer(wrap(m(X)) + m.compiled(X)) ** 2)

    report = gc.check_gradients(cost, module, args=(tf.identity,))
    wrong = gc.check_gradients(cost, module, args=(off,))

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert {"w", "rest.0.b"} < set(report.parameters)
    assert {name for name, p in wrong.parameters.items() if not p.verdict.passed} == {"w", "rest.0.b"}
    assert all(
        v.handle is handle and v.dtype is tf.float32 for v, handle in zip(module.variables, handles, strict=True)
    )
    assert module(X).dtype is tf.float32


def test_tied_variables_stay_tied():
    w = tf.Variable(X[:3])

    report = gc.check_gradients(lambda p: tf.reduce_sum(p[0] @ tf.tanh(p[1])), [w, w])

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["0"]


def test_a_gradient_written_by_hand_gets_the_params_in_float64():
    w = tf.Variable(X)

    def cost(w):
        return tf.reduce_sum(tf.sin(w) * X)

    assert gc.check_gradients(cost, w, lambda w: tf.cos(w) * X).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, w, lambda w: 1.001 * tf.cos(w) * X).verdict is Verdict.SUSPECT


@pytest.mark.parametrize(
    "make", [lambda: keras.layers.Dropout(0.5, seed=3), lambda: lambda x, training: tf.nn.dropout(x, 0.5)]
)
def test_dropout_has_the_same_mask_as_natively(make):
    w = tf.Variable(X + 2)
    drop = make()

    report = gc.check_gradients(
        lambda d: tf.reduce_sum(tf.sin(d["drop"](d["w"] * 1.0, training=True))), {"w": w, "drop": drop}
    )

    assert report.verdict is Verdict.CORRECT
    assert any(note.startswith(AGREES) for note in report.notes)

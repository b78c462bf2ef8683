"""What a check in float64 leaves of the caller's as it was, and what it does not reach."""

import threading
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python import pywrap_tfe

import gradcheck_core as gc
from gradcheck_core import Verdict

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
Y = np.sin(np.arange(4, dtype=np.float32)).reshape(4, 1)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    made = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, "tanh", dtype="mixed_bfloat16"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Dense(1),
        ]
    )
    made.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    made.fit(X, Y, verbose=0)
    return made


def square(model):
    return tf.reduce_sum(model(X, training=True) ** 2)


def held(model):
    variables = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    layers = [model, *model.layers]
    return (
        [(id(v), id(v.value), id(v.value.handle), v.dtype, v.value.dtype.name) for v in variables],
        [(id(layer), id(layer.dtype_policy), layer.compute_dtype, layer.built) for layer in layers],
        [v.numpy().tobytes() for v in variables],
        id(model.train_function),
        tf.config.functions_run_eagerly(),
        id(pywrap_tfe.TFE_Py_FastPathExecute),
        keras.config.floatx(),
        keras.config.dtype_policy().name,
    )


def test_everything_of_a_model_is_the_same_afterwards_and_it_trains_on(model):
    twin = keras.models.clone_model(model)
    twin.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    twin.fit(X, Y, verbose=0)
    for to, of in zip(
        [*twin.variables, *twin.optimizer.variables], [*model.variables, *model.optimizer.variables], strict=True
    ):
        to.assign(of)
    before = held(model)

    report = gc.check_gradients(square, model)

    assert report.precision == "float64"
    assert report.passed
    assert held(model) == before
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    twin.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.variables, twin.variables, strict=True))
    assert all(v.dtype != "float64" for v in [*model.variables, *model.optimizer.variables])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("call", [1, 2, 9])
def test_an_error_leaves_everything(model, error, call):
    before = held(model)
    calls = []

    def failing(model):
        calls.append(1)
        if len(calls) >= call:
            raise error
        return square(model)

    with pytest.raises(error):
        gc.check_gradients(failing, model)

    assert held(model) == before


def test_a_function_traced_before_is_seen_and_gets_no_trace(model):
    traces = []

    @tf.function
    def closing_over(x):
        traces.append(1)
        return tf.reduce_sum(model(x) ** 2)

    first = closing_over(tf.constant(X))
    report = gc.check_gradients(lambda _: closing_over(tf.constant(X)), model, include="dense*")
    traced = len(traces)
    model.layers[-1].bias.assign_add([1.0])

    assert report.precision == "float64"
    assert report.verdict is Verdict.CORRECT
    assert closing_over(tf.constant(X)).dtype is tf.float32
    assert closing_over(tf.constant(X)) != first
    assert len(traces) == traced


def test_a_function_traced_with_its_variables_baked_in_is_found():
    class Inner(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(2)
            self.last = keras.layers.Dense(1)

        @tf.function
        def body(self, x):
            return self.first(x)

        def call(self, x):
            return self.last(self.body(x))

    keras.utils.set_random_seed(0)
    baked = Inner()
    baked(X)  # Keras builds the model without its variables, and the trace keeps what it found in their place

    report = gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), baked)

    assert {name.split(".")[0] for name, p in report.parameters.items() if not p.verdict.passed} == {baked.first.name}
    assert any(note.startswith("right in float64, but the float32 gradient of") for note in report.notes)


def test_a_cost_that_closes_over_its_model_or_variables_is_checked_in_float64(model):
    w = tf.Variable(X)

    through_model = gc.check_gradients(lambda _: square(model), model, exclude="batch*")
    through_variable = gc.check_gradients(lambda _: tf.reduce_sum(tf.sin(w)), w)

    assert through_model.verdict is through_variable.verdict is Verdict.CORRECT
    assert through_model.precision == through_variable.precision == "float64"


def test_a_concrete_function_has_the_callers_variables_and_is_checked_on_them():
    w = tf.Variable(X)
    concrete = tf.function(lambda: tf.reduce_sum(tf.sin(w))).get_concrete_function()

    report = gc.check_gradients(lambda _: concrete(), w)

    assert report.precision == "float32"
    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)
    assert (
        "the cost does not use the params it is given, but its own reference to them; checked in float32"
    ) in report.notes


@pytest.mark.parametrize(
    ("insisting", "error"),
    [
        (lambda w: tf.debugging.assert_type(w, tf.float32), TypeError),
        (lambda w: tf.function(lambda: tf.gradients(tf.sin(w), w))(), RuntimeError),
    ],
)
def test_a_cost_that_insists_on_its_precision_is_checked_in_it_with_a_note(insisting, error):
    w = tf.Variable(X)

    def cost(w):
        insisting(w)
        return tf.reduce_sum(tf.sin(w))

    report = gc.check_gradients(cost, w)

    assert report.precision == "float32"
    assert f"the cost cannot be evaluated in float64 ({error.__name__}); checked in float32" in report.notes
    with pytest.raises(error):
        gc.check_gradients(cost, w, precision="float64")


@pytest.fixture
def quantised():
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Keras about NumPy
        made.layers[0].quantize("int8")
    return made


def test_a_quantised_layer_is_checked_as_it_is(quantised):
    before = [(v.dtype, v.numpy().tobytes()) for v in quantised.variables]

    report = gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), quantised, include=f"{quantised.layers[1].name}*")

    assert report.precision == "float32"
    assert "the cost cannot be evaluated in float64 (TypeError); checked in float32" in report.notes
    assert [(v.dtype, v.numpy().tobytes()) for v in quantised.variables] == before


def test_float64_that_is_refused_while_it_is_opened_leaves_everything(model, quantised):
    before = held(model)

    with pytest.raises(TypeError, match="is quantised"):
        gc.check_gradients(lambda p: square(p[0]) + square(p[1]), [model, quantised], precision="float64")

    assert held(model) == before
    assert tf.convert_to_tensor(model(X)).dtype is tf.float32


def test_native_precision_is_what_it_was():
    w = tf.Variable(X)
    seen = []

    def cost(w):
        seen.append(
            (w.dtype, tf.cast(tf.constant(1.0, tf.float64), tf.float32).dtype, tf.config.functions_run_eagerly())
        )
        return tf.reduce_sum(tf.sin(w))

    report = gc.check_gradients(cost, w, precision="native")

    assert report.precision == "float32"
    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)
    assert report.resolution > 1e-7
    assert set(seen) == {(tf.float32, tf.float32, False)}


def test_only_the_thread_of_the_check_computes_in_float64():
    seen = []

    def elsewhere():
        wide = tf.constant(1.0, tf.float64)
        seen.append(tf.cast(wide, tf.float32).dtype)
        with pytest.raises(tf.errors.InvalidArgumentError):
            wide + tf.constant(1.0)

    def cost(w):
        if not seen:
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
        return tf.reduce_sum(tf.sin(w))

    assert gc.check_gradients(cost, tf.Variable(X)).verdict is Verdict.CORRECT
    assert seen == [tf.float32]


class Remembering(keras.Layer):
    """Keeps things of its first call and of its last one."""

    def __init__(self):
        super().__init__()
        self.table, self.seen, self.tables = None, [], {}
        self.dense = keras.layers.Dense(3, activity_regularizer="l2")

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        if self.table is None:
            self.table = tf.cumsum(tf.ones_like(x))
        if "square" not in self.tables:
            self.tables["square"] = self.table**2
        self.seen.append(x)
        self.last = self.dense(x)
        return self.last * self.table + self.tables["square"]


class RememberingModule(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(X.T)
        self.table = None

    def __call__(self, x):
        if self.table is None:
            self.table = tf.cumsum(tf.ones_like(x @ self.w))
        return (x @ self.w) * self.table


@pytest.mark.parametrize("make", [Remembering, RememberingModule])
def test_what_a_model_keeps_of_its_calls_is_not_kept_from_float64(make):
    keras.utils.set_random_seed(0)
    keeping = make()
    if make is Remembering:
        keeping.build((None, 3))

    report = gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), keeping)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert keeping(X).dtype is tf.float32
    assert keeping.table.dtype is tf.float32
    if make is Remembering:
        assert {x.dtype for x in keeping.seen} == {tf.float32}
        assert [loss.dtype for loss in keeping.losses] == [tf.float32]


def test_a_layer_that_is_built_by_the_cost_gets_no_float64_weights():
    class Late(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(2)
            self.second = keras.layers.Dense(1)

        def call(self, x):
            return self.second(self.first(x))

    late = Late()
    late.first.build((None, 3))

    with pytest.raises(gc.InvalidInputError, match="made variables in its first call"):
        gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), late)

    assert {v.dtype for v in late.variables} == {"float32"}
    assert gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), late).verdict is Verdict.CORRECT


def test_a_model_that_is_only_used_by_its_parts():
    class Coder(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder = keras.Sequential([keras.layers.Dense(2, "tanh")])
            self.decoder = keras.Sequential([keras.layers.Dense(3)])

    coder = Coder()
    coder.decoder(coder.encoder(X))

    report = gc.check_gradients(lambda m: tf.reduce_sum((m.decoder(m.encoder(X)) - X) ** 2), coder)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert not coder.built
    assert coder.decoder(coder.encoder(X)).dtype is tf.float32

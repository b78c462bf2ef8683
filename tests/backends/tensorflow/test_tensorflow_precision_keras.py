"""Keras models of every kind below float64, evaluated in float64 and given back untouched."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import gradcheck_core as gc
from gradcheck_core import Verdict

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
Y = np.sin(np.arange(4, dtype=np.float32)).reshape(4, 1)
SERIES = np.sin(np.arange(8, dtype=np.float32)).reshape(2, 2, 2)
IMAGES = np.sin(np.arange(50, dtype=np.float32)).reshape(2, 5, 5, 1)
WORDS = np.array([[0, 2, 2], [1, 4, 0]])


@pytest.fixture(autouse=True)
def _same_parameters():
    keras.utils.set_random_seed(0)


@tf.custom_gradient
def off(x):
    """The identity, whose gradient is wrong by a thousandth."""
    return tf.identity(x), lambda upstream: 1.001 * upstream


class Residual(keras.Layer):
    """A layer that cannot be made again from a config, with a constant of its own."""

    def __init__(self, scale):
        super().__init__()
        self.scale = tf.constant(scale)
        self.inner = [keras.layers.Dense(1, activation="tanh"), {"last": keras.layers.Dense(3)}]

    def build(self, shape):
        self.gain = self.add_weight(shape=(3,), initializer="ones")
        self.inner[0].build(shape)
        self.inner[1]["last"].build((None, 1))

    def call(self, x):
        return x + self.gain * self.inner[1]["last"](self.inner[0](x)) * self.scale


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [Residual(0.5), Residual(0.25)]
        self.head = keras.layers.Dense(1)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def functional():
    inner_in = keras.Input((2,))
    inner = keras.Model(inner_in, keras.layers.Dense(2, activation="gelu")(inner_in))
    shared = keras.layers.Dense(2, activation="tanh")
    a, b = keras.Input((3,)), keras.Input((3,))
    joined = keras.layers.Concatenate()([inner(shared(a)), shared(b) * 2.0])
    return keras.Model([a, b], keras.layers.Dense(1)(keras.ops.tanh(joined)))


class Attention(keras.Model):
    def __init__(self):
        super().__init__()
        self.attend = keras.layers.MultiHeadAttention(1, 1)

    def call(self, x):
        return self.attend(x, x)


# made inside, so that the seed comes first
KINDS = {
    "sequential": (lambda: [keras.layers.Dense(3, "gelu"), keras.layers.Dense(2)], X),
    "functional": (functional, [X, X[::-1]]),
    "subclassed": (Subclassed, X),
    "attention": (Attention, SERIES),
    "convolution": (
        lambda: [
            keras.layers.Conv2D(2, 2),
            keras.layers.BatchNormalization(),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
        ],
        IMAGES,
    ),
    "embedding": (
        lambda: [keras.layers.Embedding(5, 2), keras.layers.LayerNormalization(), keras.layers.Dense(1)],
        WORDS,
    ),
    "lstm": (lambda: [keras.layers.LSTM(1, return_sequences=True), keras.layers.Dense(1)], SERIES),
    "gru": (lambda: [keras.layers.GRU(1)], SERIES),
    "lambda": (lambda: [keras.layers.Dense(3), keras.layers.Lambda(lambda x: x * tf.constant([0.5, 1.0, 2.0]))], X),
    "casting": (
        lambda: [keras.layers.Dense(3), keras.layers.Lambda(lambda x: tf.cast(x, "float32")), keras.layers.Dense(2)],
        X,
    ),
}


def total(model, x, wrap=tf.identity):
    return tf.reduce_sum(keras.ops.sin(wrap(model(x, training=True))) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_every_kind_is_right_in_float64_and_a_thousandth_is_seen(kind):
    make, x = KINDS[kind]
    made = make()
    model = keras.Sequential(made) if isinstance(made, list) else made
    model(x)
    before = [(variable, variable.value, variable.numpy()) for variable in model.variables]

    report = gc.check_gradients(total, model, args=(x,))
    wrong = gc.check_gradients(total, model, args=(x, off), include=list(report.parameters)[-1])

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert any(note.startswith("checked in float64; the float32 gradient agrees with it") for note in report.notes)
    assert wrong.verdict is Verdict.SUSPECT
    for variable, value, numbers in before:
        assert variable.value is value
        assert variable.dtype == value.dtype.name == numbers.dtype.name
        assert np.array_equal(variable, numbers)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_lower_and_mixed_policies(policy):
    model = keras.Sequential(
        [keras.layers.Dense(4, activation="tanh", dtype=policy), keras.layers.Dense(2, dtype=policy)]
    )
    model.build((None, 3))

    report = gc.check_gradients(lambda m: tf.reduce_sum(tf.cast(m(X), tf.float32) ** 2), model)
    wrong = gc.check_gradients(lambda m: tf.reduce_sum(tf.cast(off(m(X)), tf.float32) ** 2), model)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert wrong.verdict is Verdict.SUSPECT
    assert all(layer.dtype_policy.name == policy for layer in model.layers)
    assert model(X).dtype == model.layers[0].compute_dtype


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.MeanSquaredError(),
        keras.losses.BinaryCrossentropy(from_logits=True),
        lambda y, p: keras.losses.mean_squared_error(y, p),
    ],
)
def test_losses_compute_in_float64_and_keep_their_own_dtype(loss, compiled):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    y = np.abs(Y)

    def cost(model):
        return loss(y, model(X))

    report = gc.check_gradients(tf.function(cost) if compiled else cost, model)
    wrong = gc.check_gradients(lambda model: loss(y, off(model(X))), model)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert wrong.verdict is Verdict.SUSPECT
    assert tf.convert_to_tensor(cost(model)).dtype is tf.float32


def test_a_compiled_model_with_its_own_loss_metrics_and_regularisers():
    layers = [keras.layers.Dense(3, "tanh", kernel_regularizer="l2"), keras.layers.Dense(1, activity_regularizer="l2")]
    model = keras.Sequential(layers)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)

    def cost(model):
        return model.compute_loss(X, Y, model(X, training=True))

    metrics = [metric.numpy() for metric in model.metrics_variables]
    report = gc.check_gradients(cost, model)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert all(map(np.array_equal, model.metrics_variables, metrics))


@pytest.mark.parametrize("training", [False, True])
def test_dropout_and_moving_statistics(training):
    model = keras.Sequential(
        [
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5, seed=3),
            keras.layers.Dense(1),
        ]
    )
    model.build((None, 3))
    before = [variable.numpy() for variable in model.variables]

    report = gc.check_gradients(lambda m: tf.reduce_sum(tf.sin(m(X, training=training))), model)

    assert report.passed
    assert report.precision == "float64"
    assert all(map(np.array_equal, model.variables, before))


def test_tied_layers_are_one_parameter():
    tied = keras.layers.Dense(3, activation="tanh")
    model = keras.Sequential([keras.Input((3,)), tied, keras.layers.Activation("tanh"), tied])

    report = gc.check_gradients(lambda p: total(p["model"], p["layer"](X)), {"model": model, "layer": tied})

    assert report.verdict is Verdict.CORRECT
    assert len(report.parameters) == 2

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_models import NAMES, Subclassed, functional, sequential, subclassed

import gradcheck_core as gc
from gradcheck_core import Verdict

X = tf.constant(np.linspace(-1, 1, 12).reshape(4, 3) ** 3)


@pytest.fixture(autouse=True)
def in_float64():
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # which Keras derives from floatx only once
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@tf.custom_gradient
def doubled(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return tf.identity(x), lambda upstream: 2 * upstream


@pytest.fixture(params=[sequential, functional, subclassed])
def model(request):
    return request.param()


def squared(model):
    return tf.reduce_sum(model(X) ** 2)


def test_a_model_is_correct_under_the_names_of_its_layers(model):
    report = gc.check_gradients(squared, model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == NAMES


def test_a_wrong_gradient_is_a_bug_in_the_layer_behind_it(model):
    first, last = model.layers[-2:]

    report = gc.check_gradients(lambda m: tf.reduce_sum(last(doubled(first(X))) ** 2), model)

    assert report.verdict is Verdict.BUG
    assert {name for name, found in report.parameters.items() if not found.verdict.passed} == {
        "dense.kernel",
        "dense.bias",
    }


def test_gradients_by_hand_under_the_same_names(model):
    def by_tape(m):
        with tf.GradientTape() as tape:
            loss = squared(m)
        return dict(zip(NAMES, tape.gradient(loss, m.trainable_variables), strict=True))

    def stale(m):
        return {name: gradient * 1.01 for name, gradient in by_tape(m).items()}

    assert gc.check_gradients(squared, model, by_tape).verdict is Verdict.CORRECT
    assert gc.check_gradients(squared, model, stale).verdict is Verdict.BUG


def test_a_model_inside_a_function(model):
    assert gc.check_gradients(tf.function(squared), model).verdict is Verdict.CORRECT


def test_a_compiled_model_and_its_metrics(model):
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model.fit(X, tf.zeros((4, 2), tf.float64), verbose=0)
    before = [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]

    report = gc.check_gradients(lambda m: keras.losses.MeanSquaredError()(tf.zeros((4, 2), tf.float64), m(X)), model)

    assert report.verdict is Verdict.CORRECT
    after = [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]
    assert all(map(np.array_equal, before, after))


def test_models_inside_models():
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3, "tanh", name="dense")], name="inner")
    outer = keras.Sequential([keras.Input((3,)), inner, layers.Dense(1, name="dense")], name="outer")

    report = gc.check_gradients(squared, outer)

    assert report.verdict is Verdict.CORRECT
    assert [name for name in report.parameters if name.endswith("dense.kernel")] == [
        "inner.dense.kernel",
        "dense.kernel",
    ]


def test_layers_in_a_nesting_and_single_variables():
    dense = layers.Dense(2, name="dense")
    dense.build((None, 3))
    scale = keras.Variable(0.7, dtype="float64", name="scale")

    report = gc.check_gradients(
        lambda p: tf.reduce_sum(p["net"][0](X) ** 2) * p["scale"], {"net": [dense], "scale": scale}
    )

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["net.0.kernel", "net.0.bias", "scale"]


def test_layers_inside_a_module():
    class Mixed(tf.Module):
        def __init__(self):
            super().__init__()
            self.scale = tf.Variable(0.7, dtype=tf.float64)
            self.layers = [layers.Dense(2, name="dense"), doubled]
            self.layers[0].build((None, 3))

    report = gc.check_gradients(lambda m: tf.reduce_sum(m.layers[0](X) ** 2) * m.scale, Mixed())
    wrong = gc.check_gradients(lambda m: tf.reduce_sum(m.layers[1](m.layers[0](X)) ** 2) * m.scale, Mixed())

    assert report.verdict is Verdict.CORRECT
    assert set(report.parameters) == {"scale", "layers.0.kernel", "layers.0.bias"}
    assert wrong.verdict is Verdict.BUG
    assert wrong.parameters["scale"].verdict is Verdict.CORRECT


def regularised():
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, name="dense", use_bias=False),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5),
            layers.GaussianNoise(0.1),
            layers.Dense(2, name="out"),
        ]
    )


@pytest.mark.parametrize("traced", [lambda cost: cost, tf.function])
def test_training_with_batch_norm_and_dropout_is_repeatable_and_undone(traced):
    model = regularised()
    model(X, training=True)
    before = [variable.numpy() for variable in model.variables]

    report = gc.check_gradients(traced(lambda m: tf.reduce_sum(m(X, training=True) ** 2)), model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["dense.kernel", "norm.gamma", "norm.beta", "out.kernel", "out.bias"]
    assert any("`norm.moving_mean` (frozen), `norm.moving_variance` (frozen)" in note for note in report.notes)
    assert all(map(np.array_equal, before, [variable.numpy() for variable in model.variables]))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_training_leaves_everything(error):
    model = regularised()
    before = [variable.numpy() for variable in model.variables]
    calls = []

    def failing(m):
        value = tf.reduce_sum(m(X, training=True) ** 2)
        calls.append(1)
        if len(calls) == 5:
            raise error
        return value

    with pytest.raises(error):
        gc.check_gradients(failing, model)
    assert all(map(np.array_equal, before, [variable.numpy() for variable in model.variables]))


def test_a_wrong_gradient_through_dropout_is_a_bug():
    model = regularised()
    dense, norm, drop, noise, out = model.layers

    def cost(m):
        return tf.reduce_sum(out(noise(drop(doubled(norm(dense(X), training=True)), training=True))) ** 2)

    report = gc.check_gradients(cost, model)

    assert report.verdict is Verdict.BUG
    assert report.parameters["out.kernel"].verdict is Verdict.CORRECT
    assert not report.parameters["dense.kernel"].verdict.passed


def test_layers_set_to_not_trainable_are_frozen(model):
    model.layers[-2].trainable = False

    report = gc.check_gradients(squared, model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["out.kernel", "out.bias"]
    assert "not checked: `dense.kernel` (frozen), `dense.bias` (frozen)" in report.notes


def test_a_layer_used_twice_is_checked_once():
    x = keras.Input((3,))
    dense = layers.Dense(3, "tanh", name="dense")
    model = keras.Model(x, dense(dense(x)))

    report = gc.check_gradients(squared, model)
    one_use_forgotten = gc.check_gradients(lambda m: tf.reduce_sum(dense(tf.stop_gradient(dense(X)))), model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["dense.kernel", "dense.bias"]
    assert one_use_forgotten.verdict is Verdict.BUG


def test_layers_of_one_name_have_two_names_in_the_report():
    first, second = layers.Dense(3, name="dense"), layers.Dense(3, name="dense")

    class Twice(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = first, second

        def call(self, x):
            return self.second(self.first(x))

    twice = Twice()
    twice(X)

    report = gc.check_gradients(squared, twice)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["dense.kernel", "dense.bias", "dense.kernel.2", "dense.bias.2"]


def test_an_embedding():
    embedding = layers.Embedding(5, 2, name="words")
    embedding.build()
    tokens = tf.constant([1, 3, 1])

    report = gc.check_gradients(lambda e: tf.reduce_sum(tf.sin(e(tokens))), embedding)
    wrong = gc.check_gradients(lambda e: tf.reduce_sum(doubled(tf.sin(e(tokens)))), embedding)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["embeddings"]
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.worst_index[0] in (1, 3)


def test_an_unbuilt_model_is_refused():
    unbuilt = keras.Sequential([layers.Dense(2)])

    with pytest.raises(
        gc.InvalidInputError, match="the Sequential `theta` has no variables yet; build it by calling it"
    ):
        gc.check_gradients(squared, unbuilt)


def test_a_model_that_is_built_by_the_cost_is_refused():
    class Late(Subclassed):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(shape=(), name="scale")

    with pytest.raises(
        gc.InvalidInputError, match=r"`cost` made variables in its first call \(dense.kernel, dense.bias"
    ):
        gc.check_gradients(squared, Late())

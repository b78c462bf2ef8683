"""What migrations get wrong, done otherwise in TensorFlow and Keras: each is the model that was written that way."""

import importlib
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gradcheck_tensorflow import TensorflowBackend
from gradcheck_tensorflow.causes import find_alterations

X = np.linspace(-1, 1, 2 * 8 * 8 * 3).reshape(2, 8, 8, 3)
WIDE = {"dtype": "float64"}


def altered(cost, params):
    """By kind, what the altered costs give."""
    backend = TensorflowBackend()
    with backend.open(cost, params, (), "native", 0) as problem:
        found = list(find_alterations(problem))
    results = []
    for alteration in found:
        with backend.open(alteration.altered(cost), params, (), "native", 0) as problem:
            results.append((alteration.kind, float(problem.evaluate())))
    return results


def among(results, kind, outputs):
    expected = float(squares(outputs))
    return any(math.isclose(value, expected, rel_tol=1e-14) for found, value in results if found == kind)


def squares(outputs):
    return tf.reduce_sum(outputs**2)


def called(model, **mode):
    return lambda m: squares(m(tf.constant(X), **mode))


def model_of(*parts):
    model = keras.Sequential([keras.Input(X.shape[1:], **WIDE), *parts])
    generator = np.random.default_rng(4)
    model.set_weights([generator.uniform(0.5, 1.5, size=w.shape) for w in model.get_weights()])
    return model


def test_a_module_that_is_imported_by_its_own_name_is_altered_too():
    # it is another object, which takes the place of `tf.nn`
    relu = importlib.import_module("tensorflow.nn").relu
    w = tf.Variable([0.3, -1.2, 2.0], dtype=tf.float64)

    results = altered(lambda w: squares(tf.nn.gelu(relu(w))), w)

    assert among(results, "gelu", tf.nn.gelu(relu(w), approximate=True))


@pytest.mark.parametrize("approximate", [True, False])
def test_gelu_is_exact_or_by_its_approximation(approximate):
    w = tf.Variable(np.array([0.3, -1.2, 2.0]))
    other = tf.nn.gelu(w, approximate=not approximate)

    for gelu in (lambda w, **keywords: tf.nn.gelu(w, **keywords), keras.activations.gelu):
        for wrap in (lambda cost: cost, tf.function):
            cost = wrap(lambda w, gelu=gelu: squares(gelu(w, approximate=approximate)))
            assert among(altered(cost, w), "gelu", other)


GELUS = {
    "by name": ("gelu", False),
    "Keras's": (keras.activations.gelu, False),
    "an operation": (keras.ops.gelu, True),
    "TensorFlow's": (tf.nn.gelu, False),
}


@pytest.mark.parametrize("layer", [layers.Dense, layers.Conv2D, layers.Activation])
@pytest.mark.parametrize(("gelu", "approximate"), GELUS.values(), ids=GELUS)
def test_the_gelu_of_a_keras_layer_is_exact_or_by_its_approximation(layer, gelu, approximate):
    arguments = {layers.Dense: (4,), layers.Conv2D: (2, 3), layers.Activation: ()}[layer]
    given, linear = (
        model_of(layers.Dense(4, **WIDE), layer(*arguments, activation=activation, **WIDE))  # with the same weights
        for activation in (gelu, "linear")
    )
    held = given.layers[1].activation

    other = tf.nn.gelu(linear(tf.constant(X)), approximate=not approximate)
    assert among(altered(called(given), given), "gelu", other)
    assert given.layers[1].activation is held


@pytest.mark.parametrize("kind", [layers.LayerNormalization, layers.BatchNormalization])
def test_layers_have_other_epsilons(kind):
    model = model_of(kind(epsilon=1e-3, **WIDE))
    results = altered(called(model), model)
    model.layers[0].epsilon = 1e-5

    assert among(results, "epsilon", model(tf.constant(X)))


@pytest.mark.parametrize("kind", [layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D])
def test_a_strided_window_is_padded_alike_on_both_sides(kind):
    size = {"filters": 2, "kernel_size": 3} if kind is layers.Conv2D else {"pool_size": 3}
    scale = layers.BatchNormalization(**WIDE)  # so that there is a parameter
    model = model_of(scale, kind(**size, strides=2, padding="same", **WIDE))
    before = scale(tf.constant(X))
    padded = tf.pad(before, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
    if kind is layers.Conv2D:
        zeros = tf.where(tf.math.is_finite(padded), padded, 0.0)
        expected = tf.nn.conv2d(zeros, model.layers[1].kernel.value, 2, "VALID") + model.layers[1].bias.value
    elif kind is layers.MaxPooling2D:
        expected = tf.nn.max_pool2d(padded, 3, 2, "VALID")
    else:
        inside = tf.cast(tf.math.is_finite(padded), tf.float64)
        sums = tf.nn.avg_pool2d(tf.where(inside > 0, padded, 0.0), 3, 2, "VALID")
        expected = sums / tf.nn.avg_pool2d(inside, 3, 2, "VALID")

    assert among(altered(called(model), model), "padding", expected)


def test_images_are_read_as_if_they_were_reshaped():
    model = model_of(layers.Conv2D(2, 3, **WIDE))
    reshaped = np.moveaxis(X.reshape(2, 3, 8, 8), 1, -1)

    assert among(altered(called(model), model), "layout", model(tf.constant(reshaped)))


def test_volumes_are_read_with_height_and_width_swapped():
    volumes = tf.constant(np.linspace(-1, 1, 2 * 3 * 4 * 5 * 2).reshape(2, 3, 4, 5, 2) ** 3)
    kernel = tf.Variable(np.linspace(0.5, 1.5, 2 * 2 * 3 * 2).reshape(2, 2, 3, 2, 1))

    def convolve(data):
        return tf.nn.conv3d(data, kernel, [1] * 5, "VALID")

    results = altered(lambda kernel: squares(convolve(volumes)), kernel)

    assert among(results, "layout", convolve(tf.transpose(volumes, (0, 1, 3, 2, 4))))


def test_batch_norm_and_dropout_are_in_the_other_mode():
    model = model_of(layers.BatchNormalization(**WIDE), layers.Dropout(0.4, **WIDE))
    results = altered(called(model, training=True), model)
    norm = model.layers[0]
    moving = [variable.numpy() for variable in norm.non_trainable_variables]
    by_batch = norm(tf.constant(X), training=True)
    for variable, value in zip(norm.non_trainable_variables, moving, strict=True):
        variable.assign(value)

    assert among(results, "dropout", by_batch)
    assert among(results, "mode", norm(tf.constant(X), training=False))


def test_casts_down_are_left_out():
    w = tf.Variable(np.array([0.3, -1.2, 2.0]))
    results = altered(lambda w: squares(tf.cast(tf.cast(w, tf.bfloat16), tf.float64)), w)

    assert among(results, "dtype", w)


def test_nothing_of_the_callers_changes():
    model = model_of(
        layers.Conv2D(2, 3, 2, padding="same", **WIDE),
        layers.BatchNormalization(**WIDE),
        layers.Activation("gelu", **WIDE),
        layers.Dropout(0.4, **WIDE),
    )
    functions = [tf.nn.gelu, tf.nn.convolution, tf.nn.experimental.stateless_dropout, tf.cast, tf.pad]
    attributes = [dict(vars(layer)) for layer in model.layers]
    values = [weight.copy() for weight in model.get_weights()]
    altered(called(model, training=True), model)

    assert [tf.nn.gelu, tf.nn.convolution, tf.nn.experimental.stateless_dropout, tf.cast, tf.pad] == functions
    assert all(np.array_equal(now, before) for now, before in zip(model.get_weights(), values, strict=True))
    for layer, before in zip(model.layers, attributes, strict=True):
        now = vars(layer)
        assert set(now) == set(before)
        assert all(now[name] is value for name, value in before.items())

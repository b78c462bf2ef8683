"""Forward mode, second derivatives and complex numbers through TensorFlow's own structures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import gradcheck_core as gc
from gradcheck_core import Verdict

X = np.linspace(-1, 1, 12).reshape(4, 3)


def network(dtype="float64"):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, activation="tanh", dtype=dtype), keras.layers.Dense(2, dtype=dtype)]
    return keras.Sequential([keras.Input((3,)), *layers])


def square(model):
    return tf.reduce_sum(model(X) ** 2)


@pytest.mark.parametrize("options", [{"mode": "forward"}, {"order": 2}])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_keras_model(dtype, options):
    model = network(dtype)
    before = [variable.numpy() for variable in model.variables]

    report = gc.check_gradients(square, model, **options)

    assert report.verdict is Verdict.CORRECT
    assert all(np.array_equal(now.numpy(), then) for now, then in zip(model.variables, before, strict=True))


def sine(factor):
    @tf.custom_gradient
    def apply(x):
        return tf.sin(x), lambda upstream: factor * upstream * tf.cos(x)

    return lambda w: tf.reduce_sum(apply(w))


def test_a_custom_gradient_in_both_modes():
    w = tf.constant([0.3, -1.1, 0.7], tf.float64)

    assert gc.check_gradients(sine(1.0), w).verdict is Verdict.CORRECT
    assert gc.check_gradients(sine(1.0), w, order=2).verdict is Verdict.CORRECT
    wrong = gc.check_gradients(sine(2.0), w)
    assert wrong.verdict is Verdict.BUG
    # TensorFlow's forward mode goes through what the function computes, not through its custom rule
    assert any("forward mode agrees with the differences, but reverse mode does not" in note for note in wrong.notes)


def test_a_stopped_gradient_inside_the_rule_is_a_bug_of_order_2_only():
    @tf.custom_gradient
    def apply(x):
        return tf.sin(x), lambda upstream: upstream * tf.stop_gradient(tf.cos(x))

    w = tf.constant([0.3, -1.1, 0.7], tf.float64)

    assert gc.check_gradients(lambda w: tf.reduce_sum(apply(w)), w).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: tf.reduce_sum(apply(w)), w, order=2).verdict is Verdict.BUG


def test_second_derivatives_of_an_embedding():
    # its gradient comes as IndexedSlices
    table = tf.Variable(np.random.default_rng(0).normal(size=(5, 2)))

    report = gc.check_gradients(lambda t: tf.reduce_sum(tf.sin(tf.gather(t, [0, 3, 3]))), table, order=2)

    assert report.verdict is Verdict.CORRECT


def test_a_complex_variable_in_a_traced_function():
    z = tf.Variable([1 + 2j, 0.5 - 1j], dtype=tf.complex128)
    cost = tf.function(lambda z: tf.reduce_sum(tf.abs(tf.exp(z)) ** 2))

    assert gc.check_gradients(cost, z).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, z, order=2).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda z: tf.reduce_sum(tf.abs(tf.exp(z)) ** 2), z, mode="forward").passed


def test_complex_outputs():
    report = gc.check_gradients(lambda w: tf.signal.fft(tf.cast(w, tf.complex128)), tf.constant(X[0]))

    assert report.verdict is Verdict.CORRECT

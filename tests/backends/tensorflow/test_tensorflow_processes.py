import keras
import numpy as np
import pytest
import tensorflow as tf
from reports import alike

import gradcheck_core as gc
from gradcheck_core.evaluate import pool


@pytest.fixture(autouse=True)
def every_sweep_is_worth_sending(monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)


def test_a_function_that_was_traced_before_travels_too():
    x = np.random.default_rng(0).normal(size=(6, 3))
    params = [tf.Variable(np.random.default_rng(1).normal(size=3)), tf.Variable(0.25, dtype=tf.float64)]
    cost = tf.function(lambda p: tf.reduce_mean(tf.tanh(tf.linalg.matvec(x, p[0]) + p[1]) ** 2))

    reports = [gc.check_gradients(cost, params, n_jobs=n) for n in (1, 2)]

    assert reports[1].verdict is gc.Verdict.CORRECT
    assert alike(*reports)


# Keras pickles a model as a file of weights, and h5py, which writes it, asks NumPy in a manner of before NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_keras_model_travels():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(6, 3))

    reports = [gc.check_gradients(lambda m: tf.reduce_mean(m(x, training=True) ** 2), model, n_jobs=n) for n in (1, 2)]

    assert reports[1].passed
    assert reports[1].precision == "float64"
    assert alike(*reports)

"""Keras models for whatever framework Keras computes with, and what every adapter has to say of them."""

import keras
import numpy as np
from keras import layers

from gradcheck_core.protocol import registry

X = np.linspace(-1, 1, 12).reshape(4, 3) ** 3
NAMES = ["dense.kernel", "dense.bias", "out.kernel", "out.bias"]


def sequential():
    return keras.Sequential([keras.Input((3,)), layers.Dense(4, "tanh", name="dense"), layers.Dense(2, name="out")])


def functional():
    x = keras.Input((3,))
    hidden = layers.Dense(4, "tanh", name="dense")(x)
    return keras.Model(x, layers.Dense(2, name="out")(hidden))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4, "tanh", name="dense")
        self.out = layers.Dense(2, name="out")

    def call(self, x):
        return self.out(self.dense(x))


def subclassed():
    model = Subclassed()
    model(X)
    return model


def noisy():
    """Everything that has a state: running averages, random numbers, losses of a layer and of its weights."""
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, "tanh", name="dense", kernel_regularizer="l2"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.25, seed=1, name="dropout"),
            layers.Dense(2, name="out", activity_regularizer="l2"),
        ]
    )


def squared(model):
    return keras.ops.sum(keras.ops.square(model(X)))


def trained(model):
    return keras.ops.sum(keras.ops.square(model(X, training=True))) + sum(model.losses)


def values(model):
    return [registry.to_numpy(variable).copy() for variable in model.variables]

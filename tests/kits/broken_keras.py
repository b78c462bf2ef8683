"""The classifier of `broken_migrations` in Keras, with TensorFlow."""

import keras
import tensorflow as tf
from broken_migrations import EPSILON, FILTERS, HIDDEN, OPTIONS, OUTPUTS, RATE
from keras import layers

from gradcheck_core import GradientCase

WIDE = {"dtype": "float64"}


class Net(keras.Model):
    def __init__(self, mistakes):
        super().__init__(**WIDE)
        self.mistakes = mistakes
        self.pad = layers.ZeroPadding2D(1, **WIDE) if mistakes.padding else layers.Identity(**WIDE)
        self.conv = layers.Conv2D(FILTERS, 3, 2, padding="valid" if mistakes.padding else "same", **WIDE)
        self.norm = layers.BatchNormalization(epsilon=1e-3 if mistakes.epsilon else EPSILON, **WIDE)
        self.dense = layers.Dense(HIDDEN, activation="tanh", **WIDE)
        self.square = layers.Dense(HIDDEN, use_bias=False, **WIDE)
        self.drop = layers.Dropout(RATE, seed=1, **WIDE)
        self.out = layers.Dense(OUTPUTS, use_bias=False, name="out", **WIDE)

    def call(self, images):
        maps = self.norm(self.conv(self.pad(images)), training=self.mistakes.mode)
        maps = keras.activations.gelu(maps, approximate=self.mistakes.gelu)
        if self.mistakes.flatten_order:
            maps = keras.ops.transpose(maps, (0, 3, 1, 2))
        hidden = self.square(self.dense(keras.ops.reshape(maps, (maps.shape[0], -1))))
        if self.mistakes.dtype:
            hidden = keras.ops.cast(keras.ops.cast(hidden, "bfloat16"), "float64")
        bent = keras.ops.softsign(hidden) if self.mistakes.unknown_activation else keras.ops.tanh(hidden)
        return self.out(self.drop(bent, training=self.mistakes.dropout))


def case(drawn, mistakes):
    images = tf.constant(drawn.images)
    model = Net(mistakes)
    model(images)
    for layer, values in (
        (model.conv, [drawn.conv, drawn.conv_bias]),
        (model.norm, [drawn.gain, drawn.shift, drawn.mean, drawn.variance]),
        (model.dense, [drawn.dense, drawn.dense_bias]),
        (model.square, [drawn.square]),
        (model.out, [drawn.out]),
    ):
        layer.set_weights(values)

    def cost(model, images):
        squares = model(images) ** 2
        total = tf.reduce_sum(squares) if mistakes.reduction else tf.reduce_mean(squares)
        return total + 0.1 * tf.reduce_sum(model.out.kernel**2) if mistakes.unknown_penalty else total

    return GradientCase(cost, model, args=(images,), options=OPTIONS)

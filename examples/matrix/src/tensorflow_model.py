"""The classifier in TensorFlow, with Keras."""

import keras
import tensorflow as tf

from gradcheck_core import GradientCase
from weights import HIDDEN_BIAS, HIDDEN_KERNEL, LABELS, OUTPUT_BIAS, OUTPUT_KERNEL, X

keras.config.set_floatx("float64")


def cost(model, x, labels):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=model(x)))


def case():
    hidden = keras.layers.Dense(3, activation=tf.tanh, name="hidden")
    output = keras.layers.Dense(2, name="output")
    model = keras.Sequential([keras.Input((4,)), hidden, output])
    hidden.set_weights([HIDDEN_KERNEL, HIDDEN_BIAS])
    output.set_weights([OUTPUT_KERNEL, OUTPUT_BIAS])
    return GradientCase(cost, model, args=(X, LABELS), name="TensorFlow")

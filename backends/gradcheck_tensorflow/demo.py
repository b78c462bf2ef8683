"""The demonstration network as a TensorFlow user would write it."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradcheck_core import GradientCase

Array = npt.NDArray[np.float64]


def softmax_case(params: dict[str, Array], features: Array, labels: Array) -> GradientCase:
    """A dict of variables and its cross-entropy on the data."""
    variables = {name: tf.Variable(array) for name, array in params.items()}
    return GradientCase(_cost, variables, args=(tf.constant(features), tf.constant(labels)), name="tensorflow")


@tf.function
def _cost(params: dict[str, tf.Variable], features: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    hidden = tf.tanh(features @ params["W1"] + params["b1"])
    logits = hidden @ params["W2"] + params["b2"]
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))

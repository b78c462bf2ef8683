"""One Keras model for whatever framework KERAS_BACKEND names; its numbers come from NumPy.

`KERAS_BACKEND=tensorflow gradcheck record keras_model.py::case -o snapshots/keras.safetensors` recorded it.
"""

import keras
import numpy as np

from gradcheck_core import GradientCase


def numbers():
    """A function that gives arrays of a shape, of numbers that float32 holds too: JAX may have no other."""
    generator = np.random.default_rng(0)
    return lambda shape: generator.integers(-12, 13, size=shape) / 16


def model(activation):
    built = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(3, 3, activation=activation, name="convolution"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(4, name="dense"),
        ],
        name="classifier",
    )
    sixteenths = numbers()
    built.set_weights([sixteenths(weight.shape) for weight in built.weights])
    return built


def case(activation="tanh"):
    """Softmax cross-entropy of five images, in float64."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    classifier = model(activation)
    images = numbers()((5, 6, 6, 2))
    classes = np.eye(4)[[0, 1, 2, 3, 1]]

    def cost(network, x, y):
        logits = network(x)
        return keras.ops.mean(
            keras.ops.logsumexp(logits, axis=-1) - keras.ops.sum(logits * keras.ops.array(y), axis=-1)
        )

    return GradientCase(cost, classifier, args=(images, classes), name="classifier")


def of_another_activation():
    """A mistake in a port: the weights are the same, the function is not."""
    return case("sigmoid")

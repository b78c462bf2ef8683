"""The same model in Keras, on TensorFlow."""

import keras

from gradcheck_core import GradientCase, load_snapshot
from task import CHANNELS, CLASSES, FEATURES, ORIGINAL, UNITS, WIDTH, recordings

keras.config.set_floatx("float64")  # of the losses too, which a layer's own dtype does not reach
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def classifier():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((None, CHANNELS)),
            keras.layers.Conv1D(FEATURES, WIDTH, activation="tanh", name="conv"),
            keras.layers.LSTM(UNITS, name="lstm"),
            keras.layers.Dense(CLASSES, name="dense"),
        ]
    )


def cost(model, x, labels):
    return cross_entropy(labels, model(x))


def case_of(model):
    return GradientCase(cost, model, args=recordings(), name="Keras")


def case():
    return case_of(classifier())


def migrated():
    """With the original's weights, whose LSTM has two biases for every gate."""
    of = load_snapshot(ORIGINAL).theta
    model = classifier()
    conv, lstm, dense = model.layers
    lstm_bias = of["lstm.bias_ih_l0"] + of["lstm.bias_hh_l0"]
    conv.set_weights([of["conv.weight"].transpose(2, 1, 0), of["conv.bias"]])
    lstm.set_weights([of["lstm.weight_ih_l0"].T, of["lstm.weight_hh_l0"].T, lstm_bias])
    dense.set_weights([of["dense.weight"].T, of["dense.bias"]])
    return case_of(model)

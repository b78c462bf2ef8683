"""The same model in Keras, on TensorFlow."""

import keras

from gradcheck_core import GradientCase
from original import weights_for
from task import CHANNELS, CLASSES, FEATURES, UNITS, WIDTH, recordings

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
    """With the original's weights."""
    model = classifier()
    carried = weights_for(model)
    for variable in model.trainable_variables:
        name = variable.path.removeprefix(f"{model.name}/").replace("/", ".")
        variable.assign(carried[name])
    return case_of(model)

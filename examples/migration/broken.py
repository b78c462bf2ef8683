"""A migration that went wrong: the gates of the LSTM in PyTorch's order, as they fit Keras and Flax."""

import numpy_model


def case():
    return numpy_model.migrated(order=(0, 1, 2, 3))

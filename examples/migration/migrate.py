"""Holds every port against the original, with finite differences as the referee."""

import flax_model
import keras_model
import numpy_model
import torch_model
from gradcheck_core import compare_gradients

report = compare_gradients(
    {
        "PyTorch": torch_model.case(),
        "NumPy": numpy_model.migrated(),
        "Keras": keras_model.migrated(),
        "Flax": flax_model.migrated(),
    },
    reference="PyTorch",
)
print(report)

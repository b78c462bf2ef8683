"""Holds every migrated model against the original, with finite differences as the referee."""

import flax_model
import keras_model
import numpy_model
import torch_model

from gradcheck_core import compare_gradients

original = torch_model.case()
for port in (numpy_model, keras_model, flax_model):
    migrated = port.migrated()
    print(compare_gradients({original.name: original, migrated.name: migrated}, reference=original.name))

"""Holds every port against the original, with finite differences as the referee."""

import flax_model
import keras_model
import numpy_model
import torch_model
from gradcheck_core import compare_gradients, infer_mapping

original = torch_model.case()

for port in (numpy_model.migrated(), keras_model.migrated(), flax_model.migrated()):
    mapping = infer_mapping(original.params, port.params)
    print(compare_gradients({"PyTorch": original, port.name: port}, reference="PyTorch", mapping=mapping))
    print()

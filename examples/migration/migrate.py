"""Holds every port against the original, with finite differences as the referee."""

import flax_model
import keras_model
import numpy_model
import torch_model

from gradcheck_core import compare_gradients, infer_mapping

original = torch_model.case()
ports = {case.name: case for case in (numpy_model.migrated(), keras_model.migrated(), flax_model.migrated())}

for name, port in ports.items():
    print(f"{name}, told by the values:")
    for target, entry in infer_mapping(original.params, port.params).entries.items():
        sources = entry.source if isinstance(entry.source, tuple) else (entry.source,)
        print(f"  {target:<31} = {' + '.join(sources)}, axes {list(entry.axes)}")
    print()

print(compare_gradients({original.name: original, **ports}, reference=original.name))

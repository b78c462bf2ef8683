"""Many layers: each has its own, in work that grows as their number does."""

import cProfile

import numpy as np
from carried import RNG, normal

from gradcheck_core import infer_mapping


def test_layers_of_a_flat_structure_are_told_by_their_numbers():
    source, target = {}, {}
    for i in RNG.permutation(40):
        weight = normal(4, 4)
        source |= {f"W{i}": weight, f"b{i}": np.zeros(4)}
        target |= {f"kernel{i + 1}": weight.T, f"bias{i + 1}": np.zeros(4)}

    mapping = infer_mapping(source, dict(sorted(target.items())))

    assert not mapping.unresolved
    assert all(mapping.entries[f"bias{i + 1}"].source == f"b{i}" for i in range(40))


def chain(layers):
    """Dense layers with fresh biases in the two common layouts."""
    weights = RNG.normal(size=(layers, 6, 6))
    source, target = {}, {}
    for i, weight in enumerate(weights):
        source |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": np.zeros(6)}
        target |= {f"dense_{i}.kernel": weight.T, f"dense_{i}.bias": np.zeros(6)}
    return source, target


def calls_for(layers):
    """How many functions are called, which no other load on the machine changes."""
    source, target = chain(layers)
    profile = cProfile.Profile()
    mapping = profile.runcall(infer_mapping, source, target)
    calls = sum(entry.callcount for entry in profile.getstats())
    assert all(entry.source.split(".")[1] == name.split(".")[0][6:] for name, entry in mapping.entries.items())
    assert len(mapping.entries) == 2 * layers
    return calls


def test_work_grows_with_the_number_of_parameters_and_not_with_its_square():
    assert calls_for(1000) < 8 * calls_for(250)  # 4 times as many; their square would be 16 times as much

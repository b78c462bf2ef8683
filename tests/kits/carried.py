"""Weights by chance, and the same ones as another framework stores them."""

import numpy as np

RNG = np.random.default_rng(20)


def normal(*shape):
    return RNG.normal(size=shape)


def only_unresolved(mapping):
    assert not mapping.entries
    (reason,) = mapping.unresolved.values()
    return reason


def fused():
    """PyTorch's GRU, (r, z, n), and Keras', (z, r, n), with the same weights."""
    order = [slice(4, 8), slice(0, 4), slice(8, 12)]
    torch = {
        "weight_ih_l0": normal(12, 3),
        "weight_hh_l0": normal(12, 4),
        "bias_ih_l0": normal(12),
        "bias_hh_l0": normal(12),
    }

    def gates(name):
        return np.concatenate([torch[name][gate] for gate in order])

    keras = {
        "kernel": gates("weight_ih_l0").T,
        "recurrent_kernel": gates("weight_hh_l0").T,
        "bias": np.stack([gates("bias_ih_l0"), gates("bias_hh_l0")]),
    }
    return torch, keras

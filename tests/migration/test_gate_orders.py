"""Fused gates in any order, found by their values."""

import itertools
from types import MappingProxyType

import numpy as np
import pytest

from gradcheck_core import infer_mapping

UNITS = 5
WEIGHT = np.random.default_rng(0).normal(size=(4 * UNITS, 3))  # PyTorch's: gates along the first axis


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_every_order_of_four_gates_is_found(order):
    kernel = np.concatenate([WEIGHT[gate * UNITS : (gate + 1) * UNITS] for gate in order]).T

    mapping = infer_mapping({"weight_ih_l0": WEIGHT}, {"kernel": kernel})

    assert dict(mapping.unresolved) == {}
    np.testing.assert_array_equal(mapping.apply({"weight_ih_l0": WEIGHT})["kernel"], kernel)


def test_shuffled_rows_are_no_gates():
    kernel = WEIGHT[np.random.default_rng(1).permutation(4 * UNITS)].T

    assert list(infer_mapping({"weight": WEIGHT}, {"kernel": kernel}).unresolved) == ["kernel"]


def test_a_read_only_mapping_is_one_too():
    mapping = infer_mapping(MappingProxyType({"weight": WEIGHT}), MappingProxyType({"kernel": WEIGHT.T}))

    assert mapping.entries["kernel"].axes == (1, 0)

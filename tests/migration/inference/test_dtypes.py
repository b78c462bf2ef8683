"""Values are compared as finely as the coarser side stores them."""

import numpy as np
import pytest
from carried import fused, normal, only_unresolved

from gradcheck_core import infer_mapping


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_values_are_compared_in_the_narrower_dtype(dtype):
    torch, keras = fused()
    narrow = {name: value.astype(dtype) for name, value in keras.items()}

    assert not infer_mapping(torch, narrow).unresolved
    assert not infer_mapping(narrow, torch).unresolved


def test_values_that_went_through_a_checkpoint_in_float32_are_found():
    torch, keras = fused()
    loaded = {name: value.astype("float32").astype("float64") for name, value in keras.items()}

    assert not infer_mapping(torch, loaded).unresolved
    assert not infer_mapping(loaded, torch).unresolved


def test_round_numbers_are_still_compared_to_the_last_bit():
    weight = np.arange(12.0).reshape(3, 4)
    changed = weight.T.copy()
    changed[2, 1] += 1e-9

    assert only_unresolved(infer_mapping({"w": weight}, {"w": changed})).startswith("11 of its 12 values are in `w`")


def test_values_that_differ_within_one_dtype_are_other_values():
    weight = normal(4, 3).astype("float32")

    mapping = infer_mapping({"w": weight, "b": normal(3).astype("float32")}, {"w": np.nextafter(weight, np.float32(9))})

    assert "values" not in {entry.found_by for entry in mapping.entries.values()}


def test_complex_values_are_found():
    weight = normal(3, 4) + 1j * normal(3, 4)

    mapping = infer_mapping({"w": weight, "v": weight.conj()}, {"a": weight.conj().T, "b": weight.T})

    assert (mapping.entries["a"].source, mapping.entries["b"].source) == ("v", "w")


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_single_numbers_are_told_apart_by_their_value(shape):
    source = {"a": np.full(shape, 0.25), "b": np.full(shape, 0.75)}

    mapping = infer_mapping(source, {"x": np.full(shape, 0.75), "y": np.full(shape, 0.25)})

    assert (mapping.entries["x"].source, mapping.entries["y"].source) == ("b", "a")

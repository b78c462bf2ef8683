"""Names decide where values do not: equal ones, or others than the source's."""

import sys

import numpy as np
import pytest
from carried import RNG, fused, normal

from gradcheck_core import MappingError, infer_mapping


def test_layers_of_equal_values_are_told_apart_by_their_numbers():
    weight = normal(4, 4)
    source = {f"{i}.weight": weight for i in range(0, 24, 2)}
    target = {"dense.kernel": weight.T} | {f"dense_{i}.kernel": weight.T for i in RNG.permutation(range(1, 12))}

    mapping = infer_mapping(source, target)

    assert mapping.entries["dense.kernel"].source == "0.weight"
    assert all(mapping.entries[f"dense_{i}.kernel"].source == f"{2 * i}.weight" for i in range(1, 12))
    assert {entry.found_by for entry in mapping.entries.values()} == {"order"}


def test_fresh_scales_and_shifts_are_told_apart_by_their_kind_and_layer():
    source = {"bn.weight": np.ones(3), "bn.bias": np.zeros(3), "ln.weight": np.ones(4), "ln.bias": np.zeros(4)}
    target = {
        "norm.gamma": np.ones(3),
        "norm.beta": np.zeros(3),
        "norm_1.gamma": np.ones(4),
        "norm_1.beta": np.zeros(4),
    }

    found = {name: entry.source for name, entry in infer_mapping(source, target).entries.items()}

    assert found == dict(zip(target, source, strict=True))


def test_kinds_of_norms_are_told_apart_by_their_abbreviations():
    ones = np.ones(3)
    source = {"bn.weight": ones, "norm.weight": ones, "bn2.weight": ones}
    target = {f"{name}.gamma": ones for name in ("layer_normalization", "batch_normalization_1", "batch_normalization")}

    found = {name: entry.source for name, entry in infer_mapping(source, target).entries.items()}

    assert found == {
        "layer_normalization.gamma": "norm.weight",
        "batch_normalization.gamma": "bn.weight",
        "batch_normalization_1.gamma": "bn2.weight",
    }


def test_names_decide_between_equal_constants():
    source = {"encoder.norm.weight": np.ones(3), "decoder.norm.weight": np.ones(3)}
    target = {"decoder.norm.scale": np.ones(3), "encoder.norm.scale": np.ones(3)}

    mapping = infer_mapping(source, target)

    assert mapping.entries["decoder.norm.scale"].source == "decoder.norm.weight"
    assert mapping.entries["encoder.norm.scale"].source == "encoder.norm.weight"
    assert mapping.entries["encoder.norm.scale"].found_by == "names"


def test_copies_of_a_layer_with_fused_projections_are_told_apart_by_their_numbers():
    parts = {name: normal(8, 2, 4) for name in ("query", "key", "value")}
    joined = np.concatenate([part.reshape(8, 8).T for part in parts.values()])
    source = {f"layers.{i}.self_attn.in_proj_weight": joined for i in range(12)}
    source |= {f"layers.{i}.self_attn.in_proj_bias": np.zeros(24) for i in range(12)}
    target = {f"block_{i}.{name}.kernel": part for i in RNG.permutation(12) for name, part in parts.items()}
    target |= {f"block_{i}.{name}.bias": np.zeros((2, 4)) for i in RNG.permutation(12) for name in parts}

    forth, back = infer_mapping(source, target), infer_mapping(target, source)

    assert not forth.unresolved
    for name, entry in forth.entries.items():
        number = name.split(".")[0].removeprefix("block_")
        kind = "bias" if name.endswith("bias") else "weight"
        assert entry.source == f"layers.{number}.self_attn.in_proj_{kind}"
    assert not back.unresolved
    assert back.entries["layers.11.self_attn.in_proj_weight"].source == tuple(
        f"block_11.{name}.kernel" for name in parts
    )


def test_a_missing_scipy_is_explained_where_it_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    zeros = np.zeros(3)

    assert infer_mapping({"w": normal(2, 3)}, {"w": normal(2, 3)}).entries
    with pytest.raises(MappingError, match=r"SciPy is not installed: pip install 'gradcheck\[migration\]'"):
        infer_mapping({"a.bias": zeros, "c.bias": zeros}, {"x.bias": zeros, "c.beta": zeros})


# Where the weights were not carried over.


def test_shapes_and_names_map_models_of_other_values():
    source = {"conv.weight": normal(4, 3, 2, 2), "fc1.weight": normal(5, 7), "fc2.weight": normal(5, 5)}
    target = {"conv.kernel": normal(2, 2, 3, 4), "fc1.kernel": normal(7, 5), "fc2.kernel": normal(5, 5)}

    mapping = infer_mapping(source, target)

    assert {name: entry.source for name, entry in mapping.entries.items()} == dict(zip(target, source, strict=True))
    assert [entry.axes for entry in mapping.entries.values()] == [(2, 3, 1, 0), (1, 0), (1, 0)]
    assert "values" not in {entry.found_by for entry in mapping.entries.values()}


def test_gates_of_other_values_are_not_guessed():
    torch, keras = fused()
    keras = {name: normal(*value.shape) for name, value in keras.items()}

    mapping = infer_mapping(torch, keras)

    assert not mapping.entries
    assert "whose gates or projections have an order that shapes do not show" in mapping.unresolved["kernel"]


def test_a_model_of_other_values_is_itself_by_its_names():
    names = ["a.w", "b.w", "c.0.x", "c.1.x"]

    mapping = infer_mapping({name: normal(3, 3) for name in names}, {name: normal(3, 3) for name in names})

    assert {name: entry.source for name, entry in mapping.entries.items()} == {name: name for name in names}
    assert {entry.axes for entry in mapping.entries.values()} == {(0, 1)}

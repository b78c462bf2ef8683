import cProfile
import sys

import numpy as np
import pytest

from gradcheck_core import MappingError, infer_mapping

RNG = np.random.default_rng(20)


def normal(*shape):
    return RNG.normal(size=shape)


def only_unresolved(mapping):
    assert not mapping.entries
    (reason,) = mapping.unresolved.values()
    return reason


# What must not be found.


@pytest.mark.parametrize("shape", [(12,), (3, 4), (2, 3, 4)])
def test_shuffled_values_are_no_permutation_of_axes(shape):
    weight = normal(*shape)
    shuffled = RNG.permutation(weight.reshape(-1)).reshape(shape)

    reason = only_unresolved(infer_mapping({"w": weight}, {"w": shuffled}))

    assert reason == "it has the values of `w`, in an order that views, slices and permutations of axes do not give"


@pytest.mark.parametrize("order", [[2, 3, 0, 1], [0, 2, 1, 3], [4, 5, 0, 1, 2, 3], [3, 4, 0, 2, 6, 7, 1, 5]])
def test_a_few_values_in_another_order_are_no_blocks(order):
    bias = normal(len(order))

    assert "order" in only_unresolved(infer_mapping({"b": bias}, {"b": bias[order]}))


def test_shuffled_rows_are_no_permutation_of_axes():
    weight = normal(6, 4)

    assert "in an order that" in only_unresolved(infer_mapping({"w": weight}, {"w": weight[[3, 0, 5, 1, 2, 4]]}))


@pytest.mark.parametrize("flip", [np.s_[::-1], np.s_[:, ::-1]])
def test_a_reversed_axis_is_no_permutation_of_axes(flip):
    weight = normal(5, 4)

    assert "in an order that" in only_unresolved(infer_mapping({"w": weight}, {"w": weight[flip]}))


@pytest.mark.parametrize("entry", [(0, 0), (2, 1), (3, 2)])
def test_one_changed_entry_is_no_match_and_is_named(entry):
    weight, bias = normal(4, 3), normal(4)
    changed = weight.T.copy()
    changed[entry[::-1]] += 1e-9

    mapping = infer_mapping({"w": weight, "b": bias}, {"kernel": changed, "bias": bias})

    assert mapping.entries["bias"].source == "b"
    place = rf"\[{entry[1]}, {entry[0]}\]"
    assert list(mapping.unresolved) == ["kernel"]
    reason = mapping.unresolved["kernel"]
    assert reason.startswith("11 of its 12 values are in `w`; the first that is in no source")
    assert reason.endswith(f"is that at {place}".replace("\\", ""))


def test_one_changed_entry_of_a_bias_is_no_match():
    bias = normal(9)
    changed = bias.copy()
    changed[4] = 0.5

    assert only_unresolved(infer_mapping({"b": bias}, {"b": changed})).startswith("8 of its 9 values are in `b`")


def test_equal_constants_of_equal_shapes_with_unrelated_names_are_not_told_apart():
    zeros = np.zeros(3)

    mapping = infer_mapping({"p": zeros, "q": zeros}, {"x": zeros, "y": zeros})

    assert not mapping.entries
    assert mapping.unresolved["x"] == "`p`, `q` have its shape and values, and names do not tell which it is"


def test_a_reason_lists_a_few_names_and_counts_the_others():
    zeros = np.zeros(3)

    mapping = infer_mapping(dict.fromkeys("pqrstu", zeros), dict.fromkeys("uvwxyz", zeros))

    assert mapping.entries["u"].source == "u"
    assert mapping.unresolved["z"].startswith("`p`, `q`, `r` and 2 more have its shape and values")


def test_a_symmetric_matrix_between_unknown_names_is_ambiguous():
    half = normal(4, 4)

    reason = only_unresolved(infer_mapping({"a": half + half.T}, {"b": half + half.T}))

    assert (
        reason == "by its name it is `a`, and axes [0, 1] and axes [1, 0] all carry the one onto the other; write which"
    )


def test_one_source_does_not_feed_two_targets():
    table = normal(5, 4)

    mapping = infer_mapping({"embed.weight": table}, {"embed.embedding": table, "head.kernel": table.T})

    assert not mapping.entries
    assert set(mapping.unresolved.values()) == {
        "the values that `embed.embedding` and `head.kernel` share, `embed.weight` has in the source; "
        "where a weight is tied on one side only, gradients cannot be carried over"
    }


def test_a_target_whose_values_are_partly_new_is_not_found():
    bias = normal(8)

    mapping = infer_mapping({"b": bias, "w": normal(2, 2)}, {"b": np.concatenate([bias[:4], normal(4)])})

    assert only_unresolved(mapping).startswith("4 of its 8 values are in `b`; the first")


def test_more_layers_than_the_source_has_are_not_matched_by_their_numbers():
    zeros = np.zeros(3)
    source = {"layer.0.bias": zeros, "layer.1.bias": zeros}
    target = {f"dense_{i}.bias": zeros for i in range(3)}

    mapping = infer_mapping(source, target)

    assert not mapping.entries
    assert "its name is one of 3, as `dense_0.bias`, and those of the source, as `layer.0.bias`, are 2" in set(
        mapping.unresolved.values()
    )


# What has to be found.


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


def test_gates_in_another_order_are_found_and_carried():
    torch, keras = fused()

    for source, target in ((torch, keras), (keras, torch)):
        mapping = infer_mapping(source, target)
        assert not mapping.unresolved
        assert all(np.array_equal(mapping.apply(source)[name], target[name]) for name in target)


def test_gates_of_a_bias_of_zeros_follow_those_of_the_weight():
    torch, keras = fused()
    torch = {name: 0 * value if "bias" in name else value for name, value in torch.items()}
    keras["bias"] = 0 * keras["bias"]

    mapping = infer_mapping(torch, keras)

    labels = {"bias_ih_l0": np.arange(12.0), "bias_hh_l0": np.arange(12.0) + 100}
    carried = mapping.apply({**torch, **labels})["bias"]
    order = [4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11]
    assert mapping.entries["bias"].found_by == "structure"
    assert carried.tolist() == [order, [100 + each for each in order]]


def test_heads_of_a_fused_projection_are_split_and_joined():
    query, key, value = normal(8, 2, 4), normal(8, 2, 4), normal(8, 2, 4)
    joined = np.concatenate([part.reshape(8, 8).T for part in (query, key, value)])
    split = {"query": query, "key": key, "value": value}

    back = infer_mapping({"in_proj_weight": joined}, split)
    forth = infer_mapping(split, {"in_proj_weight": joined})

    assert not back.unresolved
    assert back.entries["key"].terms[0].ranges[0] == (2, 4)
    assert all(np.array_equal(back.apply({"in_proj_weight": joined})[name], split[name]) for name in split)
    assert forth.entries["in_proj_weight"].source == ("query", "key", "value")
    assert np.array_equal(forth.apply(split)["in_proj_weight"], joined)


def test_heads_that_take_turns_in_a_fused_projection_are_found():
    parts = {name: normal(8, 8) for name in ("q", "k", "v")}
    joined = np.stack([part.reshape(2, 4, 8) for part in parts.values()], axis=1).reshape(24, 8)

    mapping = infer_mapping(parts, {"qkv": joined})

    assert np.array_equal(mapping.apply(parts)["qkv"], joined)
    assert not infer_mapping({"qkv": joined}, parts).unresolved


def test_the_order_in_which_a_convolution_is_flattened_is_found():
    dense = normal(2, 4 * 3 * 5)  # channels first
    kernel = dense.reshape(2, 4, 3, 5).transpose(2, 3, 1, 0).reshape(-1, 2)  # channels last

    mapping = infer_mapping({"weight": dense}, {"kernel": kernel})

    assert np.array_equal(mapping.apply({"weight": dense})["kernel"], kernel)


def test_a_sum_of_two_biases_is_found_both_ways():
    one, other = normal(6), normal(6)

    forth = infer_mapping({"l.bias_ih": one, "l.bias_hh": other}, {"l.bias": one + other})
    back = infer_mapping({"l.bias": one + other}, {"l.bias_ih": one, "l.bias_hh": other})

    assert set(forth.entries["l.bias"].source) == {"l.bias_ih", "l.bias_hh"}
    assert forth.entries["l.bias"].found_by == "sum of values"
    assert {back.entries[name].source for name in ("l.bias_ih", "l.bias_hh")} == {"l.bias"}


def test_a_grus_last_bias_is_no_partner_of_the_inputs():
    """r * (W_hn h + b_hn): the gradient by b_hn is another than that by b_in, even where b_hn is zero."""
    torch, _ = fused()
    torch["bias_hh_l0"] = np.zeros(12)
    source = {name: value for name, value in torch.items() if name != "bias_hh_l0"}

    mapping = infer_mapping(source, torch)

    assert list(mapping.unresolved) == ["bias_hh_l0"]


def test_biases_of_zeros_belong_to_the_weight_that_was_found():
    source, target = {}, {}
    for i, j in enumerate(RNG.permutation(5)):
        weight = normal(4, 4)
        source |= {f"{'abcde'[i]}.weight": weight, f"{'abcde'[i]}.bias": np.zeros(4)}
        target |= {f"{'vwxyz'[j]}.kernel": weight.T, f"{'vwxyz'[j]}.bias": np.zeros(4)}

    mapping = infer_mapping(source, dict(sorted(target.items())))

    assert not mapping.unresolved
    for name, entry in mapping.entries.items():
        kernel = mapping.entries[name.replace("bias", "kernel")].source
        assert entry.source.split(".")[0] == kernel.split(".")[0]


def test_a_square_symmetric_weight_goes_the_way_of_the_others():
    half, other = normal(4, 4), normal(3, 4)
    source = {"a.weight": half + half.T, "b.weight": other}

    mapping = infer_mapping(source, {"a.kernel": half + half.T, "b.kernel": other.T})

    assert mapping.entries["a.kernel"].axes == mapping.entries["b.kernel"].axes == (1, 0)


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
    monkeypatch.delitem(sys.modules, "gradcheck_core.migration.inference.assignment", raising=False)
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
    assert "whose gates or projections are in an order that shapes do not tell" in mapping.unresolved["kernel"]


def test_a_model_of_other_values_is_itself_by_its_names():
    names = ["a.w", "b.w", "c.0.x", "c.1.x"]

    mapping = infer_mapping({name: normal(3, 3) for name in names}, {name: normal(3, 3) for name in names})

    assert {name: entry.source for name, entry in mapping.entries.items()} == {name: name for name in names}
    assert {entry.axes for entry in mapping.entries.values()} == {(0, 1)}


# Values as they are stored.


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


@pytest.mark.parametrize("side", ["source_params", "target_params"])
def test_what_has_no_parameters_is_refused(side):
    sides = {"source_params": {"w": normal(2)}, "target_params": {"w": normal(2)}, side: {"n": np.arange(3)}}

    with pytest.raises(MappingError, match=rf"`infer_mapping\({side}=...\)`: `params` holds no floating numbers"):
        infer_mapping(**sides)


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


def test_the_same_mapping_is_found_every_time():
    torch, keras = fused()

    assert infer_mapping(torch, keras) == infer_mapping(torch, keras)

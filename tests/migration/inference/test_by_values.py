"""What has to be found by values: gates, heads, sums and biases, however they are cut and ordered."""

import numpy as np
from carried import RNG, fused, normal

from gradcheck_core import infer_mapping


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


def test_the_same_mapping_is_found_every_time():
    torch, keras = fused()

    assert infer_mapping(torch, keras) == infer_mapping(torch, keras)

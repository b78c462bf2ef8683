"""What must not be found: values in an order of no view, changed, shared, or equal without a name that tells."""

import numpy as np
import pytest
from carried import RNG, normal, only_unresolved

from gradcheck_core import MappingError, infer_mapping


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

    assert reason == "by its name it is `a`, and axes [0, 1] and axes [1, 0] all fit; write in the mapping which it is"


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
    assert "it has one of 3 names such as `dense_0.bias`, but the source has 2 such as `layer.0.bias`" in set(
        mapping.unresolved.values()
    )


@pytest.mark.parametrize("side", ["source_params", "target_params"])
def test_what_has_no_parameters_is_refused(side):
    sides = {"source_params": {"w": normal(2)}, "target_params": {"w": normal(2)}, side: {"n": np.arange(3)}}

    with pytest.raises(
        MappingError, match=rf"`infer_mapping\({side}=...\)`: `params` holds nothing that can be checked"
    ):
        infer_mapping(**sides)

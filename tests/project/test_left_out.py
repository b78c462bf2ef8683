import pytest

import left_out_table
from samples import at, one_by_one, op, real

REASONS = {"lib.shape": "returns integers"}


def test_a_function_that_is_neither_swept_nor_left_out_is_a_gap():
    assert left_out_table.gaps({"lib.sin", "lib.cos", "lib.shape"}, {"lib.sin"}, REASONS) == [
        "neither swept nor left out: lib.cos"
    ]


def test_a_function_that_is_swept_and_left_out_is_a_gap():
    assert left_out_table.gaps({"lib.shape"}, {"lib.shape"}, REASONS) == ["swept, and left out as well: lib.shape"]


def test_a_reason_for_a_function_that_is_gone_is_a_gap():
    assert left_out_table.gaps({"lib.sin"}, {"lib.sin"}, REASONS) == ["left out, but not there: lib.shape"]


def test_nothing_is_missing_where_every_function_is_swept_or_left_out():
    assert left_out_table.gaps({"lib.sin", "lib.shape"}, {"lib.sin"}, REASONS) == []


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_every_function_that_is_left_out_has_a_module_and_a_reason(framework, request):
    table = left_out_table.load(request.config.rootpath / "sweeps" / "left_out" / f"{framework}.toml")

    assert all("." in name and reason for name, reason in table.items())


def test_a_sample_has_the_same_inputs_in_every_run_and_others_than_its_neighbours():
    sample, neighbour = op("lib.sin", real(3)), op("lib.cos", real(3))

    assert (sample.arrays()[0] == op("lib.sin", real(3)).arrays()[0]).all()
    assert (sample.arrays()[0] != neighbour.arrays()[0]).all()


def test_places_one_by_one_are_rows_with_labels_of_their_own():
    rows = one_by_one("lib", "sin cos", (0.0, 1 - 1e-12), "nasty")

    assert len({(row.operator, row.label) for row in rows}) == 4


def test_keywords_go_to_the_operator_and_into_the_label():
    sample = op("lib.sum", at(1.0, 2.0), label="ties", axis=0)

    assert sample.label == "ties, axis=0"
    assert sample.call(lambda x, axis: (x, axis), "input") == ("input", 0)

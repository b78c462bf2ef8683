import pytest

import gradcheck_core as gc
from gradcheck_core.case import select
from gradcheck_core.protocol import Layout

NAMES = ["enc.weight", "enc.bias", "dec.weight", "dec.bias"]
LAYOUT = Layout.of([(name, (2,), "float64") for name in NAMES])


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (None, None, [0, 1, 2, 3]),
        ("*.bias", None, [1, 3]),
        ("enc.weight", None, [0]),
        (["dec.*", "enc.bias"], None, [1, 2, 3]),
        (None, "*.bias", [0, 2]),
        (None, ("enc.*", "dec.bias"), [2]),
        ("enc.*", "*.bias", [0]),
        ("???.bias", None, [1, 3]),
        (None, [], [0, 1, 2, 3]),
        (["*", "enc.*"], None, [0, 1, 2, 3]),  # overlapping patterns choose once
    ],
)
def test_patterns_choose_positions_in_thetas_order(include, exclude, expected):
    assert select(LAYOUT, include, exclude) == tuple(expected)


@pytest.mark.parametrize("case", ["ENC.*", "enc.Bias"])
def test_patterns_heed_upper_and_lower_case(case):
    with pytest.raises(gc.InvalidInputError, match="matches no parameter"):
        select(LAYOUT, case, None)


@pytest.mark.parametrize("argument", ["include", "exclude"])
def test_a_pattern_that_matches_nothing_is_named_with_what_there_is(argument):
    message = f"`{argument}`: the pattern 'bias' matches no parameter; there are {', '.join(NAMES)}$"

    with pytest.raises(gc.InvalidInputError, match=message):
        select(LAYOUT, **{"include": None, "exclude": None, argument: ["*.weight", "bias"]})


@pytest.mark.parametrize(("include", "exclude"), [(None, "*"), ("*.bias", ["*.bias"]), ([], None)])
def test_nothing_left_to_check_is_refused(include, exclude):
    with pytest.raises(gc.InvalidInputError, match=r"leave no parameter to check; there are enc\.weight"):
        select(LAYOUT, include, exclude)


def test_a_long_list_of_names_is_cut():
    many = Layout.of([(f"p{i}", (), "float64") for i in range(12)])

    with pytest.raises(gc.InvalidInputError, match=r"there are p0, .*, p9 and 2 more$"):
        select(many, "w", None)

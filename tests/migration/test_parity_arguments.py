"""The arguments of compare_gradients: what is refused, with what to pass, and which mappings are taken."""

import pytest
from two_layers import BY_HAND, PARAMS, RIGHT, TRANSPOSED, WRONG, backward, compare, loss

import gradcheck_core as gc
from gradcheck_core import GradientCase, ParameterMap, Verdict, compare_gradients, record_snapshot, verify_snapshot


def test_a_mapping_may_be_given_and_may_stand_in_a_file(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text(BY_HAND.to_toml(), encoding="utf-8")

    for mapping in (BY_HAND, path, str(path), {"new": BY_HAND}):
        assert compare(RIGHT, TRANSPOSED, mapping=mapping).verdict is Verdict.CORRECT


@pytest.mark.parametrize(
    ("cases", "options", "message"),
    [
        ([RIGHT, WRONG], {}, r"`cases` of compare_gradients is list; pass a dict from name to GradientCase"),
        ({"old": RIGHT}, {}, r"has 1 case\(s\), and two are needed to compare; add the other side"),
        ({"old": RIGHT, "new": loss}, {}, r"`cases\['new'\]` .* from str to function; pass names and GradientCases"),
        ({"a": RIGHT, "b": WRONG}, {}, r"`reference='old'` .* is not one of the cases; pass one of 'a', 'b'"),
        ({"old": RIGHT, "new": WRONG}, {"policy": 1e-3}, r"`policy=0.001`: pass a VerdictPolicy"),
        ({"old": RIGHT, "new": WRONG}, {"mapping": 3}, r"`mapping` is int for `new`; pass 'auto', a ParameterMap"),
        (
            {"old": RIGHT, "new": WRONG},
            {"mapping": {"x": "auto"}},
            r"`mapping\['x'\]` does not name another side; pass one of new",
        ),
    ],
)
def test_unusable_arguments_are_refused_with_what_to_pass(cases, options, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        compare_gradients(cases, reference="old", **options)


def test_an_error_of_a_side_says_which_side():
    broken = GradientCase(lambda p: float("nan"), PARAMS, backward)
    with pytest.raises(gc.NonFiniteCostError) as raised:
        compare(RIGHT, broken)

    assert "raised by the side `new`" in "".join(raised.value.__notes__)


def test_second_order_is_refused():
    case = GradientCase(loss, PARAMS, backward, options={"order": 2})
    with pytest.raises(gc.InvalidInputError, match=r"side `new` has the option order=2; gradients are compared"):
        compare(RIGHT, case)


def test_a_mapping_for_no_side_is_refused_where_a_snapshot_is_verified(tmp_path):
    record_snapshot(tmp_path / "snap", RIGHT)

    with pytest.raises(
        gc.InvalidInputError, match=r"`mapping\['snapshot'\]` does not name another side; pass one of case"
    ):
        verify_snapshot(tmp_path / "snap", RIGHT, mapping={"snapshot": "x.toml"})


def test_an_entry_for_a_target_that_does_not_exist_is_refused_by_name():
    mistyped = ParameterMap({**BY_HAND.entries, "second.wieght": BY_HAND.entries["second.weight"]})

    with pytest.raises(gc.MappingError, match=r"`second.wieght`, which `new` does not have; .* `second.weight`"):
        compare(RIGHT, TRANSPOSED, mapping=mistyped)


def test_a_path_with_an_equals_sign_is_a_path(tmp_path):
    path = tmp_path / "lr=0.1" / "map.toml"
    path.parent.mkdir()
    path.write_text(BY_HAND.to_toml(), encoding="utf-8")

    for given in (path, str(path)):
        assert compare(RIGHT, TRANSPOSED, mapping=given).verdict is Verdict.CORRECT

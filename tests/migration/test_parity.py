"""compare_gradients with NumPy alone: who is at fault, and nothing passes that was not compared."""

import copy
import json
import pickle

import numpy as np
import pytest
from two_layers import BY_HAND, PARAMS, RIGHT, TRANSPOSED, WRONG, backward, compare, loss, scaled

import gradcheck_core as gc
from gradcheck_core import GradientCase, MapEntry, Outcome, ParameterMap, Verdict, compare_gradients


def test_a_wrong_backward_pass_names_its_side_as_the_culprit():
    report = compare(RIGHT, WRONG)

    assert report.verdict is Verdict.BUG
    assert report.outcome is Outcome.GRADIENTS_DIFFER
    assert report.forward_agrees
    assert report.culprit == "new"
    assert set(report.sides["new"].contradicted) == {"w", "b"}
    verdicts = {row.target: row.gradient_verdict for row in report.rows}
    assert verdicts == {"w": Verdict.BUG, "b": Verdict.BUG, "v": Verdict.CORRECT}


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_differs_and_leaves_the_others_as_they_are(number):
    def backward_with_one(p):
        grads = backward(p)
        grads["b"][1] = number
        return grads

    report = compare(RIGHT, GradientCase(loss, PARAMS, backward_with_one))

    assert (report.verdict, report.outcome, report.culprit) == (Verdict.BUG, Outcome.GRADIENTS_DIFFER, "new")
    assert {row.target for row in report.rows if row.verdict is Verdict.BUG} == {"b"}
    assert {row.verdict for row in report.rows if row.target != "b"} == {Verdict.CORRECT}


def test_the_first_case_is_the_reference_unless_another_is_named():
    cases = {"old": RIGHT, "new": WRONG}

    assert compare_gradients(cases).reference == "old"
    assert compare_gradients(cases, reference="new").reference == "new"


def test_the_reference_can_be_the_culprit():
    assert compare(WRONG, RIGHT).culprit == "old"


def test_sides_that_agree_and_are_both_wrong_do_not_pass():
    report = compare(WRONG, WRONG)

    assert report.verdict is Verdict.BUG
    assert report.outcome is Outcome.CONTRADICTED
    assert report.culprit is None
    assert all(row.verdict is Verdict.CORRECT for row in report.rows)
    with pytest.raises(gc.GradientCheckError, match="finite differences contradict"):
        report.raise_if_failed()


def test_a_right_migration_agrees_through_a_mapping_that_was_found():
    report = compare(RIGHT, TRANSPOSED)

    assert report.verdict is Verdict.CORRECT
    assert report.outcome is Outcome.AGREE
    assert {row.target: (row.source, row.axes) for row in report.rows} == {
        "first.weight": (("w",), (1, 0)),
        "first.bias": (("b",), (0,)),
        "second.weight": (("v",), (1, 0)),
    }


def test_what_the_mapping_leaves_out_is_inconclusive_and_says_why():
    part = ParameterMap({"first.weight": BY_HAND.entries["first.weight"]}, {"first.bias": "to be decided"})
    report = compare(RIGHT, TRANSPOSED, mapping=part)

    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.outcome is Outcome.UNDECIDED
    assert report.unresolved == {
        "first.bias": "to be decided",
        "second.weight": "the mapping has no entry for it",
        "b": "the mapping does not use it",
        "v": "the mapping does not use it",
    }
    assert "to be decided" in str(report)


def test_several_sides_are_each_held_against_the_reference():
    report = compare_gradients({"a": RIGHT, "b": TRANSPOSED, "c": WRONG}, reference="a")

    assert [pair.side for pair in report.pairs] == ["b", "c"]
    assert [pair.outcome for pair in report.pairs] == [Outcome.AGREE, Outcome.GRADIENTS_DIFFER]
    assert {row.side for row in report.rows} == {"b", "c"}
    assert report.culprit == "c"
    assert "c: w" in str(report)


def test_nothing_of_the_callers_is_changed():
    params = copy.deepcopy(PARAMS)
    random_state = np.random.get_state()[1].copy()
    compare(GradientCase(loss, params, backward), GradientCase(lambda p: loss(p) + p["w"].sum(), params, backward))

    assert all(np.array_equal(params[name], value) for name, value in PARAMS.items())
    assert np.array_equal(np.random.get_state()[1], random_state)


def test_the_same_comparison_says_the_same():
    once, again = (compare(RIGHT, scaled(0.3)).to_dict() for _ in range(2))
    for report in (once, again):
        report.pop("seconds")
        for side in report["sides"].values():
            side["report"].pop("seconds")

    assert once == again


def test_reports_as_json_and_html_and_through_pickle(tmp_path):
    report = compare(RIGHT, GradientCase(lambda p: loss(p) + 2.0, PARAMS, backward))
    told = json.loads(report.to_json())
    report.to_html(tmp_path / "report.html")

    assert told["outcome"] == "forward differs"
    assert told["diagnosis"]["kind"] == "constant"
    assert told["sides"]["old"]["report"]["verdict"] == "CORRECT"
    assert "forward" in (tmp_path / "report.html").read_text(encoding="utf-8") or told
    assert pickle.loads(pickle.dumps(report)).to_dict() == report.to_dict()


def test_a_report_of_many_parameters_is_short_and_narrow_and_shows_no_control_characters():
    many = {f"layer\x1b[31m{i}.{'weight' * 8}": np.full(2, 0.1 * i + 0.1) for i in range(30)}
    cost = lambda p: float(sum(np.sum(np.sin(v)) for v in p.values()))  # noqa: E731
    right = GradientCase(cost, many, lambda p: {n: np.cos(v) for n, v in p.items()})
    wrong = GradientCase(cost, many, lambda p: {n: -np.cos(v) for n, v in p.items()})
    lines = str(compare(right, wrong)).splitlines()

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert all(character.isprintable() for line in lines for character in line)


def test_a_tied_source_of_untied_targets_is_blamed_on_the_mapping():
    # J = sum(s**2) + sum(s**4), with s twice on the other side; dJ/ds is the sum of both gradients there
    shared = np.array([0.5, -0.8, 1.1])
    tied = GradientCase(
        lambda p: float(np.sum(p["s"] ** 2) + np.sum(p["s"] ** 4)),
        {"s": shared},
        lambda p: {"s": 2 * p["s"] + 4 * p["s"] ** 3},
    )
    untied = GradientCase(
        lambda p: float(np.sum(p["one"] ** 2) + np.sum(p["two"] ** 4)),
        {"one": shared, "two": shared},
        lambda p: {"one": 2 * p["one"], "two": 4 * p["two"] ** 3},
    )
    by_hand = ParameterMap({name: MapEntry.of("s", (0,)) for name in ("one", "two")})
    text = " ".join(str(compare(tied, untied, mapping=by_hand)).split())

    assert "Next: finite differences contradict neither side, so look at the mapping: " in text
    assert "`s` feeds `one`, `two`" in text
    assert "that finite differences contradict," not in text


def test_the_resolution_of_the_gradients_is_that_of_those_that_are_not_zero():
    params = {"w": PARAMS["w"], "unused": PARAMS["b"]}
    case = GradientCase(
        lambda p: float(np.sum(p["w"] ** 2)), params, lambda p: {"w": 2 * p["w"], "unused": 0 * p["unused"]}
    )
    report = compare(case, case)

    assert report.verdict is Verdict.CORRECT
    assert "Resolution of the gradients: 1.0e+00" not in str(report)
    assert "Resolution of the gradients: " in str(report)

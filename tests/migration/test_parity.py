"""compare_gradients with NumPy alone: what differs, who is at fault, and nothing passes that was not compared."""

import copy
import json
import pickle

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import (
    GradientCase,
    MapEntry,
    Outcome,
    ParameterMap,
    Verdict,
    compare_gradients,
    record_snapshot,
    verify_snapshot,
)

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 3))
PARAMS = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=4), "v": RNG.normal(size=(4, 2))}


def loss(p):
    return float(np.sum((np.tanh(X @ p["w"] + p["b"]) @ p["v"]) ** 2))


def backward(p):
    hidden = np.tanh(X @ p["w"] + p["b"])
    out = 2 * hidden @ p["v"]
    before = (out @ p["v"].T) * (1 - hidden**2)
    return {"w": X.T @ before, "b": before.sum(axis=0), "v": hidden.T @ out}


def without_tanh(p):
    """The mistake of a backward pass that leaves out the derivative of tanh."""
    hidden = np.tanh(X @ p["w"] + p["b"])
    out = 2 * hidden @ p["v"]
    before = out @ p["v"].T
    return {"w": X.T @ before, "b": before.sum(axis=0), "v": hidden.T @ out}


RIGHT = GradientCase(loss, PARAMS, backward)
WRONG = GradientCase(loss, PARAMS, without_tanh)
TRANSPOSED = GradientCase(  # the same model with its matrices the other way round, and other names
    lambda p: loss({"w": p["first.weight"].T, "b": p["first.bias"], "v": p["second.weight"].T}),
    {"first.weight": PARAMS["w"].T.copy(), "first.bias": PARAMS["b"], "second.weight": PARAMS["v"].T.copy()},
    lambda p: {
        "first.weight": (g := backward({"w": p["first.weight"].T, "b": p["first.bias"], "v": p["second.weight"].T}))[
            "w"
        ].T,
        "first.bias": g["b"],
        "second.weight": g["v"].T,
    },
)
BY_HAND = ParameterMap.from_toml(
    """
format = 1
[entries."first.weight"]
source = "w"
axes = [1, 0]
[entries."first.bias"]
source = "b"
axes = [0]
[entries."second.weight"]
source = "v"
axes = [1, 0]
"""
)


def compare(old, new, **options):
    return compare_gradients({"old": old, "new": new}, reference="old", **options)


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


def test_a_mapping_may_be_given_and_may_stand_in_a_file(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text(BY_HAND.to_toml(), encoding="utf-8")

    for mapping in (BY_HAND, path, str(path), {"new": BY_HAND}):
        assert compare(RIGHT, TRANSPOSED, mapping=mapping).verdict is Verdict.CORRECT


def test_what_the_mapping_leaves_out_is_inconclusive_and_says_why():
    part = ParameterMap({"first.weight": BY_HAND.entries["first.weight"]}, {"first.bias": "to be decided"})
    report = compare(RIGHT, TRANSPOSED, mapping=part)

    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.outcome is Outcome.UNDECIDED
    assert report.unresolved == {
        "first.bias": "to be decided",
        "second.weight": "the mapping has no entry for it",
        "b": "the mapping makes nothing of it",
        "v": "the mapping makes nothing of it",
    }
    assert "to be decided" in str(report)


def test_values_that_were_not_carried_over_are_said_before_the_costs():
    fresh = {**PARAMS, "v": np.random.default_rng(9).normal(size=(4, 2))}
    report = compare(RIGHT, GradientCase(loss, fresh, backward))

    assert report.outcome is Outcome.VALUES_DIFFER
    assert report.diagnosis.kind == "values"
    assert "`v` of `new` were not carried over" in report.diagnosis.sentence
    assert "the costs agree exactly" in report.diagnosis.evidence
    assert report.culprit is None


def test_a_constant_that_one_cost_has_is_named():
    report = compare(RIGHT, GradientCase(lambda p: loss(p) + 2.0, PARAMS, backward))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert not report.forward_agrees
    assert report.diagnosis.kind == "constant"
    assert "+2" in report.diagnosis.sentence


def scaled(factor, args=()):
    grads = lambda p, *_: {name: factor * g for name, g in backward(p).items()}  # noqa: E731
    return GradientCase(lambda p, *_: factor * loss(p), PARAMS, grads, args)


@pytest.mark.parametrize(
    ("factor", "args", "kind", "said"),
    [
        (1 / 6, (X,), "reduction", "over 6 items, the length 6 of the arguments"),
        (1 / 18, (X,), "reduction", "over 18 items, the lengths 3 x 6 of the arguments"),
        (1 / 12, (), "reduction", "over 12 items"),
        (0.5, (), "factor", "times 2"),
        (0.3, (), "factor", "times 3.33333333"),
    ],
)
def test_a_constant_factor_of_cost_and_gradients_is_named(factor, args, kind, said):
    report = compare(RIGHT, scaled(factor, args))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis.kind == kind
    assert said in report.diagnosis.sentence


def test_a_small_difference_of_the_costs_is_a_difference_if_the_gradients_differ():
    # 1e-7 of the cost, which is in the band of agreement, but far beyond rounding
    tilted = GradientCase(
        lambda p: loss(p) * (1 + 1e-7 * np.sin(1e5 * p["b"][0])),
        PARAMS,
        lambda p: {
            name: g * (1 + 1e-7 * np.sin(1e5 * p["b"][0]))
            + (1e-2 * np.cos(1e5 * p["b"][0]) * loss(p) * np.eye(1, 4)[0] if name == "b" else 0)
            for name, g in backward(p).items()
        },
    )
    report = compare(RIGHT, tilted)

    assert report.outcome is Outcome.FORWARD_DIFFERS


def test_values_rounded_to_a_lower_precision_are_named():
    half = {name: value.astype(np.float16).astype(np.float64) for name, value in PARAMS.items()}
    same = ParameterMap.identity({name: value.shape for name, value in PARAMS.items()})
    report = compare(RIGHT, GradientCase(loss, half, backward), mapping=same)

    assert report.outcome is Outcome.VALUES_DIFFER
    assert report.diagnosis.kind == "dtype"
    assert "rounded to float16" in report.diagnosis.sentence


def test_a_float32_model_beside_a_float64_one_agrees_as_finely_as_float32_stores():
    single = {name: value.astype(np.float32) for name, value in PARAMS.items()}
    report = compare(RIGHT, GradientCase(loss, single, backward))

    assert report.passed
    assert report.outcome is Outcome.AGREE


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


@pytest.mark.parametrize(
    ("cases", "options", "message"),
    [
        ([RIGHT, WRONG], {}, r"`cases` of compare_gradients is list; pass a dict from name to GradientCase"),
        ({"old": RIGHT}, {}, r"has 1 case\(s\), and two are needed to compare; add the other side"),
        ({"old": RIGHT, "new": loss}, {}, r"`cases\['new'\]` .* from str to function; pass names and GradientCases"),
        ({"a": RIGHT, "b": WRONG}, {}, r"`reference='old'` .* is none of the cases; pass one of 'a', 'b'"),
        ({"old": RIGHT, "new": WRONG}, {"policy": 1e-3}, r"`policy=0.001`: pass a VerdictPolicy"),
        ({"old": RIGHT, "new": WRONG}, {"mapping": 3}, r"`mapping` is int for `new`; pass 'auto', a ParameterMap"),
        (
            {"old": RIGHT, "new": WRONG},
            {"mapping": {"x": "auto"}},
            r"`mapping\['x'\]` is for no other side; pass one of new",
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

    assert "Next: finite differences contradict no side, so look at the mapping: " in text
    assert "`s` feeds `one`, `two`" in text
    assert "that finite differences contradict," not in text


def test_a_mapping_for_no_side_is_refused_where_a_snapshot_is_verified(tmp_path):
    record_snapshot(tmp_path / "snap", RIGHT)

    with pytest.raises(gc.InvalidInputError, match=r"`mapping\['snapshot'\]` is for no other side; pass one of case"):
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


def test_the_resolution_of_the_gradients_is_that_of_those_that_are_not_zero():
    params = {"w": PARAMS["w"], "unused": PARAMS["b"]}
    case = GradientCase(
        lambda p: float(np.sum(p["w"] ** 2)), params, lambda p: {"w": 2 * p["w"], "unused": 0 * p["unused"]}
    )
    report = compare(case, case)

    assert report.verdict is Verdict.CORRECT
    assert "Resolution of the gradients: 1.0e+00" not in str(report)
    assert "Resolution of the gradients: " in str(report)

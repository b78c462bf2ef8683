import copy
import dataclasses
import json
import math
import pickle

import numpy as np
import pytest
import reports

import gradcheck_core as gc
from gradcheck_core import Certificate, Diagnosis, Verdict

DIAGNOSIS = Diagnosis("sign_flipped", "the gradient has the opposite sign", 0.999)
FAILED = reports.report(
    reports.parameter("w", Verdict.BUG, difference=0.5, wrong=((0, 2), (5, 6)), kinks=1, diagnosis=DIAGNOSIS),
    reports.parameter("b", shape=(), worst_index=()),
    certificate=Certificate(bound=0.1, confidence=0.999, directions=10),
    notes=("first", "second"),
)
NOT_FINITE = reports.report(
    reports.parameter("w", Verdict.BUG, difference=math.inf, analytic=math.nan, numeric=-math.inf, error=math.inf),
    difference=math.inf,
)


@pytest.mark.parametrize("record", [FAILED, FAILED.worst, FAILED.certificate, DIAGNOSIS])
def test_records_are_frozen(record):
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)


def test_the_parameters_of_a_report_cannot_be_replaced():
    report = gc.check_gradients(lambda w: float(w @ w), np.ones(2), np.full(2, 2.0))

    with pytest.raises(TypeError):
        report.parameters["theta"] = reports.parameter("theta")


def test_the_keys_of_a_report():
    assert list(FAILED.to_dict()) == [
        "format_version",
        "passed",
        "worst",
        "verdict",
        "difference",
        "resolution",
        "cost",
        "parameters",
        "method",
        "scheme",
        "precision",
        "backend",
        "evaluations",
        "seconds",
        "certificate",
        "notes",
        "order",
        "first",
        "stopped",
    ]


def test_the_keys_and_values_of_a_parameter():
    assert FAILED.to_dict()["parameters"]["w"] == {
        "name": "w",
        "shape": [3, 2],
        "dtype": "float64",
        "verdict": "BUG",
        "difference": 0.5,
        "resolution": 2e-9,
        "worst_index": [2, 1],
        "part": "",
        "analytic": 0.5,
        "numeric": 0.25,
        "error": 1e-10,
        "wrong": [[0, 2], [5, 6]],
        "kinks": 1,
        "diagnosis": {"kind": "sign_flipped", "sentence": "the gradient has the opposite sign", "fit": 0.999},
    }


def test_the_values_of_a_report():
    values = FAILED.to_dict()

    assert (values["format_version"], values["verdict"], values["passed"], values["worst"]) == (1, "BUG", False, "w")
    assert values["certificate"] == {"bound": 0.1, "confidence": 0.999, "directions": 10, "seed": 0, "unseen": []}
    assert values["notes"] == ["first", "second"]
    assert list(values["parameters"]) == ["w", "b"]


def test_every_field_of_a_report_is_in_its_dict():
    fields = {field.name for field in dataclasses.fields(FAILED)}
    assert fields - {"pictures"} <= set(FAILED.to_dict())  # those are for the page and the plots
    assert {field.name for field in dataclasses.fields(FAILED.worst)} == set(FAILED.worst.to_dict())


@pytest.mark.parametrize("report", [FAILED, NOT_FINITE, reports.report()])
def test_json_is_strict_and_says_what_the_dict_says(report):
    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(report.to_json(), parse_constant=refuse) == report.to_dict()


def test_numbers_that_are_not_finite_are_strings():
    values = NOT_FINITE.to_dict()
    worst = values["parameters"]["w"]

    assert (values["difference"], worst["difference"], worst["analytic"]) == ("inf", "inf", "nan")
    assert (worst["numeric"], worst["error"]) == ("-inf", "inf")


@pytest.mark.parametrize("again", [lambda report: pickle.loads(pickle.dumps(report)), copy.copy, copy.deepcopy])
def test_a_report_survives_pickling_and_copying(again):
    assert again(FAILED) == FAILED
    assert str(again(FAILED)) == str(FAILED)


def test_a_report_of_a_real_check_survives_pickling():
    report = gc.check_gradients(lambda w: float(w @ w), np.ones(2), np.full(2, 2.0))

    assert pickle.loads(pickle.dumps(report)) == report


@pytest.mark.parametrize(
    ("verdicts", "differences", "worst"),
    [
        ([Verdict.CORRECT, Verdict.CORRECT], [1e-9, 2e-9], "p1"),
        ([Verdict.BUG, Verdict.INCONCLUSIVE], [0.01, 0.9], "p0"),
        ([Verdict.INSPECT, Verdict.INCONCLUSIVE, Verdict.CORRECT], [1e-6, 0.0, 1e-8], "p1"),
        ([Verdict.BUG, Verdict.BUG, Verdict.BUG], [0.5, math.inf, 1.0], "p1"),
        ([Verdict.BUG, Verdict.BUG], [0.5, 0.5], "p0"),
    ],
)
def test_the_worst_is_by_verdict_and_then_by_difference(verdicts, differences, worst):
    entries = [
        reports.parameter(f"p{i}", verdict, difference=difference)
        for i, (verdict, difference) in enumerate(zip(verdicts, differences, strict=True))
    ]

    assert reports.report(*entries).worst.name == worst


@pytest.mark.parametrize(("index", "entry"), [((2, 1), "w[2, 1]"), ((3,), "w[3]"), ((), "w")])
def test_the_worst_entry_is_written_as_a_person_would(index, entry):
    assert reports.parameter("w", worst_index=index).worst_entry == entry


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_what_did_not_pass_raises(verdict):
    report = reports.report(reports.parameter(verdict=verdict))

    if report.passed:
        report.raise_if_failed()
        return
    with pytest.raises(gc.GradientCheckError, match=f"^\n{verdict.value}") as caught:
        report.raise_if_failed()
    assert str(caught.value) == f"\n{report}"


def test_html_is_one_self_contained_page(tmp_path):
    FAILED.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert page.startswith("<!DOCTYPE html>")
    assert "BUG" in page
    assert "w[2, 1]" in page
    assert not any(outside in page for outside in ("<img", " src=", "@import", "url(http", 'href="http', "<iframe"))


def test_html_escapes_names_and_notes(tmp_path):
    evil = "<script>alert(1)</script>"
    report = reports.report(reports.parameter(evil, Verdict.BUG), notes=(f"not checked: `{evil}`",))

    report.to_html(str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert page.count("<script>") == 1  # the page's own, which sorts
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3  # the worst entry, the table, the note

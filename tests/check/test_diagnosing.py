"""Diagnoses of whole checks: complex, projected, sampled, of second order, and shown to people."""

import re

import numpy as np
import pytest
import reports
from discrepancies import VECTOR, with_entry

import gradcheck_core as gc
from gradcheck_core.check import diagnosing
from gradcheck_core.measure.evidence import Claimed, Evidence
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.protocol import Layout


def test_the_conjugate_of_a_complex_gradient_is_wrong_in_the_imaginary_parts():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))

    report = gc.check_gradients(lambda p: float(np.sum(np.abs(p) ** 2)), z, 2 * np.conj(z))

    assert report.worst.diagnosis.kind == "partial"
    assert "wrong only in the imaginary parts, where the claimed entries are of the wrong sign" in str(
        " ".join(report.worst.diagnosis.sentence.split())
    )


def test_a_claim_that_is_not_finite_is_named_with_its_entry():
    claimed = np.array([1.0, np.nan, np.inf])

    report = gc.check_gradients(lambda w: float(w @ w), np.ones(3), claimed)

    assert report.worst.diagnosis.kind == "not_finite"
    assert "`theta[1]`: the claimed gradient is nan, and 1 more entry is not finite" in report.worst.diagnosis.sentence


def test_a_right_gradient_has_no_diagnosis():
    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), VECTOR, np.cos(VECTOR))

    assert report.worst.diagnosis is None
    assert report.first == ""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (lambda g: -g, "sign_flipped"),
        (lambda g: 2 * g, "scaled"),
        (lambda g: 0 * g, "zero"),
        (lambda g: with_entry(g, 12_345, 9.0), "single_entry"),
    ],
)
def test_after_a_check_by_random_directions_what_was_measured_is_enough(claim, expected):
    theta = np.random.default_rng(0).normal(size=40_000)

    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), theta, claim(np.cos(theta)))

    assert report.method == "projected"
    assert report.worst.diagnosis.kind == expected


@pytest.mark.parametrize(("claimed", "expected"), [(0.0, "zero"), (1.0, None)])
def test_of_a_wrong_parameter_of_which_no_entry_was_measured_only_zeros_can_be_named(claimed, expected):
    (parameter,) = Layout.of([("w", (5,), "float64")]).parameters
    values = np.full(5, claimed)
    unmeasured = Derivatives(values, values, np.full(5, 1e-9))
    evidence = Evidence(parameter, Claimed.of(values, "float64"), unmeasured, projected=2.0, by_entries=False)

    found = diagnosing.diagnose_all([(evidence, reports.parameter("w", gc.Verdict.BUG))], np.ones(5))

    diagnosis = found.parameters["w"].diagnosis
    assert (None if diagnosis is None else diagnosis.kind) == expected


@pytest.mark.parametrize("factor", [-1.0, 3.0])
def test_of_a_very_large_parameter_a_sample_is_enough(factor, monkeypatch):
    monkeypatch.setattr(diagnosing, "MOST_ENTRIES", 20_000)  # a million would take half a minute
    theta = np.random.default_rng(0).normal(size=40_000)

    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), theta, factor * np.cos(theta))

    assert report.worst.diagnosis.kind == ("sign_flipped" if factor < 0 else "scaled")


def test_products_along_several_directions_are_diagnosed_too():
    w = {"a": np.array([0.3, -0.7, 1.1]), "b": np.array([0.2, 0.9])}

    report = gc.check_gradients(
        lambda p: float(np.sum(np.sin(p["a"])) + np.sum(np.cos(p["b"]))),
        w,
        lambda p: {"a": np.cos(p["a"]), "b": -np.sin(p["b"])},
        order=2,
        hvp=lambda p, v: {"a": np.sin(p["a"]) * v["a"], "b": -np.cos(p["b"]) * v["b"]},
    )

    assert report.worst.name == "a"
    assert report.worst.diagnosis.kind == "sign_flipped"


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "w\x1b[31m", "w\nBUG", "w\u202egnp", "x" * 10_000, "שם", "[bold]w[/bold]", ""]
)
def test_any_name_is_harmless_in_a_sentence_and_wherever_it_is_shown(name, tmp_path):
    params = {name: VECTOR, "v": VECTOR + 1}
    swapped = {name: np.cos(VECTOR + 1), "v": np.cos(VECTOR)}

    report = gc.check_gradients(lambda p: float(sum(np.sum(np.sin(x)) for x in p.values())), params, swapped)
    report.to_html(tmp_path / "report.html")

    sentences = [parameter.diagnosis.sentence for parameter in report.parameters.values()]
    assert all(sentence.isprintable() and len(sentence) < 400 for sentence in sentences)
    assert "<script>alert" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", str(report))
    assert len(str(report).splitlines()) <= 40

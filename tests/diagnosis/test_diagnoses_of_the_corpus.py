"""How often the diagnosis is right on the whole mutation corpus, with NumPy; and its pages are not stale."""

import importlib.util
from pathlib import Path

import pytest
from numpy_kit import KIT

from corpus import diagnoses
from corpus.catalogue import CASES
from corpus.names import UNMARKED
from corpus.running import check
from gradcheck_core import Verdict
from gradcheck_core.diagnosis.kinds import EXPLANATIONS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_kind_of_mistake_is_named():
    missed = [
        (one.case.name, one.parameter, one.said) for one in diagnoses.shares().with_a_kind if one.said not in one.names
    ]

    assert diagnoses.shares().right >= 0.9, missed
    assert diagnoses.shares().as_labelled >= 0.9, missed


@pytest.mark.parametrize("precision", ["float64", "float32-native"])
def test_a_false_name_is_rare(precision):
    false = [(one.case.name, one.parameter, one.said) for one in diagnoses.shares(precision).named if one.is_false]

    assert diagnoses.shares(precision).false <= 0.02, false


def test_a_mistake_that_leaves_no_pattern_is_seldom_given_a_name():
    patternless = [one for one in diagnoses.shares().named if not one.names]

    assert len(patternless) > 100
    assert sum(one.said is not None for one in patternless) <= 0.02 * len(patternless)


def test_the_parameter_named_first_has_the_wrong_rule():
    passed_on = [case for case in CASES if set(case.claim.culprits) < set(case.claim.parameters)]

    assert len(passed_on) > 20
    assert diagnoses.shares().first_right >= 0.95
    assert sum(diagnoses.shares().first[case.name] for case in passed_on) >= 0.95 * len(passed_on)


def test_a_right_gradient_has_no_diagnosis():
    named = [
        case.name
        for case in CASES
        if case.right and any(parameter.diagnosis for parameter in check(KIT, case, "float64").parameters.values())
    ]

    assert named == []


def test_what_has_no_pattern_is_in_the_corpus():
    assert set(UNMARKED) <= {case.name for case in CASES}


def test_the_page_of_the_corpus_has_every_wrong_parameter():
    text = diagnoses.PAGE.read_text()

    assert [one for one in diagnoses.shares().named if f"| `{one.case.name}` | `{one.parameter}` |" not in text] == []


def test_the_pages_on_kinds_and_verdicts_are_the_texts_of_the_code():
    spec = importlib.util.spec_from_file_location("explanation_pages", DOCS / "explanation_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages = module.pages()

    assert {path: path.read_text(encoding="utf-8") for path in pages} == pages
    assert all(f"\n## {kind}\n" in pages[DOCS / "diagnosis.md"] for kind in EXPLANATIONS)
    assert all(f"\n## {verdict}\n" in pages[DOCS / "verdicts.md"] for verdict in Verdict)

import time

import numpy as np
import pytest

import page
from explanations import Explanations
from gradcheck_core import GradientCase
from harness import Case, Outcome, sweep

THETA = np.array([0.3, 0.5])


def case(label, cost, gradient):
    return Case("sine", label, lambda: GradientCase(cost, THETA, gradient))


def total_sine(theta):
    return float(np.sum(np.sin(theta)))


RIGHT = case("right", total_sine, np.cos(THETA))
WRONG = case("wrong", total_sine, -np.cos(THETA))

LISTED = """
[[exception]]
operators = { sine = COUNT }
labels = "wr*"
results = ["BUG"]
kind = "WRONG"
cause = "its sign"
"""


def explanations(tmp_path, text):
    path = tmp_path / "exceptions.toml"
    path.write_text(text, encoding="utf-8")
    return Explanations.load(path)


def complaints(tmp_path, cases, text):
    return explanations(tmp_path, text).complaints(list(sweep(cases, seconds_each=30)), {"sine"})


def test_a_wrong_gradient_that_is_not_listed_is_complained_of(tmp_path):
    found = complaints(tmp_path, [RIGHT, WRONG], "")

    assert len(found) == 1
    assert found[0].startswith("not listed: sine [wrong] BUG: theta[")


def test_a_listed_exception_is_no_complaint(tmp_path):
    assert complaints(tmp_path, [RIGHT, WRONG], LISTED.replace("COUNT", "1")) == []


@pytest.mark.parametrize(("cases", "count"), [([RIGHT], "1"), ([RIGHT, WRONG], "2")])
def test_a_listed_exception_that_is_not_so_is_complained_of(tmp_path, cases, count):
    found = complaints(tmp_path, cases, LISTED.replace("COUNT", count))

    assert len(found) == 1
    assert found[0].startswith(f"listed with {count} cases, but {int(count) - 1} are so: sine [wr*] BUG: its sign")


def test_a_stale_exception_of_an_operator_that_was_not_asked_for_is_no_complaint(tmp_path):
    assert explanations(tmp_path, LISTED.replace("COUNT", "3")).complaints([], {"cosine"}) == []


def test_a_case_that_raises_is_an_outcome_and_the_next_one_is_checked():
    def raising(theta):
        msg = "not  for\nthis input"
        raise ZeroDivisionError(msg)

    outcomes = list(sweep([case("raises", raising, THETA), RIGHT], seconds_each=30))

    assert [outcome.result for outcome in outcomes] == ["ZeroDivisionError", "CORRECT"]
    assert outcomes[0].detail == "not for this input"


def test_a_case_that_takes_too_long_is_stopped():
    (outcome,) = sweep([case("slow", lambda theta: time.sleep(30), THETA)], seconds_each=0.2)

    assert outcome.result == "TimeLimitError"
    assert outcome.seconds < 15  # half of the sleep, on a busy machine


def test_a_case_left_out_is_not_checked():
    left_out = Case("sine", "huge", lambda: pytest.fail("it was built"), left_out="more than 2,000 entries")

    assert list(sweep([left_out], seconds_each=30)) == []


def test_an_outcome_counts_entries_and_evaluations():
    (outcome,) = sweep([RIGHT], seconds_each=30)

    assert outcome.entries == THETA.size
    assert 2 * THETA.size < outcome.evaluations <= outcome.promised_evaluations


def test_the_page_counts_the_cases_and_gives_every_exception_its_cause(tmp_path):
    huge = Case("sine", "huge", lambda: pytest.fail("it was built"), left_out="more than 2,000 entries")
    cases = [RIGHT, WRONG, huge]
    outcomes = list(sweep(cases, seconds_each=30))
    explained = explanations(tmp_path, LISTED.replace("COUNT", "1"))

    written = page.render("numpy", "Two sines.", ["numpy"], cases, outcomes, explained)

    for row in ("| samples | 3 |", "| left out: more than 2,000 entries | 1 |", "| CORRECT | 1 |", "| BUG | 1 |"):
        assert row in written
    assert "### Truly wrong in the framework" in written
    assert "| 1 | BUG | its sign | `sine` (1) |" in written


def test_the_page_lists_right_gradients_that_took_more_evaluations_than_promised(tmp_path):
    outcomes = [
        Outcome("sine", "dear", "CORRECT", "", entries=2, evaluations=300, kinks=0, seconds=0.0),
        Outcome("abs", "on a kink", "CORRECT", "", entries=2, evaluations=300, kinks=1, seconds=0.0),
    ]

    written = page.render("numpy", "", ["numpy"], [], outcomes, explanations(tmp_path, ""))

    assert "Of 2 that passed, 2 took more, 1 of them with kinks." in " ".join(written.split())
    assert "| `sine` | dear | 2 | 300 |" in written
    assert "`abs`" not in written


def test_the_page_says_which_cases_nothing_explains(tmp_path):
    outcomes = list(sweep([RIGHT, WRONG], seconds_each=30))

    written = page.render("numpy", "", ["numpy"], [RIGHT, WRONG], outcomes, explanations(tmp_path, ""))

    assert "### Not explained yet" in written
    assert "| 1 | BUG | `sine` |" in written

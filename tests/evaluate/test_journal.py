"""Journals: what a later run takes from them, and which are refused."""

import json
import time

import numpy as np
import pytest
from reports import same

import gradcheck_core as gc

W = np.linspace(0.1, 1.0, 60).reshape(20, 3)
PREFLIGHT = 3  # evaluations at theta itself, which always run
VERIFYING = 2  # of a line and of a sweep one evaluation each is made again, to know the cost


class Counted:
    """A cost that counts its calls."""

    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, w):
        self.calls += 1
        return self.function(w)


def sines(w):
    return float(np.sum(np.sin(w)))


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "run.jsonl"


@pytest.fixture
def finished(journal):
    """A journal of a finished check; with the report."""
    return journal, gc.check_gradients(sines, W, np.cos(W), journal=journal)


def answered(path):
    """Evaluations that a journal has."""
    return sum(json.loads(line).get("evaluations", 0) for line in path.read_text().splitlines())


def test_a_journal_does_not_change_the_report(finished):
    assert same(finished[1], gc.check_gradients(sines, W, np.cos(W)))


def test_a_finished_journal_gives_the_same_report_and_evaluates_next_to_nothing(finished):
    journal, report = finished
    before = journal.read_bytes()
    cost = Counted(sines)

    again = gc.check_gradients(cost, W, np.cos(W), journal=journal)

    assert same(again, report)
    assert cost.calls == PREFLIGHT + VERIFYING
    assert journal.read_bytes() == before
    assert answered(journal) == report.evaluations - PREFLIGHT


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_run_goes_on_where_the_journal_was_cut(finished, kept):
    journal, report = finished
    whole = journal.read_bytes()
    journal.write_bytes(whole[: int(kept * len(whole))])  # in the middle of a line
    partial = journal.read_bytes().rpartition(b"\n")[0].decode().splitlines()
    replayed = sum(json.loads(line).get("evaluations", 0) for line in partial)
    sweeps = any(len(json.loads(line).get("costs", ())) > 1 for line in partial)
    cost = Counted(sines)

    again = gc.check_gradients(cost, W, np.cos(W), journal=journal)

    assert same(again, report)
    assert cost.calls == report.evaluations - replayed + 1 + sweeps
    assert answered(journal) == report.evaluations - PREFLIGHT


def test_another_claim_takes_the_sweeps_and_looks_itself_a_second_time(finished):
    journal, _ = finished
    wrong = np.cos(W)
    wrong[7, 1] *= -1
    cost = Counted(sines)

    report = gc.check_gradients(cost, W, wrong, journal=journal)

    assert report.verdict is gc.Verdict.BUG
    assert report.worst.worst_entry == "theta[7, 1]"
    assert cost.calls < 100 < report.evaluations
    assert any("of the journal did not fit this check" in note for note in report.notes)
    again = gc.check_gradients(cost, W, wrong, journal=journal)
    assert again.notes == gc.check_gradients(cost, W, wrong).notes


def test_costs_that_are_no_numbers_are_kept_too(journal):
    def barrier(w):
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.sum(np.sqrt(w)) + 1e-9 / (w[0] > 1e-25))

    w = np.array([1e-24, 0.5, 2.0])
    first, second = (gc.check_gradients(barrier, w, 0.5 / np.sqrt(w), journal=journal) for _ in range(2))

    assert '"nan"' in journal.read_text()
    assert same(first, second)


def test_two_precisions_of_one_check_have_answers_each(journal):
    def insisting(w):
        if w.dtype != np.float32:
            if w[0] != 1.0:
                msg = "not in this house"
                raise TypeError(msg)
            return float(w @ w)
        return w @ w

    w = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    first = gc.check_gradients(insisting, w, 2 * w, journal=journal)
    cost = Counted(insisting)
    second = gc.check_gradients(cost, w, 2 * w, journal=journal)

    assert same(first, second)
    assert first.precision == "float32"
    assert cost.calls < 12 < first.evaluations


@pytest.mark.parametrize("options", [{"scheme": "complex"}, {"order": 2, "hvp": lambda w, v: -np.sin(w) * v}])
def test_what_is_evaluated_outside_of_the_journal_is_evaluated_again(journal, options):
    def analytic(w):
        return np.sum(np.sin(w))

    first, second = (gc.check_gradients(analytic, W, np.cos, journal=journal, **options) for _ in range(2))

    assert first.verdict is gc.Verdict.CORRECT
    assert same(first, second)


@pytest.mark.usefixtures("every_sweep_is_worth_sending")
def test_two_processes_keep_and_use_a_journal(journal):
    report = gc.check_gradients(sines, W, np.cos(W), journal=journal, n_jobs=2)
    lines = journal.read_bytes().splitlines(keepends=True)
    sweep = [i for i, line in enumerate(lines) if len(json.loads(line).get("costs", ())) > 1]
    # units of one sweep come in any order: without one of the first a hole is left
    request = json.loads(lines[sweep[0]])["request"]
    last = max(i for i in sweep if json.loads(lines[i])["request"] == request)
    journal.write_bytes(b"".join(lines[: sweep[0]] + lines[sweep[0] + 1 : last + 1]))
    cost = Counted(sines)

    again = gc.check_gradients(cost, W, np.cos(W), journal=journal)

    assert same(report, again)
    assert same(report, gc.check_gradients(sines, W, np.cos(W)))
    assert answered(journal) == report.evaluations - PREFLIGHT


def changed(journal, number, **values):
    """Change a journal's line."""
    lines = journal.read_text().splitlines()
    lines[number] = json.dumps({**json.loads(lines[number]), **values})
    journal.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("what", "now", "reason"),
    [
        ("params", {"params": W + 1e-9}, "the parameters have different values"),
        ("shape", {"params": W.reshape(3, 20)}, "the parameters' names, shapes or dtypes are different"),
        ("cost", {"cost": lambda w: sines(w) + 1.0}, "J at the params was .* and is .* now"),
        (
            "slope",
            {"cost": lambda w: sines(w) + 1e-3 * np.sum(w - W)},
            "J near the params was .*: the cost or its data changed",
        ),
        ("seed", {"seed": 3}, "`seed` was 0 and is 3 now"),
        ("epsilon", {"epsilon": 1e-6}, "`epsilon` was None and is 1e-06 now"),
        ("include", {"include": ["theta"]}, r"`include` was None and is \['theta'\] now"),
    ],
)
def test_the_journal_of_another_check_is_refused_and_says_what_differs(finished, what, now, reason):
    journal, _ = finished
    before = journal.read_bytes()
    options = {"cost": sines, "params": W, "journal": journal, **now}
    options["grads"] = np.cos(options["params"])

    with pytest.raises(
        gc.InvalidInputError, match=f"^`journal='.*run.jsonl'` belongs to another check: {reason}"
    ) as refused:
        gc.check_gradients(**options)
    assert "to start a new one, pass another file" in str(refused.value)
    assert journal.read_bytes() == before


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"gradcheck journal": 0}, "its format is version 0, and this gradcheck writes version 1"),
        ({"gradcheck": "0.0.1"}, r"gradcheck was 0\.0\.1 and is .* now"),
        ({"framework": "1.26.0"}, r"numpy was 1\.26\.0 and is .* now"),
        ({"backend": "torch"}, "backend was torch and is numpy now"),
    ],
)
def test_the_journal_of_another_version_is_refused(finished, values, reason):
    journal, _ = finished
    changed(journal, 0, **values)

    with pytest.raises(gc.InvalidInputError, match=reason):
        gc.check_gradients(sines, W, np.cos(W), journal=journal)


@pytest.mark.parametrize("content", ["import os\n", "no newline at its end", '{"a": "line of JSON"}\n', "\n"])
def test_a_file_that_is_no_journal_is_left_alone(journal, content):
    journal.write_text(content)

    with pytest.raises(gc.InvalidInputError, match=r"is not a journal|is damaged"):
        gc.check_gradients(sines, W, np.cos(W), journal=journal)
    assert journal.read_text() == content


def test_a_damaged_line_in_the_middle_is_named(finished):
    journal, _ = finished
    lines = journal.read_text().splitlines()
    lines[4] = lines[4][:-9]
    journal.write_text("\n".join(lines) + "\n")

    with pytest.raises(gc.InvalidInputError, match="line 5 is damaged"):
        gc.check_gradients(sines, W, np.cos(W), journal=journal)


def test_a_journal_without_answers_is_begun_anew(journal):
    def failing(w):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gc.check_gradients(failing, W, np.cos(W), journal=journal, seed=7)

    assert gc.check_gradients(sines, W, np.cos(W), journal=journal).passed


@pytest.mark.parametrize("journal", ["", 3, b""])
def test_what_is_no_file_name_is_refused(journal):
    with pytest.raises(gc.InvalidInputError, match=r"`journal=.*`: pass a file's name, or None"):
        gc.check_gradients(sines, W, np.cos(W), journal=journal)


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(
        gc.InvalidInputError, match=r"`journal='.*absent.*'`: the file cannot be written \(No such file"
    ):
        gc.check_gradients(sines, W, np.cos(W), journal=tmp_path / "absent" / "run.jsonl")


def test_an_interrupted_check_says_how_it_goes_on(journal):
    cost = Counted(sines)

    def interrupted(w):
        if cost.calls == 100:
            raise KeyboardInterrupt
        return cost(w)

    with pytest.raises(KeyboardInterrupt) as stopped:
        gc.check_gradients(interrupted, W, np.cos(W), journal=journal)
    assert "the same call with journal='" in stopped.value.__notes__[0]

    done = answered(journal)
    again = gc.check_gradients(cost, W, np.cos(W), journal=journal)
    assert done > 30
    assert cost.calls == 100 + again.evaluations - done + VERIFYING


def test_a_certificate_goes_on_from_a_journal_too(journal):
    wrong = np.cos(W)
    wrong[7, 1] *= 2
    report = gc.check_gradients(sines, W, wrong, method="projected", journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    cost = Counted(sines)

    again = gc.check_gradients(cost, W, wrong, method="projected", journal=journal)

    assert report.worst.worst_index == (7, 1)
    assert same(again, report)
    assert cost.calls < 0.7 * report.evaluations


@pytest.mark.usefixtures("every_sweep_is_worth_sending")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_check_that_was_stopped_by_the_clock_goes_on_with_more_time(journal, n_jobs):
    def slow(w):
        time.sleep(0.01)
        return sines(w)

    stopped = gc.check_gradients(slow, W, np.cos(W), journal=journal, max_seconds=0.6, n_jobs=n_jobs)
    done = answered(journal)
    cost = Counted(sines)
    again = gc.check_gradients(cost, W, np.cos(W), journal=journal)

    assert any("stopped at `max_seconds=0.6`" in note for note in stopped.notes)
    assert done > 5
    assert same(again, gc.check_gradients(sines, W, np.cos(W)))
    assert cost.calls <= again.evaluations - done + VERIFYING

import io
from types import SimpleNamespace

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.evaluate import progress
from gradcheck_core.evaluate.limits import expected_evaluations, most_evaluations
from gradcheck_core.evaluate.progress import PATIENCE, ProgressBar


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock.monotonic))
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return clock


def run(clock, shown, seconds, evaluations=10):
    """Evaluations that take so many seconds in all."""
    with ProgressBar(evaluations, shown) as bar:
        for _ in range(evaluations):
            clock.now += seconds / evaluations
            bar.advance(1)


@pytest.mark.parametrize("shown", [True, False, None])
def test_a_check_of_less_than_a_second_shows_no_bar(clock, capsys, shown):
    run(clock, shown, seconds=0.9 * PATIENCE)

    assert capsys.readouterr() == ("", "")


def test_a_longer_check_shows_a_bar_on_standard_error(clock, capsys):
    run(clock, shown=True, seconds=5 * PATIENCE)
    out, err = capsys.readouterr()

    assert out == ""
    assert "checking" in err
    assert "evaluations," in err


@pytest.mark.parametrize("seconds", [1.5, 1.95, 20.0])
def test_the_bar_ends_with_every_evaluation_counted(clock, capsys, seconds):
    run(clock, shown=True, seconds=seconds * PATIENCE, evaluations=1000)

    assert "1000/1000" in capsys.readouterr().err


def test_a_bar_that_is_not_wanted_never_shows(clock, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())

    run(clock, shown=False, seconds=100.0)

    assert progress.sys.stderr.getvalue() == ""


def test_where_nothing_is_said_a_terminal_shows_it(clock, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())

    run(clock, shown=None, seconds=100.0)

    assert "checking" in progress.sys.stderr.getvalue()


def test_where_nothing_is_said_a_pipe_does_not_show_it(clock, capsys):
    run(clock, shown=None, seconds=100.0)

    assert capsys.readouterr() == ("", "")


def test_the_bar_stops_when_the_cost_raises(clock, capsys):
    def cost(w):
        clock.now += 10.0
        if w[0] != 1.0:
            raise ZeroDivisionError
        return float(w @ w)

    for _ in range(2):  # two live displays at once would be an error of their own
        with pytest.raises(ZeroDivisionError):
            gc.check_gradients(cost, np.ones(2), np.full(2, 2.0), progress=True)

    assert "checking" in capsys.readouterr().err


def test_no_more_evaluations_are_expected_than_are_made_at_most():
    assert expected_evaluations([8] * 1000) <= most_evaluations(8000)


def test_a_check_counts_to_exactly_its_evaluations(clock, capsys):
    def cost(w):
        clock.now += 10.0
        return float(w @ w)

    report = gc.check_gradients(cost, np.ones(3), np.full(3, 2.0), progress=True)

    assert f"{report.evaluations}/{expected_evaluations([3])}" in capsys.readouterr().err

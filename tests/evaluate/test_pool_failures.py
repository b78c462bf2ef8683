"""What can go wrong in two loky processes: workers lost, errors raised there, and what cannot travel."""

import os
import signal
import threading
import time

import numpy as np
import psutil  # noqa: F401  # loky measures its workers' memory with it, where it is installed
import pytest
from pooled import HERE, PARAMS, cost, gradient, marking, processes
from reports import same

import gradcheck_core as gc

pytestmark = pytest.mark.usefixtures("every_sweep_is_worth_sending")


class OutOfBoundsError(ValueError):
    """An exception of the user's own."""


class DemandingError(Exception):
    """An exception that pickle cannot make again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


class OnlyThereError(Exception):
    """An exception that only a worker can make again, as of a library that this process lacks."""

    def __init__(self, here):
        super().__init__("only there")
        self.here = here

    def __reduce__(self):
        return make_there, (self.here,)


def make_there(here):
    if os.getpid() == here:
        raise RuntimeError
    return OnlyThereError(here)


PLACES = ("this", "that")


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path):
    def fatal(p):
        victim = tmp_path / "killed"
        if os.getpid() != HERE and p["w"][4, 2] != PARAMS["w"][4, 2] and not victim.exists():
            victim.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return cost(p)

    report = gc.check_gradients(fatal, PARAMS, gradient, n_jobs=2)

    assert (tmp_path / "killed").exists()
    assert same(report, gc.check_gradients(cost, PARAMS, gradient))


@pytest.mark.slow
@pytest.mark.timeout(120)  # a warning in joblib's own thread would let the check hang
def test_a_worker_that_loky_replaces_for_its_memory_loses_nothing(tmp_path):
    kept = []

    def growing(p):
        time.sleep(0.05)  # loky looks once a second
        grown = tmp_path / "grown"
        if os.getpid() != HERE and p["w"][0, 0] < PARAMS["w"][0, 0] and not grown.exists():
            grown.touch()
            kept.append(np.ones(45_000_000))  # 360 MB; it allows 300
        return cost(p)

    report = gc.check_gradients(marking(tmp_path, growing), PARAMS, gradient, n_jobs=2)

    assert len(processes(tmp_path) - {HERE}) > 2
    assert same(report, gc.check_gradients(cost, PARAMS, gradient))


def test_workers_that_are_killed_again_and_again_end_the_check():
    def fatal(p):
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return cost(p)

    with pytest.raises(gc.WorkersLostError, match=r"lost twice in a row without an answer.*n_jobs=1 shows") as lost:
        gc.check_gradients(fatal, PARAMS, gradient, n_jobs=2)
    assert lost.value.__cause__ is not None


def test_what_the_cost_raises_in_a_worker_is_raised_here_with_its_place():
    def bounded(p):
        if os.getpid() != HERE and p["w"][2, 1] > PARAMS["w"][2, 1]:
            msg = "out of bounds"
            raise OutOfBoundsError(msg)
        return cost(p)

    with pytest.raises(OutOfBoundsError, match=r"^out of bounds") as raised:
        gc.check_gradients(bounded, PARAMS, gradient, n_jobs=2)

    notes = "\n".join(raised.value.__notes__)
    assert "gradcheck: raised with params `w`[2, 1] moved from " in notes
    assert "gradcheck: raised in the worker process " in notes
    assert "in bounded" in notes
    assert "of 80 of this sweep" in notes


def test_an_exception_that_cannot_travel_is_described():
    def demanding(p):
        if os.getpid() != HERE and p["w"][0, 0] != PARAMS["w"][0, 0]:
            raise DemandingError(*PLACES)
        return cost(p)

    with pytest.raises(RuntimeError, match=r"DemandingError: this and that\n.*`w`\[0, 0\] moved"):
        gc.check_gradients(demanding, PARAMS, gradient, n_jobs=2)


@pytest.mark.parametrize("place", ["cost", "params", "args"])
def test_what_cannot_be_pickled_is_named_before_anything_is_evaluated(place):
    lock = threading.Lock()
    calls = []

    def locked(p, *args):
        calls.append(p)
        return cost(p) if place != "cost" or lock else 0.0

    def free(p, *args):
        return cost(p)

    params = {**PARAMS, "lock": lock} if place == "params" else PARAMS
    args = (lock,) if place == "args" else ()

    with pytest.raises(gc.InvalidInputError, match=rf"`n_jobs`: `{place}` cannot be pickled .*lock.* n_jobs=1"):
        gc.check_gradients(locked if place == "cost" else free, params, gradient, args=args, n_jobs=2)
    assert calls == []


def test_a_cost_that_is_another_one_elsewhere_is_refused():
    def elsewhere(p):
        return cost(p) + (os.getpid() != HERE)

    with pytest.raises(gc.InvalidInputError, match=r"`n_jobs`: at the given params the cost is .* in a worker process"):
        gc.check_gradients(elsewhere, PARAMS, gradient, n_jobs=2)


def test_a_cost_that_is_off_by_rounding_elsewhere_is_not_the_worse_for_it():
    def elsewhere(p):
        return cost(p) * (1 + 2.0**-52 * (os.getpid() % 2)) if os.getpid() != HERE else cost(p)

    report = gc.check_gradients(elsewhere, PARAMS, gradient, n_jobs=2)

    assert report.verdict is gc.Verdict.CORRECT
    assert report.difference < 1e-9


def test_a_module_that_the_cost_itself_misses_is_no_fault_of_the_workers():
    def missing(p):
        if os.getpid() != HERE:
            msg = "no plugin"
            raise ModuleNotFoundError(msg, name="json")
        return cost(p)

    with pytest.raises(ModuleNotFoundError, match="no plugin") as raised:
        gc.check_gradients(missing, PARAMS, gradient, n_jobs=2)
    assert any("in the worker process" in note for note in raised.value.__notes__)


def test_an_exception_that_cannot_be_made_again_here_is_told_in_words():
    def odd(p):
        if os.getpid() != HERE:
            raise OnlyThereError(HERE)
        return cost(p)

    with pytest.raises(RuntimeError, match=r"in a worker process: OnlyThereError: only there"):
        gc.check_gradients(odd, PARAMS, gradient, n_jobs=2)

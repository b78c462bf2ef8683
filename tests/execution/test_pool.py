"""Sweeps in two loky processes, on NumPy: the answers, and what can go wrong."""

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import psutil  # noqa: F401  # loky measures its workers' memory with it, where it is installed
import pytest

import gradcheck_core as gc
from gradcheck_core.execution import pool, units, worker
from gradcheck_core.protocol import Batch
from gradcheck_numpy.backend import _NumpyProblem

HERE = os.getpid()
DATA = np.random.default_rng(0).normal(size=(7, 5))
PARAMS = {"w": np.random.default_rng(1).normal(size=(5, 8)), "b": np.linspace(-1.0, 1.0, 8)}


def cost(p):
    return float(np.sum(np.tanh(DATA @ p["w"] + p["b"]) ** 2))


def gradient(p):
    activation = np.tanh(DATA @ p["w"] + p["b"])
    delta = 2 * activation * (1 - activation**2)
    return {"w": DATA.T @ delta, "b": delta.sum(axis=0)}


class OutOfBoundsError(ValueError):
    """An exception of the user's own."""


class DemandingError(Exception):
    """An exception that pickle cannot make again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


PLACES = ("this", "that")


@pytest.fixture(autouse=True)
def every_sweep_is_worth_sending(monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)


def same(one, other):
    """Whether two reports say the same, but for the time it took."""
    return {**one.to_dict(), "seconds": 0.0} == {**other.to_dict(), "seconds": 0.0}


def marking(folder, inner=cost):
    """The cost, which leaves a file named after its process."""

    def marked(p):
        (Path(folder) / str(os.getpid())).touch()
        return inner(p)

    return marked


def processes(folder):
    return {int(path.name) for path in Path(folder).iterdir() if path.name.isdigit()}


def test_a_wrong_entry_is_found_by_two_processes_as_by_one():
    wrong = gradient(PARAMS)
    wrong["w"][3, 6] *= -1

    report = gc.check_gradients(cost, PARAMS, wrong, n_jobs=2)

    assert report.verdict is gc.Verdict.BUG
    assert report.worst.worst_entry == "w[3, 6]"
    assert same(report, gc.check_gradients(cost, PARAMS, wrong))


def test_two_processes_give_the_report_of_one(tmp_path):
    alone = gc.check_gradients(cost, PARAMS, gradient)
    together = gc.check_gradients(marking(tmp_path), PARAMS, gradient, n_jobs=2)

    assert together.verdict is gc.Verdict.CORRECT
    assert same(together, alone)
    assert processes(tmp_path) - {HERE}


def test_a_random_cost_draws_the_same_numbers_everywhere():
    def noisy(p):
        return cost(p) + float(np.sum(p["b"] * np.random.normal(size=8)))

    def its_gradient(p):
        found = gradient(p)
        return {**found, "b": found["b"] + np.random.normal(size=8)}

    report = gc.check_gradients(noisy, PARAMS, its_gradient, n_jobs=2)

    assert report.verdict is gc.Verdict.CORRECT
    assert same(report, gc.check_gradients(noisy, PARAMS, its_gradient))


def test_infinite_costs_are_counted_wherever_they_are_met():
    def barrier(w):
        with np.errstate(invalid="ignore"):
            return float(np.sum(np.sqrt(w)))

    w = np.array([1e-30, 0.5, 2.0, 3.0])  # a step to the left of the first is outside
    reports = [gc.check_gradients(barrier, w, 0.5 / np.sqrt(w), n_jobs=n) for n in (1, 2)]

    assert same(*reports)
    assert any("NaN or infinite" in note for note in reports[0].notes)


def test_one_job_is_this_process_whatever_joblib_is_set_to(tmp_path):
    with joblib.parallel_config(backend="loky", n_jobs=2):
        gc.check_gradients(marking(tmp_path), PARAMS, gradient)

    assert processes(tmp_path) == {HERE}


@pytest.mark.parametrize("n_jobs", [0, True, 1.5, "2", None])
def test_a_number_of_processes_that_is_none_is_refused(n_jobs):
    with pytest.raises(gc.InvalidInputError, match=r"`n_jobs=.*`: pass how many processes"):
        gc.check_gradients(cost, PARAMS, gradient, n_jobs=n_jobs)


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

    with pytest.raises(gc.WorkersLostError, match=r"lost 4 times in a row without an answer.*n_jobs=1 shows") as lost:
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


def test_a_module_that_workers_cannot_import_travels_along(tmp_path):
    path = tmp_path / "only_here.py"
    path.write_text("SCALE = 3.0\n\n\ndef cost(w):\n    return SCALE * float(w @ w)\n")
    spec = importlib.util.spec_from_file_location("only_here", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["only_here"] = module
    try:
        spec.loader.exec_module(module)
        report = gc.check_gradients(module.cost, np.ones(6), np.full(6, 6.0), n_jobs=2)
    finally:
        del sys.modules["only_here"]

    assert report.verdict is gc.Verdict.CORRECT


def test_each_worker_computes_with_one_thread_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")

    def telling(p):
        if os.getpid() != HERE:
            (tmp_path / os.environ["OMP_NUM_THREADS"]).touch()
        return cost(p)

    gc.check_gradients(telling, PARAMS, gradient, n_jobs=2)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]

    with joblib.parallel_config(backend="loky", inner_max_num_threads=3):
        gc.check_gradients(telling, PARAMS, gradient, n_jobs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "3"]


def test_small_requests_stay_in_this_process(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 3600.0)

    report = gc.check_gradients(marking(tmp_path), PARAMS, gradient, n_jobs=2)

    assert report.verdict is gc.Verdict.CORRECT
    assert processes(tmp_path) == {HERE}


@pytest.fixture
def threads():
    """Workers that are threads of this process: they have the problem once, and can be looked at."""
    with joblib.parallel_config(backend="threading"):
        yield


def test_the_problem_travels_once_and_is_closed_at_the_end(threads, monkeypatch):
    sent = []

    def spying(token, unit, request, recipe, case):
        reply = worker.answer(token, unit, request, recipe, case)
        sent.append((case is not None, type(reply).__name__))
        return reply

    monkeypatch.setattr(units, "answer", spying)
    report = gc.check_gradients(cost, PARAMS, gradient, n_jobs=2)

    assert same(report, gc.check_gradients(cost, PARAMS, gradient))
    assert sent[0] == (False, "Missing")
    # once; a thread that overtakes the one with the problem has it sent again
    assert 1 <= sum(with_the_problem for with_the_problem, _ in sent) < 4 < len(sent)
    assert worker._OPEN == {}


def test_a_worker_that_forgot_the_problem_gets_it_again(threads, monkeypatch):
    forgotten = []

    def forgetful(token, unit, request, recipe, case):
        with worker._LOCK:
            if token in worker._OPEN and not forgotten:
                forgotten.append(worker._OPEN.pop(token))
        return worker.answer(token, unit, request, recipe, case)

    monkeypatch.setattr(units, "answer", forgetful)
    report = gc.check_gradients(cost, PARAMS, gradient, n_jobs=2)

    assert forgotten
    assert same(report, gc.check_gradients(cost, PARAMS, gradient))


def test_the_callers_random_states_are_as_they_were(threads):
    np.random.seed(5)
    expected = np.random.RandomState(5).rand()

    gc.check_gradients(lambda p: cost(p) + 0.0 * np.random.rand(), PARAMS, gradient, n_jobs=2)

    assert np.random.rand() == expected


def test_a_pool_of_one_worker_is_no_pool(tmp_path, monkeypatch):
    monkeypatch.setattr(joblib, "effective_n_jobs", lambda n_jobs: 1)

    gc.check_gradients(marking(tmp_path), PARAMS, gradient, n_jobs=-1)

    assert processes(tmp_path) == {HERE}


def test_progress_counts_what_workers_did(capsys):
    def slow(p):
        time.sleep(0.01)
        return cost(p)

    report = gc.check_gradients(slow, PARAMS, gradient, n_jobs=2, progress=True)

    assert f"{report.evaluations}/" in capsys.readouterr().err


class Refusing(Batch):
    def costs_at(self, parameter, entries, values):
        msg = "data-dependent control flow"
        raise TypeError(msg)


class Squares(Batch):
    """The sum of squares at many thetas at once."""

    theta = np.linspace(0.5, 1.5, 40)

    def costs_at(self, parameter, entries, values):
        return self.theta @ self.theta - self.theta[entries] ** 2 + values**2


def test_workers_evaluate_in_batches_where_the_backend_does(threads, monkeypatch):
    monkeypatch.setattr(_NumpyProblem, "batch", lambda self, weigh, memory: Squares())
    calls = []

    def squares(w):
        calls.append(1)
        return float(w @ w)

    report = gc.check_gradients(squares, Squares.theta, 2 * Squares.theta, n_jobs=2)

    assert report.verdict is gc.Verdict.CORRECT
    assert len(calls) < 50 < report.evaluations


def test_a_cost_that_workers_cannot_batch_is_noted(threads, monkeypatch, tmp_path):
    monkeypatch.setattr(_NumpyProblem, "batch", lambda self, weigh, memory: Refusing())
    options = {"n_jobs": 2, "journal": tmp_path / "run.jsonl"}

    reports = [gc.check_gradients(cost, PARAMS, gradient, **options) for _ in range(2)]

    assert any("cannot be batched (TypeError: data-dependent control flow)" in note for note in reports[0].notes)
    assert same(*reports)


@pytest.mark.parametrize("most", [30, 100, 150])
def test_a_budget_ends_a_check_of_two_processes_where_it_ends_that_of_one(most):
    options = {"max_evaluations": most, "method": "exhaustive"}

    reports = [gc.check_gradients(cost, PARAMS, gradient, n_jobs=n, **options) for n in (1, 2)]

    assert same(*reports)
    assert reports[1].evaluations <= most

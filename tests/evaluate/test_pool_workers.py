"""What workers keep and how they compute, seen from threads that are workers."""

import numpy as np
import pytest
from pooled import PARAMS, cost, gradient
from reports import same

import gradcheck_core as gc
from gradcheck_core.evaluate import units, worker
from gradcheck_core.protocol import Batch
from gradcheck_numpy.backend import _NumpyProblem

pytestmark = pytest.mark.usefixtures("every_sweep_is_worth_sending")


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

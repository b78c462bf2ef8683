"""What workers keep and how they compute, seen from threads that are workers."""

import numpy as np
import pytest
from pooled import PARAMS, cost, gradient
from reports import same

import gradcheck_core as gc
from gradcheck_core.evaluate import pool, worker
from gradcheck_core.protocol import Batch
from gradcheck_numpy.backend import _NumpyProblem

pytestmark = pytest.mark.usefixtures("every_sweep_is_worth_sending")


@pytest.fixture
def openings(monkeypatch):
    """A list that grows with every problem that a worker opens."""
    opened, open_problem = [], worker._open

    def counted(recipe, given):
        opened.append(recipe.token)
        return open_problem(recipe, given)

    monkeypatch.setattr(worker, "_open", counted)
    return opened


def test_a_worker_opens_the_problem_once_and_closes_it_at_the_end(threads, openings, monkeypatch):
    closed, close = [], _NumpyProblem.close
    monkeypatch.setattr(_NumpyProblem, "close", lambda self: (closed.append(self), close(self)))

    report = gc.check_gradients(cost, PARAMS, gradient, n_jobs=2)

    assert same(report, gc.check_gradients(cost, PARAMS, gradient))
    assert len(openings) == 1
    assert worker._OPEN == {}
    assert len(closed) == 3  # the worker's, that of the check, and that of the check in one process


def test_a_worker_that_forgot_the_problem_opens_it_again(threads, openings, monkeypatch):
    def forgetful(recipe, case, chunk, request):
        with worker._LOCK:
            if recipe.token in worker._OPEN and len(openings) < 2:
                worker._close(recipe.token)
        return worker.answer(recipe, case, chunk, request)

    monkeypatch.setattr(pool, "answer", forgetful)
    report = gc.check_gradients(cost, PARAMS, gradient, n_jobs=2)

    assert len(openings) == 2
    assert same(report, gc.check_gradients(cost, PARAMS, gradient))


def test_a_worker_keeps_few_problems_open(threads, monkeypatch):
    monkeypatch.setattr(pool, "farewell", lambda token: None)

    for _ in range(6):
        gc.check_gradients(cost, PARAMS, gradient, n_jobs=2)

    assert len(worker._OPEN) == worker._MOST_OPEN
    for token in list(worker._OPEN):
        worker.farewell(token)
    assert worker._OPEN == {}


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


def test_a_module_that_workers_lack_however_it_is_sent_is_named(threads, monkeypatch):
    def lacking(recipe, case, chunk, request):
        return chunk, worker.Unimportable("pooled")

    monkeypatch.setattr(pool, "answer", lacking)

    with pytest.raises(gc.InvalidInputError, match=r"`n_jobs`: a worker process cannot import 'pooled', .* install it"):
        gc.check_gradients(cost, PARAMS, gradient, n_jobs=2)

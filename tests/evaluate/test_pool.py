"""Sweeps in two loky processes, on NumPy: the report of one process, whatever is set."""

import importlib.util
import os
import sys
import time

import joblib
import numpy as np
import pytest
from pooled import HERE, PARAMS, cost, gradient, marking, processes
from reports import same

import gradcheck_core as gc
from gradcheck_core.evaluate import pool

pytestmark = pytest.mark.usefixtures("every_sweep_is_worth_sending")


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


@pytest.mark.parametrize("most", [30, 100, 150])
def test_a_budget_ends_a_check_of_two_processes_where_it_ends_that_of_one(most):
    options = {"max_evaluations": most, "method": "exhaustive"}

    reports = [gc.check_gradients(cost, PARAMS, gradient, n_jobs=n, **options) for n in (1, 2)]

    assert same(*reports)
    assert reports[1].evaluations <= most

"""Sweeps on a dask and on a ray cluster, each of two worker processes on this machine."""

import contextlib
import os
import signal
from pathlib import Path

import joblib
import pytest
import ray
from dask.distributed import Client, LocalCluster
from pooled import HERE, PARAMS, cost, gradient
from ray.util.joblib import register_ray
from reports import same

import gradcheck_core as gc
from gradcheck_core.evaluate import pool


@contextlib.contextmanager
def dask_cluster():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        yield


@contextlib.contextmanager
def ray_cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    try:
        with joblib.parallel_config(backend="ray"):
            yield
    finally:
        ray.shutdown()


@pytest.fixture(scope="module", params=[dask_cluster, ray_cluster], ids=["dask", "ray"])
def cluster(request):
    with request.param():
        yield


@pytest.fixture(autouse=True)
def every_sweep_is_worth_sending(monkeypatch, cluster):
    monkeypatch.setattr(pool, "_WORTH", 0.0)


def test_a_wrong_entry_is_found_on_a_cluster(tmp_path):
    wrong = gradient(PARAMS)
    wrong["w"][3, 6] *= -1

    def marked(p):
        (tmp_path / str(os.getpid())).touch()
        return cost(p)

    report = gc.check_gradients(marked, PARAMS, wrong, n_jobs=2)

    assert report.verdict is gc.Verdict.BUG
    assert report.worst.worst_entry == "w[3, 6]"
    assert same(report, gc.check_gradients(cost, PARAMS, wrong))
    assert {int(path.name) for path in tmp_path.iterdir()} - {HERE}


def test_what_the_cost_raises_on_a_cluster_is_raised_here():
    def bounded(p):
        if os.getpid() != HERE and p["b"][5] != PARAMS["b"][5]:
            raise ZeroDivisionError
        return cost(p)

    with pytest.raises(ZeroDivisionError) as raised:
        gc.check_gradients(bounded, PARAMS, gradient, n_jobs=2)
    assert "raised with params `b`[5] moved from" in "\n".join(raised.value.__notes__)


def test_a_worker_of_a_cluster_that_is_killed_loses_nothing(tmp_path):
    victim = Path(tmp_path) / "killed"

    def fatal(p):
        if os.getpid() != HERE and p["w"][4, 2] != PARAMS["w"][4, 2] and not victim.exists():
            victim.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return cost(p)

    report = gc.check_gradients(fatal, PARAMS, gradient, n_jobs=2)

    assert victim.exists()
    assert same(report, gc.check_gradients(cost, PARAMS, gradient))


def test_a_journal_of_a_cluster_goes_on_without_it(tmp_path):
    journal = tmp_path / "run.jsonl"
    calls = []

    def counted(p):
        calls.append(1)
        return cost(p)

    report = gc.check_gradients(cost, PARAMS, gradient, n_jobs=2, journal=journal)
    again = gc.check_gradients(counted, PARAMS, gradient, journal=journal)

    assert same(again, report)
    assert len(calls) < 10

"""Sweeps in two processes in every framework."""

import os
import pickle

import numpy as np
import pytest
from reports import alike

import gradcheck_core as gc
from gradcheck_core.evaluate import pool
from gradcheck_core.protocol.registry import load_backend

HERE = os.getpid()
W = np.random.default_rng(0).normal(size=(5, 4))


@pytest.fixture(autouse=True)
def every_sweep_is_worth_sending(monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)


def test_two_processes_find_in_a_framework_what_one_does(kit, tmp_path):
    total, tanh = kit.sum, kit.tanh
    folder = str(tmp_path)

    def cost(p):
        open(os.path.join(folder, str(os.getpid())), "w").close()
        return total(tanh(p["w"]) ** 2)

    params = {"w": kit.array(W)}
    right = 2 * np.tanh(W) * (1 - np.tanh(W) ** 2)
    wrong = right.copy()
    wrong[3, 1] *= -1

    reports = [gc.check_gradients(cost, params, {"w": wrong}, n_jobs=n) for n in (1, 2)]

    assert reports[1].verdict is gc.Verdict.BUG
    assert reports[1].worst.worst_entry == "w[3, 1]"
    assert alike(*reports)
    assert {int(path.name) for path in tmp_path.iterdir()} - {HERE}
    assert gc.check_gradients(cost, params, {"w": right}, n_jobs=2).verdict is gc.Verdict.CORRECT


def test_surroundings_can_be_pickled_and_change_nothing_where_they_come_from(kit):
    backend = load_backend(kit.name)
    there = pickle.loads(pickle.dumps(backend.surroundings()))

    with there():
        inside = pickle.dumps(backend.surroundings())

    assert inside == pickle.dumps(backend.surroundings())

import pytest
import torch
from reports import alike

import gradcheck_core as gc
from gradcheck_core.evaluate import pool
from gradcheck_torch.state import default_dtype


@pytest.fixture(autouse=True)
def every_sweep_is_worth_sending(monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)


@pytest.mark.parametrize("reached", ["handed", "closed over"])
def test_a_module_with_dropout_travels_with_a_cost_that_knows_it(reached):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(6, 2))
    model.double()
    x = torch.randn(8, 4, dtype=torch.float64)

    def cost(handed):
        return ((handed if reached == "handed" else model)(x) ** 2).mean()

    reports = [gc.check_gradients(cost, model, n_jobs=n) for n in (1, 2)]

    assert reports[1].verdict is gc.Verdict.CORRECT
    assert alike(*reports)


def test_workers_know_the_default_dtype():
    def cost(w):
        return (w * torch.tensor([1.0, 2.0, 3.0]) / 3).sum()  # float32 for want of another default

    w = torch.ones(3, dtype=torch.float64)
    with default_dtype(torch.float64):
        report = gc.check_gradients(cost, w, n_jobs=2)

    assert report.verdict is gc.Verdict.CORRECT

"""Many thetas at once with PyTorch: the same answers, the same verdicts, and nothing of the caller's changed."""

import random

import numpy as np
import pytest
import torch

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import registry
from gradcheck_core.protocol.outputs import Contraction

BACKEND = registry.load_backend("torch")
X = torch.tensor(np.random.default_rng(0).normal(size=(6, 5)))
LABELS = torch.tensor([0, 1, 2, 3, 1, 0])


class Counted:
    """A cost and how often it was called."""

    def __init__(self, cost):
        self.cost = cost
        self.calls = 0

    def __call__(self, params):
        self.calls += 1
        return self.cost(params)


def network(*between, dtype=torch.float64):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 8), *between, torch.nn.Tanh(), torch.nn.Linear(8, 4)).to(dtype)


def loss(model):
    return torch.nn.functional.cross_entropy(model(X.to(model[0].weight.dtype)), LABELS)


def gradients(cost, model):
    return {
        name: grad.detach().clone()
        for (name, _), grad in zip(
            model.named_parameters(), torch.autograd.grad(cost(model), list(model.parameters())), strict=True
        )
    }


def test_a_right_gradient_is_correct_with_fewer_calls_than_evaluations():
    cost = Counted(loss)

    report = gc.check_gradients(cost, network())

    assert report.verdict is Verdict.CORRECT
    assert report.notes == ()
    assert cost.calls < report.evaluations / 2


@pytest.mark.parametrize("name", ["0.weight", "0.bias", "2.weight", "2.bias"])
def test_one_wrong_entry_is_named_in_every_parameter(name):
    model, cost = network(), Counted(loss)
    grads = gradients(loss, model)
    grads[name].view(-1)[-1] *= 2

    report = gc.check_gradients(cost, model, grads)

    assert report.verdict is Verdict.BUG
    assert [p.name for p in report.parameters.values() if p.verdict is not Verdict.CORRECT] == [name]
    assert report.worst.worst_index == tuple(size - 1 for size in model.get_parameter(name).shape)
    assert cost.calls < report.evaluations / 2


def answers(cost, params, precision="native", memory=2**30):
    """Batched and one by one, for every parameter at every entry."""
    found = []
    with BACKEND.open(cost, params, (), precision, 0) as problem:
        contraction = Contraction(0)
        problem.evaluate()
        batch = problem.batch(contraction.weights, memory)
        for position, parameter in enumerate(problem.layout.parameters):
            present = problem.read(position)
            entries = np.arange(parameter.size).repeat(2)
            values = present[entries] + np.tile([-0.25, 0.5], parameter.size)
            together = batch.costs_at(position, entries, values)
            alone = []
            for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
                problem.write(position, entry, value)
                alone.append(contraction.value(problem.evaluate(), BACKEND.to_numpy).value)
                problem.write(position, entry, float(present[entry]))
            assert np.array_equal(problem.read(position), present)
            found.append((together, np.array(alone)))
    assert any(np.ptp(alone) > 0 for _, alone in found)
    return found


def assert_alike(found, tolerance=1e-12):
    for together, alone in found:
        np.testing.assert_allclose(together, alone, rtol=tolerance)


MODELS = {
    "plain": lambda: network(),
    "dropout": lambda: network(torch.nn.Dropout(0.5)),
    "batch norm in training": lambda: network(torch.nn.BatchNorm1d(8)),
    "batch norm in evaluation": lambda: network(torch.nn.BatchNorm1d(8)).eval(),
    "instance norm with running averages": lambda: network(
        torch.nn.Unflatten(1, (2, 4)), torch.nn.InstanceNorm1d(2, track_running_stats=True), torch.nn.Flatten()
    ),
    "layer norm": lambda: network(torch.nn.LayerNorm(8)),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_modules_batched_are_as_one_by_one(make):
    assert_alike(answers(loss, make()))


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_modules_are_the_callers_own_bit_for_bit_afterwards(make):
    model = make()
    loss(model).backward()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    held = dict([*model.named_parameters(), *model.named_buffers()])
    grads = {name: p.grad.clone() for name, p in model.named_parameters()}
    check = gc.check_gradients  # which imports what it needs first: Rich draws a random number as it is imported
    drawn = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()

    assert check(loss, model).passed

    now = dict([*model.named_parameters(), *model.named_buffers()])
    assert all(now[name] is tensor for name, tensor in held.items())
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert all(torch.equal(grads[name], p.grad) for name, p in model.named_parameters())
    assert torch.equal(drawn[0], torch.get_rng_state())
    assert drawn[1] == random.getstate()
    assert np.array_equal(drawn[2], np.random.get_state()[1])


def test_batch_norm_in_training_is_batched():
    cost = Counted(loss)

    report = gc.check_gradients(cost, network(torch.nn.BatchNorm1d(8)))

    assert report.passed
    assert not any("one theta at a time" in note for note in report.notes)
    assert cost.calls < report.evaluations / 2


def test_a_float32_model_is_batched_in_float64():
    cost = Counted(loss)
    model = network(dtype=torch.float32)

    assert_alike(answers(loss, model, "float64"))
    report = gc.check_gradients(cost, model)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert cost.calls < report.evaluations / 2


def test_a_float32_model_is_batched_in_float32():
    assert_alike(answers(loss, network(dtype=torch.float32)), 1e-5)


@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64])
def test_complex_parameters_are_batched(dtype):
    z = torch.tensor(np.random.default_rng(1).normal(size=(3, 4, 2))).view(torch.complex128)[..., 0].to(dtype)

    def cost(p):
        return (torch.exp(1j * p["z"]) @ p["w"]).abs()

    w = torch.ones(4, 2, dtype=dtype)
    assert_alike(answers(cost, {"z": z, "w": w}), 1e-12 if dtype is torch.complex128 else 1e-5)


def test_outputs_are_weighed_as_one_by_one():
    def jacobian(p):
        return {"a": torch.tanh(p["w"]) @ p["v"], "count": torch.tensor(3), "b": (p["v"] ** 2).sum() * 1j}

    assert_alike(answers(jacobian, {"w": X[:5] + 0, "v": X[0] + 0}))


def test_a_parameter_that_is_not_contiguous_is_batched():
    assert_alike(answers(lambda p: torch.tanh(p @ X.T).sum(), torch.nn.Parameter(X[:5].clone().T)))


def test_tied_weights_move_together():
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = torch.nn.Linear(5, 5, bias=False)
            self.decode = torch.nn.Linear(5, 5)
            self.decode.weight = self.encode.weight
            self.double()

        def forward(self, x):
            return self.decode(torch.tanh(self.encode(x)))

    assert_alike(answers(lambda model: (model(X) ** 2).mean(), Tied()))


@pytest.mark.parametrize("kind", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_recurrent_modules_give_the_right_verdict_batched_or_not(kind):
    torch.manual_seed(0)
    model = kind(5, 3, batch_first=True).double()

    assert gc.check_gradients(lambda m: m(X[None])[0].sin().sum(), model).verdict is Verdict.CORRECT


def test_a_transformer_is_checked_on_the_path_that_it_takes_one_by_one():
    """In evaluation without recording it computes by a kernel of its own, which has no batched form."""
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double().eval()

    assert gc.check_gradients(lambda m: m(X[:, :4][None]).sin().sum(), layer).passed


def test_a_cost_that_differentiates_itself_is_batched():
    def penalty(w):
        return (torch.func.grad(lambda v: torch.tanh(X @ v).sum())(w) ** 2).sum()

    assert_alike(answers(penalty, X[0] + 0))


def test_python_and_numpy_draws_are_the_same_in_every_batch():
    def cost(w):
        return (torch.tanh(w) * random.random() * float(np.random.random())).sum()

    each = 4 * X.nbytes  # so that a handful is evaluated at a time
    assert gc.check_gradients(cost, X.clone(), max_memory=8 * each).verdict is Verdict.CORRECT


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tanh(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / torch.cosh(x) ** 2


UNBATCHABLE = {
    "a branch on a value": lambda w: torch.tanh(w).sum() if w[0, 0] > 0 else torch.sin(w).sum(),
    "a number taken out": lambda w: torch.tanh(w).sum() * (1 + 0 * w.detach().sum().item()),
    "a function without a rule": lambda w: Tanh.apply(w).sum(),
    "NumPy in between": lambda w: torch.tanh(w).sum() + 0 * float(w.detach().numpy().sum()),
    "written into a tensor": lambda w: torch.zeros(30, dtype=w.dtype).copy_(torch.tanh(w).view(-1)).sum(),
}


@pytest.mark.parametrize("cost", UNBATCHABLE.values(), ids=UNBATCHABLE.keys())
def test_what_cannot_be_batched_has_the_same_verdicts_and_a_note(cost):
    w = X.clone().requires_grad_()
    (wrong,) = torch.autograd.grad(cost(w), w)
    wrong[-1, -1] *= 2

    report, found = gc.check_gradients(cost, w), gc.check_gradients(cost, w.detach(), wrong)

    assert found.verdict is Verdict.BUG
    assert found.worst.worst_index == (5, 4)
    assert report.verdict is Verdict.CORRECT
    assert all(any("one theta at a time" in note for note in r.notes) for r in (report, found))


def test_numbers_that_a_cost_returns_before_its_tensors_are_weighed_with_them():
    cost = Counted(lambda p: (3.0, np.ones(2), torch.tanh(p)))

    report = gc.check_gradients(cost, X.clone())

    assert report.verdict is Verdict.CORRECT
    assert cost.calls < report.evaluations / 2


def test_a_cost_with_its_own_reference_to_a_parameter_is_evaluated_one_by_one():
    """In place it sees every change, in a batch none; many of its entries do not matter, so that one says nothing."""
    w = torch.nn.Parameter(torch.cat([torch.full((40,), -1.0), torch.full((3,), 0.7)]).double())

    report = gc.check_gradients(lambda p: (torch.relu(w) ** 3).sum(), w)

    assert report.verdict is Verdict.CORRECT
    assert any("one theta at a time" in note and "does not use" in note for note in report.notes)


def test_less_memory_means_more_calls():
    def calls(memory):
        cost = Counted(loss)
        assert gc.check_gradients(cost, network(), max_memory=memory).verdict is Verdict.CORRECT
        return cost.calls

    assert calls(2**30) < calls(2**15) < calls(2**13)


def test_where_two_thetas_do_not_fit_it_goes_one_by_one():
    report = gc.check_gradients(loss, network(), max_memory=1000)

    assert report.verdict is Verdict.CORRECT
    assert any("one theta at a time" in note and "max_memory" in note for note in report.notes)


def test_a_batch_takes_no_more_than_its_memory():
    """A theta is 25 numbers and makes at least 30 of X w and 30 of its tanh: 680 bytes, so 96 fit in 64 KiB."""
    cost = Counted(lambda w: torch.tanh(X @ w).sum())
    with BACKEND.open(cost, X[:5].clone(), (), "native", 0) as problem:
        problem.batch(Contraction(0).weights, 2**16).costs_at(0, np.arange(25).repeat(40), np.linspace(-1, 1, 1000))

    assert 1000 / 96 < cost.calls < 1000 / 24


def test_a_batch_is_at_the_theta_that_is_present():
    with BACKEND.open(lambda w: (w**2).sum(), torch.zeros(4).double(), (), "native", 0) as problem:
        batch = problem.batch(Contraction(0).weights, 2**20)
        entries = np.arange(4)
        batch.costs_at(0, entries, np.ones(4))
        problem.write(0, slice(None), np.full(4, 2.0))

        assert batch.costs_at(0, entries, np.zeros(4)).tolist() == [12.0] * 4

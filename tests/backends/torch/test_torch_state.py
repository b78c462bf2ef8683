import random

import numpy as np
import pytest
import torch
from torch import nn

import gradcheck_core as gc
from gradcheck_core import Verdict

X = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)


def bits(tensor):
    detached = tensor.detach()
    parts = [detached._indices(), detached._values()] if detached.is_sparse else [detached]
    return [part.contiguous().reshape(-1).view(torch.uint8).tolist() for part in parts]


def state_of(model):
    parameters = {
        name: (id(p), bits(p), p.stride(), p.requires_grad, id(p.grad), None if p.grad is None else bits(p.grad))
        for name, p in model.named_parameters()
    }
    buffers = {name: (id(buffer), bits(buffer)) for name, buffer in model.named_buffers()}
    modules = [(name, id(module), module.training) for name, module in model.named_modules()]
    return parameters, buffers, modules, torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())


@pytest.fixture
def model():
    made = build()
    before = state_of(made)
    yield made
    assert state_of(made) == before, "something of the caller's changed"


def build():
    torch.manual_seed(1)
    np.random.seed(2)
    random.seed(3)
    made = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 2)).double()
    made(X).sum().backward()  # stored gradients and running averages that are not the initial ones
    made[4].bias.requires_grad_(False)
    made[4].eval()
    with torch.no_grad():
        made[0].bias[0] = -0.0
    return made


def cost(model):
    noise = float(np.random.rand()) + random.random() + torch.rand(())
    return (model(X) * noise).square().sum()


def test_a_training_model_with_batch_norm_and_dropout_is_correct(model):
    assert gc.check_gradients(cost, model).verdict is Verdict.CORRECT


def test_a_wrong_gradient_leaves_everything_too(model):
    report = gc.check_gradients(lambda m: cost(m) + m[0].weight.detach().sum(), model)

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "0.weight"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("call", [1, 2, 3, 9])
def test_an_error_leaves_everything(model, error, call):
    calls = []

    def failing(m):
        value = cost(m)
        calls.append(1)
        if len(calls) == call:
            raise error
        return value

    with pytest.raises(error):
        gc.check_gradients(failing, model)


def test_an_error_in_a_backward_leaves_everything(model):
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gc.check_gradients(lambda m: Failing.apply(m(X)).sum(), model)


def backward_inside(m):
    loss = cost(m)
    loss.backward(retain_graph=True)
    return loss


def eval_inside(m):
    m.eval()
    return cost(m)


def train_inside(m):
    m.train()
    return cost(m)


def zero_grad_inside(m):
    m.zero_grad()
    return cost(m)


def seeding_inside(m):
    torch.manual_seed(0)
    return cost(m)


def flags_inside(m):
    m[4].bias.requires_grad_(True)
    return cost(m)


def buffer_inside(m):
    m[1].running_mean = torch.zeros(4, dtype=torch.float64)
    m.register_buffer("cache", X)
    return cost(m)


@pytest.mark.parametrize(
    "meddling",
    [backward_inside, eval_inside, train_inside, zero_grad_inside, seeding_inside, flags_inside, buffer_inside],
)
def test_a_cost_that_meddles_is_correct_and_undone(model, meddling):
    assert gc.check_gradients(meddling, model).verdict is Verdict.CORRECT


def rebound_parameter(m):
    value = cost(m)
    m[0].weight = nn.Parameter(m[0].weight * 2)
    return value


def deleted_parameter(m):
    value = cost(m)
    del m[0].bias
    return value


def rebound_submodule(m):
    value = cost(m)
    m[0] = nn.Linear(3, 4).double()
    return value


@pytest.mark.parametrize("rebinding", [rebound_parameter, deleted_parameter, rebound_submodule])
def test_a_cost_that_rebinds_in_a_module_is_refused_and_undone(model, rebinding):
    with pytest.raises(gc.InvalidInputError, match=r"`cost` rebinds `0\.(weight|bias)` in the params it is given"):
        gc.check_gradients(rebinding, model)


def test_a_cost_that_takes_an_optimiser_step_is_refused_and_undone(model):
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)

    def stepping(m):
        loss = cost(m)
        optimiser.zero_grad()
        loss.backward(retain_graph=True)
        optimiser.step()
        return loss

    with pytest.raises(gc.InvalidInputError, match=r"`cost` changes its parameters: `0\.weight`\[0, 0\] was .* before"):
        gc.check_gradients(stepping, model)


def test_a_generator_of_the_costs_own_is_refused(model):
    own = torch.Generator().manual_seed(0)

    with pytest.raises(gc.NonDeterministicCostError, match="look for a generator of the cost's own"):
        gc.check_gradients(lambda m: (m(X) * torch.rand(4, 2, generator=own, dtype=torch.float64)).sum(), model)


def test_a_running_average_hides_what_it_was_computed_from(model):
    def cost(m):
        m(X)
        return (m[1].running_var * m[4].weight.sum()).sum() + m[1].weight.sin().sum()

    report = gc.check_gradients(cost, model)

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "0.weight"
    assert gc.check_gradients(cost, model, exclude="0.weight").passed


def test_a_graph_the_caller_holds_can_still_go_back():
    model = build()
    held = model(X).square().sum()
    versions = [p._version for p in model.parameters()]
    expected = torch.autograd.grad(held, model[0].weight, retain_graph=True)[0]

    gc.check_gradients(lambda m: m[0](X).sin().sum() + m.eval()(X).sum(), model)

    assert [p._version for p in model.parameters()] == versions
    assert torch.equal(torch.autograd.grad(held, model[0].weight)[0], expected)


def test_dropout_that_is_scaled_wrongly_backwards_is_a_bug():
    class Dropout(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            mask = (torch.rand_like(x) < 0.5).to(x)
            ctx.save_for_backward(mask)
            return x * mask * 2

        @staticmethod
        def backward(ctx, grad):
            (mask,) = ctx.saved_tensors
            return grad * mask

    torch.manual_seed(4)
    layer = nn.Linear(3, 4).double()

    assert gc.check_gradients(lambda m: nn.functional.dropout(m(X)).square().sum(), layer).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda m: Dropout.apply(m(X)).square().sum(), layer).verdict is Verdict.BUG


def test_a_sparse_stored_gradient_is_kept():
    embedding = nn.Embedding(4, 2, sparse=True).double()
    embedding(torch.tensor([1, 2])).sum().backward()
    before = state_of(embedding)

    def cost(e):
        loss = e(torch.tensor([1, 3])).sin().sum()
        loss.backward(retain_graph=True)
        return loss

    assert gc.check_gradients(cost, embedding).verdict is Verdict.CORRECT
    assert state_of(embedding) == before


def test_a_plain_tensor_never_changes():
    w = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    w.sum().backward()
    before = bits(w), bits(w.grad), id(w.grad), w._version

    def cost(w):
        loss = w.sin().sum()
        loss.backward(retain_graph=True)
        w.requires_grad_(True)
        return loss

    assert gc.check_gradients(cost, w).verdict is Verdict.CORRECT
    assert (bits(w), bits(w.grad), id(w.grad), w._version) == before


def test_what_the_caller_draws_next_is_as_without_a_check():
    model = build()
    torch.manual_seed(8)
    expected = torch.rand(3)
    torch.manual_seed(8)

    gc.check_gradients(cost, model)
    drawn = torch.rand(3)

    assert torch.equal(drawn, expected)

import numpy as np
import pytest
import torch
from torch import nn

import gradcheck_core as gc
from gradcheck_core import Verdict

X = torch.tensor([[1.0, 2.0, -1.0], [0.5, -1.5, 0.7], [-0.4, 0.3, 1.2]], dtype=torch.float64)


class Doubled(torch.autograd.Function):
    """The identity, whose backward is wrong by a factor of two."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 3)])
        self.heads = nn.ModuleDict({"a": nn.Linear(3, 1)})
        self.scale = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        for layer in self.body:
            x = torch.tanh(layer(x))
        return self.heads["a"](x) * self.scale


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(5)


@pytest.fixture
def net():
    return Net().double()


def squared(net):
    return net(X).square().sum()


NAMES = ["scale", "body.0.weight", "body.0.bias", "body.1.weight", "body.1.bias", "heads.a.weight", "heads.a.bias"]


def test_a_module_is_correct_under_its_own_names(net):
    report = gc.check_gradients(squared, net)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == NAMES
    assert report.parameters["body.0.weight"].shape == (4, 3)
    assert report.precision == "float64"


def test_a_wrong_backward_is_a_bug_in_the_parameters_behind_it(net):
    def cost(net):
        hidden = Doubled.apply(torch.tanh(net.body[0](X)))
        return (net.heads["a"](torch.tanh(net.body[1](hidden))) * net.scale).square().sum()

    report = gc.check_gradients(cost, net)

    assert report.verdict is Verdict.BUG
    assert {name for name, found in report.parameters.items() if not found.verdict.passed} == {
        "body.0.weight",
        "body.0.bias",
    }
    assert report.parameters["body.0.weight"].analytic == pytest.approx(
        2 * report.parameters["body.0.weight"].numeric, rel=1e-6
    )


def test_a_cost_that_calls_submodules(net):
    def cost(net):
        return (net.body[0](X)).sin().sum() * net.scale + net.heads.a.weight.square().sum()

    report = gc.check_gradients(cost, net)

    assert report.verdict is Verdict.CORRECT
    assert "`body.1.weight`: the cost does not use it, so its gradient counts as zero" in report.notes


def test_a_cost_that_closes_over_the_module(net):
    assert gc.check_gradients(lambda _: squared(net), net).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda _: Doubled.apply(net(X)).sum(), net).verdict is Verdict.BUG


def test_a_bound_method_as_cost():
    class Model(nn.Linear):
        def loss(self, _):
            return self(X).square().sum()

    model = Model(3, 2).double()

    assert gc.check_gradients(model.loss, model).verdict is Verdict.CORRECT


def test_modules_in_a_nesting(net):
    params = {"net": net, "extra": [nn.Linear(1, 2).double(), torch.tensor([0.3], dtype=torch.float64)]}

    def cost(p):
        return p["extra"][0](p["net"](X)).square().sum() * p["extra"][1].sin().sum()

    params["extra"][1].requires_grad_()
    report = gc.check_gradients(cost, params)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == [*(f"net.{name}" for name in NAMES), "extra.0.weight", "extra.0.bias", "extra.1"]


def test_a_list_of_parameters(net):
    report = gc.check_gradients(lambda _: squared(net), list(net.parameters()))

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == [str(i) for i in range(7)]


def test_a_dict_of_named_parameters_by_functional_call(net):
    def cost(p):
        return torch.func.functional_call(net, p, (X,)).square().sum()

    report = gc.check_gradients(cost, dict(net.named_parameters()))

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == NAMES


@pytest.mark.parametrize("requires_grad", [True, False])
def test_plain_tensors_with_and_without_requires_grad(requires_grad):
    w = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=requires_grad)

    assert gc.check_gradients(lambda p: p["w"].sin().sum(), {"w": w}).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda p: Doubled.apply(p["w"]).sum(), {"w": w}).verdict is Verdict.BUG
    assert w.requires_grad is requires_grad
    assert w.grad is None


def test_a_tensor_computed_from_others_is_a_parameter_too():
    source = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    w = source * 2

    report = gc.check_gradients(lambda w: w.sin().sum(), w)

    assert report.verdict is Verdict.CORRECT
    assert w.grad_fn is not None
    assert torch.autograd.grad(w.sum(), source)[0].tolist() == [2.0, 2.0]


def test_frozen_parameters_are_carried(net):
    net.body.requires_grad_(False)

    report = gc.check_gradients(squared, net)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["scale", "heads.a.weight", "heads.a.bias"]
    assert any("`body.0.weight` (frozen), `body.0.bias` (frozen)" in note for note in report.notes)
    assert [p.requires_grad for p in net.parameters()] == [True, False, False, False, False, True, True]


def test_a_module_that_is_frozen_throughout_is_checked(net):
    net.requires_grad_(False)

    report = gc.check_gradients(squared, net)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == NAMES
    assert not any(p.requires_grad for p in net.parameters())


def test_integer_tensors_are_carried_as_copies():
    index = torch.tensor([0, 2])
    w = torch.tensor([0.3, -0.7, 0.2], dtype=torch.float64)

    def cost(p):
        value = p["w"][p["index"]].sin().sum()
        p["mask"].fill_(False)
        return value

    mask = torch.tensor([True])
    report = gc.check_gradients(cost, {"w": w, "index": index, "mask": mask, "name": "linear"})

    assert report.verdict is Verdict.CORRECT
    assert "not checked: `name` (str), `index` (int64), `mask` (bool)" in report.notes
    assert mask.item() is True


def test_tied_weights_of_a_module_are_one_parameter():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Linear(3, 3, bias=False)
            self.decoder = nn.Linear(3, 3, bias=False)
            self.decoder.weight = self.encoder.weight

        def forward(self, x):
            return self.decoder(torch.tanh(self.encoder(x)))

    tied = Tied().double()

    report = gc.check_gradients(squared, tied)
    one_use_forgotten = gc.check_gradients(
        lambda m: (torch.tanh(m.encoder(X)) @ m.decoder.weight.detach().T).sum(), tied
    )

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["encoder.weight"]
    assert one_use_forgotten.verdict is Verdict.BUG


@pytest.mark.parametrize("make", [torch.tensor, lambda values, dtype: nn.Parameter(torch.tensor(values, dtype=dtype))])
def test_a_tensor_that_stands_twice_is_one_parameter(make):
    w = make([0.3, -0.7], dtype=torch.float64)

    report = gc.check_gradients(lambda p: (p["in"] * p["out"].sin()).sum(), {"in": w, "out": w})

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["in"]
    assert "not checked: `out` (tied to in)" in report.notes


def test_a_module_that_stands_twice_is_checked_once(net):
    report = gc.check_gradients(lambda p: squared(p[0]) + squared(p[1]), [net, net])

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == [f"0.{name}" for name in NAMES]


def test_an_unused_parameter_has_gradient_zero_with_a_note():
    params = {"used": torch.ones(2, dtype=torch.float64), "unused": torch.ones(2, dtype=torch.float64)}

    report = gc.check_gradients(lambda p: p["used"].sin().sum(), params)

    assert report.verdict is Verdict.CORRECT
    assert report.parameters["unused"].analytic == 0
    assert "`unused`: the cost does not use it, so its gradient counts as zero" in report.notes


def test_a_parameter_detached_by_mistake_is_a_bug_with_a_note():
    params = {"w": torch.ones(2, dtype=torch.float64), "b": torch.ones(2, dtype=torch.float64)}

    report = gc.check_gradients(lambda p: (p["w"] * p["b"].detach()).sin().sum(), params)

    assert report.verdict is Verdict.BUG
    assert report.parameters["w"].verdict is Verdict.CORRECT
    assert report.worst.name == "b"
    assert "`b`: the cost does not use it, so its gradient counts as zero" in report.notes


def test_a_detached_parameter_can_be_left_out(net):
    def cost(net):
        return (net.heads["a"](torch.tanh(net.body[0](X)).detach()[:, :3]) * net.scale).square().sum()

    assert gc.check_gradients(cost, net).verdict is Verdict.BUG
    assert gc.check_gradients(cost, net, exclude="body.*").verdict is Verdict.CORRECT


def test_a_wholly_detached_cost_is_a_bug_with_a_note():
    w = torch.ones(2, dtype=torch.float64)

    report = gc.check_gradients(lambda w: w.detach().sin().sum(), w)

    assert report.verdict is Verdict.BUG
    assert "the cost is detached from every parameter, so autograd's gradient counts as zero" in report.notes


@pytest.mark.parametrize("convert", [torch.Tensor.item, float, lambda t: t.detach().numpy()])
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True:UserWarning")  # torch's, about float(t)
def test_a_cost_that_returns_no_tensor_needs_grads(convert):
    w = torch.ones(2, dtype=torch.float64)

    with pytest.raises(
        gc.InvalidInputError, match=r"autograd cannot differentiate; return the tensor \(without .item\(\)"
    ):
        gc.check_gradients(lambda w: convert(w.sin().sum()), w)
    assert gc.check_gradients(lambda w: convert(w.sin().sum()), w, w.cos()).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: convert(w.sin().sum()), w, w.sin()).verdict is Verdict.BUG


def test_grads_of_another_framework():
    w = torch.tensor([0.3, -0.7], dtype=torch.float64)

    assert gc.check_gradients(lambda w: w.sin().sum(), w, np.cos([0.3, -0.7])).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: w.sin().sum(), w, np.sin([0.3, -0.7])).verdict is Verdict.BUG

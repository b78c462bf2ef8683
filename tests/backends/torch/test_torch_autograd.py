import pytest
import torch
from torch import nn

import gradcheck_core as gc
from gradcheck_core import Verdict

W = torch.tensor([[0.3, -0.7], [1.1, 0.4]], dtype=torch.float64)


def rule(backward):
    """A custom sine with this backward, which is right for `lambda x, grad: grad * x.cos()`."""

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, grad):
            return backward(*ctx.saved_tensors, grad)

    return Sine.apply


right_rule = rule(lambda x, grad: grad * x.cos())

WRONG_RULES = {
    "sign": rule(lambda x, grad: -grad * x.cos()),
    "forgets the chain": rule(lambda x, grad: x.cos()),
    "transposed": rule(lambda x, grad: (grad * x.cos()).T),
    "not differentiated": rule(lambda x, grad: grad * x.sin()),
    "none": rule(lambda x, grad: None),
    "nan": rule(lambda x, grad: grad * float("nan")),
    "one entry": rule(lambda x, grad: grad * x.cos() + torch.tensor([[0, 0], [0, 1e-2]])),
}


def scaled(sine):
    return lambda p: (3 * sine(p["w"])).sum() + p["b"].square().sum()


def params():
    return {"w": W.clone(), "b": torch.ones(2, dtype=torch.float64)}


def test_a_right_custom_rule_is_correct():
    assert gc.check_gradients(scaled(right_rule), params()).verdict is Verdict.CORRECT


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_custom_rule_is_a_bug_and_named(name):
    report = gc.check_gradients(scaled(WRONG_RULES[name]), params())

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.parameters["b"].verdict is Verdict.CORRECT


def test_a_rule_that_raises_keeps_its_traceback():
    def failing(x, grad):
        msg = "no backward yet"
        raise NotImplementedError(msg)

    with pytest.raises(NotImplementedError, match="no backward yet"):
        gc.check_gradients(scaled(rule(failing)), params())


def test_a_tensor_valued_cost_is_contracted():
    report = gc.check_gradients(lambda w: right_rule(w) @ w, W.clone())

    assert report.verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: WRONG_RULES["sign"](w) @ w, W.clone()).verdict is Verdict.BUG


def test_a_rule_that_is_right_for_the_sum_only_is_a_bug():
    # With d_y all ones, as a sum gives it, the transposed Jacobian cannot be told from the right one.
    class Shuffled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad.flip(0)

    assert gc.check_gradients(lambda w: Shuffled.apply(w).sum(), W.clone()).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: Shuffled.apply(w), W.clone()).verdict is Verdict.BUG


@pytest.mark.parametrize(
    "collect", [list, tuple, lambda outputs: {"deep": [{str(i): y for i, y in enumerate(outputs)}]}]
)
def test_every_output_of_a_nested_cost_is_checked(collect):
    def cost(sines):
        return lambda p: collect([sine(p["w"]) for sine in sines] + [p["b"], torch.tensor([1, 2])])

    assert gc.check_gradients(cost([right_rule, right_rule]), params()).verdict is Verdict.CORRECT
    for wrong_output in ([WRONG_RULES["sign"], right_rule], [right_rule, WRONG_RULES["sign"]]):
        report = gc.check_gradients(cost(wrong_output), params())
        assert report.verdict is Verdict.BUG
        assert report.worst.name == "w"


def test_an_output_of_several_from_one_rule():
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin(), x.square()

        @staticmethod
        def backward(ctx, d_sine, d_square):
            (x,) = ctx.saved_tensors
            return d_sine * x.cos() + d_square * x  # the factor 2 is missing

    first = gc.check_gradients(lambda w: Both.apply(w)[0], W.clone())
    both = gc.check_gradients(lambda w: Both.apply(w), W.clone())

    assert first.verdict is Verdict.CORRECT
    assert both.verdict is Verdict.BUG


def test_double_backward_inside_the_cost():
    def penalty(p):
        x = torch.tensor([0.2, 0.9], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad((p["w"] @ x).tanh().sum(), x, create_graph=True)
        return (slope.norm() - 1) ** 2

    def without_graph(p):
        x = torch.tensor([0.2, 0.9], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad((p["w"] @ x).tanh().sum(), x)
        return (slope.norm() - 1) ** 2 + p["b"].sum()

    assert gc.check_gradients(penalty, params()).verdict is Verdict.CORRECT
    assert gc.check_gradients(without_graph, params()).parameters["w"].verdict is Verdict.BUG


def test_a_rule_whose_second_derivative_is_wrong():
    # backward multiplies by a constant copy of cos(x): the first derivative is right, its own derivative is lost
    once = rule(lambda x, grad: grad * x.detach().cos())

    def penalty(w):
        (slope,) = torch.autograd.grad(once(w).sum(), w, create_graph=True)
        return (slope * w).sum()

    assert gc.check_gradients(lambda w: once(w).sum(), W.clone().requires_grad_()).verdict is Verdict.CORRECT
    assert gc.check_gradients(penalty, W.clone().requires_grad_()).verdict is Verdict.BUG


def test_vmap_and_functional_gradients_inside_the_cost():
    def energy(w, x):
        return (w @ x).tanh().square().sum()

    x = torch.tensor([[0.2, 0.9], [1.0, -0.3], [0.4, 0.4]], dtype=torch.float64)

    def cost(w):
        return torch.vmap(torch.func.grad(energy, argnums=1), in_dims=(None, 0))(w, x)

    def cut(w):
        return torch.vmap(lambda x: energy(w.detach(), x) * w.sum())(x)

    assert gc.check_gradients(cost, W.clone()).verdict is Verdict.CORRECT
    assert gc.check_gradients(cut, W.clone()).verdict is Verdict.BUG


def test_checkpointed_layers():
    layer = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Tanh()).double()

    def cost(layer, preserve):
        return torch.utils.checkpoint.checkpoint(layer, W, use_reentrant=False, preserve_rng_state=preserve).sum()

    assert gc.check_gradients(cost, layer, args=(True,)).verdict is Verdict.CORRECT
    # Recomputed with other random numbers than forwards, dropout keeps other units.
    assert gc.check_gradients(cost, layer, args=(False,)).verdict is Verdict.BUG


def test_a_straight_through_estimator_is_a_bug_unless_left_out():
    def cost(p):
        rounded = p["w"] + (p["w"].round() - p["w"]).detach()
        return (rounded * 2).sum() + p["b"].square().sum()

    assert gc.check_gradients(cost, params()).verdict is Verdict.BUG
    assert gc.check_gradients(cost, params(), exclude="w").verdict is Verdict.CORRECT


def test_a_hook_that_clips_is_a_bug():
    layer = nn.Linear(2, 1).double()
    handle = layer.weight.register_hook(lambda grad: grad.clamp(-0.01, 0.01))

    report = gc.check_gradients(lambda m: m(W).sum(), layer)
    handle.remove()

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "weight"
    assert gc.check_gradients(lambda m: m(W).sum(), layer).verdict is Verdict.CORRECT


def test_a_cost_that_calls_backward_itself():
    layer = nn.Linear(2, 1).double()

    def cost(layer):
        loss = layer(W).square().sum()
        loss.backward(retain_graph=True)
        return loss

    assert gc.check_gradients(cost, layer).verdict is Verdict.CORRECT
    assert layer.weight.grad is None


def test_the_gradient_is_recorded_under_no_grad():
    with torch.no_grad():
        assert gc.check_gradients(lambda w: w.sin().sum(), W.clone()).verdict is Verdict.CORRECT
        assert not torch.is_grad_enabled()


def test_the_gradient_is_recorded_in_inference_mode():
    layer = nn.Linear(2, 1).double()
    x = W.clone()

    with torch.inference_mode():
        assert gc.check_gradients(lambda w: right_rule(w).sum(), W.clone()).verdict is Verdict.CORRECT
        assert gc.check_gradients(lambda w: WRONG_RULES["sign"](w).sum(), W.clone()).verdict is Verdict.BUG
        assert gc.check_gradients(lambda m: m(x).sin().sum(), layer).verdict is Verdict.CORRECT
        assert torch.is_inference_mode_enabled()

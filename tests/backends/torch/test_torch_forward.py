"""Custom rules in PyTorch: which of the two modes is wrong is told."""

import pytest
import torch

import gradcheck_core as gc
from gradcheck_core import Verdict

W = torch.tensor([0.3, -1.1, 0.7], dtype=torch.float64)


def sine(reverse=1.0, forward=1.0):
    """sin(x) with its two rules scaled; 1 is right, None leaves forward mode out."""

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def backward(ctx, cotangent):
            return reverse * cotangent * ctx.saved_tensors[0].cos()

    if forward is not None:
        Sine.jvp = staticmethod(lambda ctx, tangent: forward * tangent * ctx.saved_tensors[0].cos())
    return lambda w: Sine.apply(w).sum()


def notes_of(report):
    return "\n".join(report.notes)


def test_a_wrong_backward_is_told_from_a_right_jvp():
    report = gc.check_gradients(sine(reverse=2.0), W)

    assert report.verdict is Verdict.BUG
    assert "`theta`: forward mode agrees with the differences, but reverse mode does not" in notes_of(report)


def test_a_mistake_in_both_rules_is_told():
    report = gc.check_gradients(sine(reverse=2.0, forward=2.0), W)

    assert report.verdict is Verdict.BUG
    assert "forward and reverse mode agree with each other, but not with the differences" in notes_of(report)


def test_two_different_mistakes_are_told():
    report = gc.check_gradients(sine(reverse=2.0, forward=3.0), W)

    assert "forward mode, reverse mode and the differences all disagree" in notes_of(report)


def test_a_stopped_gradient_is_no_wrong_reverse_rule():
    report = gc.check_gradients(lambda w: (w * w.detach()).sum(), W)

    assert report.verdict is Verdict.BUG
    assert "stopped gradient (detach, stop_gradient)" in notes_of(report)


def test_without_a_forward_rule_nothing_is_said_of_it():
    report = gc.check_gradients(sine(reverse=2.0, forward=None), W)

    assert report.verdict is Verdict.BUG
    assert "forward mode" not in notes_of(report)


def test_a_wrong_jvp_is_found_by_forward_mode_only():
    assert gc.check_gradients(sine(forward=2.0), W).verdict is Verdict.CORRECT
    assert gc.check_gradients(sine(forward=2.0), W, mode="forward").verdict is Verdict.BUG


def test_forward_mode_without_a_rule_keeps_pytorchs_own_error():
    with pytest.raises(NotImplementedError, match="jvp"):
        gc.check_gradients(sine(forward=None), W, mode="forward")


@pytest.mark.parametrize("kind", ["sequential", "tied", "recurrent"])
def test_forward_mode_through_a_module_leaves_it_as_it_was(kind):
    torch.manual_seed(0)
    linear = torch.nn.Linear(2, 2)
    module = {
        "sequential": torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)),
        "tied": torch.nn.Sequential(linear, torch.nn.Tanh(), linear),
        "recurrent": torch.nn.RNN(2, 2),
    }[kind]
    x = torch.randn(3, 4, 2)
    before = dict(module.named_parameters())

    report = gc.check_gradients(lambda m: m(x), module, mode="forward")

    assert report.verdict is Verdict.CORRECT
    assert all(before[name] is parameter for name, parameter in module.named_parameters())
    module(x)


def test_a_rule_that_is_constant_to_the_second_derivative_is_a_bug():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, cotangent):
            return cotangent * ctx.saved_tensors[0].cos()

    # PyTorch raises only where the cotangent itself depends on theta; here it silently takes the rule as constant
    assert gc.check_gradients(lambda w: Once.apply(w).sum(), W, order=2).verdict is Verdict.BUG


def test_a_wrong_double_backward_is_a_bug_of_order_2_only():
    class Cosine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.cos()

        @staticmethod
        def backward(ctx, cotangent):
            return cotangent * ctx.saved_tensors[0].sin()  # the sign is missing

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, cotangent):
            return cotangent * Cosine.apply(ctx.saved_tensors[0])

    def cost(w):
        return Sine.apply(w).sum()

    assert gc.check_gradients(cost, W).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, W, order=2).verdict is Verdict.BUG


@pytest.mark.parametrize("b", [2.0, 1j, 1.0])
@pytest.mark.parametrize("power", [2, 4])
def test_a_right_product_of_a_complex_cost_at_real_values_is_correct(b, power):
    """The gradient of |w b|**2 by the imaginary part is zero there, and so is its noise."""
    w = torch.ones(4, dtype=torch.complex128)
    cost = lambda w: torch.abs(w * b) ** power  # noqa: E731

    assert gc.check_gradients(cost, w, order=2).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, w, order=2, hvp=lambda w, along: 0.99 * along).verdict is Verdict.BUG

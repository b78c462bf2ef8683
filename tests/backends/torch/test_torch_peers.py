"""Wrong gradients of PyTorch's own operators that its fast mode let through, and right ones that it accuses."""

import numpy as np
import pytest
import torch

import gradcheck_core as gc
from gradcheck_core import Verdict


def theta(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).normal(size=shape) * 3)


def renormalised(x):
    """Rows scaled down to a norm of at most 1; the cost is a fixed mixture of their entries."""
    return (torch.renorm(x, p=2, dim=0, maxnorm=1.0) * torch.arange(1.0, x.numel() + 1).reshape(x.shape)).sum()


def test_the_gradient_of_renorm_passes():
    assert gc.check_gradients(renormalised, theta(4, 5)).verdict is Verdict.CORRECT


def test_a_gradient_of_renorm_that_forgets_the_norm_is_a_bug():
    """The fast mode passed a gradient of renorm that was wrong altogether."""
    x = theta(4, 5)
    weights = torch.arange(1.0, 21.0).reshape(4, 5)
    norms = x.norm(dim=1, keepdim=True)

    # d(x / |x|) is not dx / |x|: the part along x is missing
    report = gc.check_gradients(renormalised, x, torch.where(norms > 1, weights / norms, weights))

    assert report.verdict is Verdict.BUG


def sorted_mixture(x):
    return (torch.sort(x).values * torch.arange(1.0, x.numel() + 1)).sum()


def test_the_gradient_of_sort_passes():
    assert gc.check_gradients(sorted_mixture, theta(30)).verdict is Verdict.CORRECT


def test_a_gradient_of_sort_in_sorted_order_is_a_bug():
    """The fast mode let a backward of sort through that did not undo the permutation."""
    report = gc.check_gradients(sorted_mixture, theta(30), torch.arange(1.0, 31.0))

    assert report.verdict is Verdict.BUG


class Scaled(torch.autograd.Function):
    """A sine whose backward pass is wrong by a factor."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return torch.sin(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return ctx.factor * grad * torch.cos(x), None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("factor", [2.0, -1.0, 1.1])
def test_a_custom_rule_that_is_wrong_over_1000_outputs_is_a_bug(factor, dtype):
    """A tolerance in proportion to the size lets a factor of 2 pass at 1000 outputs."""
    design = torch.linspace(0.1, 1.0, 4000, dtype=dtype).reshape(1000, 4)

    def check(factor):
        return gc.check_gradients(
            lambda w: Scaled.apply(design @ w, factor), torch.tensor([0.3, -0.2, 0.5, 0.1], dtype=dtype)
        )

    assert check(1.0).passed
    assert check(factor).verdict is Verdict.BUG


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_torchs_own_dropout_passes(probability):
    """The framework's checker reports it as a mismatch with values of a million."""
    report = gc.check_gradients(
        lambda x: torch.nn.functional.dropout(torch.sin(x), probability, training=True).sum(), theta(40)
    )

    assert report.verdict is Verdict.CORRECT

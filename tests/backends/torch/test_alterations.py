"""What migrations get wrong, done otherwise in PyTorch: each alteration is the model that was written that way."""

import contextlib
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradcheck_torch import TorchBackend
from gradcheck_torch.causes import find_alterations

X = torch.linspace(-1, 1, 2 * 3 * 8 * 8, dtype=torch.float64).reshape(2, 3, 8, 8)


def altered(cost, params, *args):
    """By kind and sentence, what the altered cost gives."""
    backend = TorchBackend()
    with backend.open(cost, params, args, "native", 0) as problem:
        found = list(find_alterations(problem))
    results = []
    for alteration in found:
        # an epsilon of 0 is refused by PyTorch itself
        refused = contextlib.suppress(ValueError)
        with refused, backend.open(alteration.altered(cost), params, args, "native", 0) as problem:
            results.append((alteration.kind, alteration.sentence, float(problem.evaluate().detach())))
    return results


def kinds(results):
    return {kind for kind, _, _ in results}


def among(results, kind, cost):
    return any(math.isclose(value, float(cost.detach()), rel_tol=1e-14) for found, _, value in results if found == kind)


def summed(function):
    return lambda params, *args: function(params, *args).square().sum()


@pytest.mark.parametrize(("mine", "other"), [("none", "tanh"), ("tanh", "none")])
def test_gelu_is_exact_or_by_its_approximation(mine, other):
    w = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)
    results = altered(summed(lambda w: functional.gelu(w, approximate=mine)), w)

    assert among(results, "gelu", functional.gelu(w, approximate=other).square().sum())


@pytest.mark.parametrize("epsilon", [1e-3, 1e-6, 1e-12])
def test_norms_have_other_epsilons_in_modules_functions_and_by_hand(epsilon):
    w = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)

    def by_hand(w, eps=1e-5):
        return (w - w.mean()) / torch.sqrt(w.var(unbiased=False) + eps)

    expected = by_hand(w, epsilon).square().sum()
    for function in (by_hand, lambda w: functional.layer_norm(w, (3,)), nn.LayerNorm(3).double()):
        assert among(altered(summed(function), w), "epsilon", expected)


def test_a_strided_convolution_is_padded_more_at_the_end():
    conv = nn.Conv2d(3, 2, 3, stride=2, padding=1).double()
    end = functional.pad(X, (0, 1, 0, 1))
    expected = functional.conv2d(end, conv.weight, conv.bias, stride=2).square().sum()

    assert among(altered(summed(lambda m, x: m(x)), conv, X), "padding", expected)


def test_padding_of_its_own_is_moved_to_both_sides_and_to_the_end():
    conv = nn.Conv2d(3, 2, 3, stride=2).double()

    def padded(pads):
        return lambda m, x: m(functional.pad(x, pads))

    for mine, other in (((1, 1, 1, 1), (0, 1, 0, 1)), ((0, 1, 0, 1), (1, 1, 1, 1))):
        expected = padded(other)(conv, X).square().sum()
        assert among(altered(summed(padded(mine)), conv, X), "padding", expected)


def test_a_convolution_of_stride_one_has_no_other_padding():
    conv = nn.Conv2d(3, 2, 3, padding=1).double()

    assert "padding" not in kinds(altered(summed(lambda m, x: m(x)), conv, X))


def test_images_are_read_as_if_they_were_reshaped():
    conv = nn.Conv2d(3, 2, 3).double()
    reshaped = X.reshape(2, 8, 8, 3).permute(0, 3, 1, 2)

    assert among(altered(summed(lambda m, x: m(x)), conv, X), "layout", conv(reshaped).square().sum())


def test_batch_norm_and_dropout_are_in_the_other_mode():
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.4)).double()
    results = altered(summed(lambda m, x: m(x)), model, X)
    expected = {}
    for norm in (True, False):
        model[1].train(norm)
        model[2].eval()
        with torch.no_grad():
            state = {name: buffer.clone() for name, buffer in model.named_buffers()}
            expected[norm] = model(X).square().sum()
            model.load_state_dict(state, strict=False)

    assert among(results, "dropout", expected[True])
    assert among(results, "mode", expected[False])


def test_casts_down_are_left_out():
    w = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)

    assert among(altered(summed(lambda w: w.bfloat16().double()), w), "dtype", w.square().sum())


def test_a_cost_of_which_nothing_is_known_has_no_alterations():
    w = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)

    assert altered(summed(torch.sin), w) == []


def test_nothing_of_the_callers_changes():
    layers = [nn.Conv2d(3, 2, 3, stride=2, padding=1), nn.BatchNorm2d(2), nn.GELU(), nn.Dropout(0.4)]
    model = nn.Sequential(*layers).double()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    altered(summed(lambda m, x: m(x)), model, X)

    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(module.training for module in model.modules())

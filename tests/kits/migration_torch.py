"""The layers of `migration_layers` in PyTorch."""

import numpy as np
import torch
from migration_layers import EPSILON, cost_weights
from torch import nn

from gradcheck_core import GradientCase


def _case(layer, module, weights, x, call, channels_last=()):
    module = module.double()
    own = dict(module.named_parameters())
    assert set(own) == set(weights)
    with torch.no_grad():
        for name, value in weights.items():
            assert own[name].shape == value.shape
            own[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))
    inputs = torch.from_numpy(x)

    def cost(model):
        y = call(model, inputs)
        y = y.permute(channels_last) if channels_last else y
        return (torch.from_numpy(cost_weights(tuple(y.shape))) * y**2).sum()

    return GradientCase(cost, module, name=f"{layer} in torch")


def _linear(drawn):
    w, s = drawn.weights, drawn.sizes
    module = nn.Linear(s.inputs, s.outputs)
    return _case("linear", module, {"weight": w["w"].T, "bias": w["b"]}, drawn.x, lambda m, x: m(x))


def _conv1d(drawn):
    w, s = drawn.weights, drawn.sizes
    weights = {"weight": w["w"].transpose(2, 1, 0), "bias": w["b"]}
    module = nn.Conv1d(s.inputs, s.outputs, s.window[0])
    return _case("conv1d", module, weights, drawn.x.transpose(0, 2, 1).copy(), lambda m, x: m(x), (0, 2, 1))


def _conv2d(drawn):
    w, s = drawn.weights, drawn.sizes
    weights = {"weight": w["w"].transpose(3, 2, 0, 1), "bias": w["b"]}
    module = nn.Conv2d(s.inputs, s.outputs, s.window)
    return _case("conv2d", module, weights, drawn.x.transpose(0, 3, 1, 2).copy(), lambda m, x: m(x), (0, 2, 3, 1))


def _batch_norm(drawn):
    weights = {"weight": drawn.weights["gain"], "bias": drawn.weights["shift"]}
    return _case("batch_norm", nn.BatchNorm1d(drawn.sizes.inputs, eps=EPSILON), weights, drawn.x, lambda m, x: m(x))


def _layer_norm(drawn):
    weights = {"weight": drawn.weights["gain"], "bias": drawn.weights["shift"]}
    return _case("layer_norm", nn.LayerNorm(drawn.sizes.inputs, eps=EPSILON), weights, drawn.x, lambda m, x: m(x))


def _embedding(drawn):
    s = drawn.sizes
    module = nn.Embedding(s.vocabulary, s.inputs)
    return _case("embedding", module, {"weight": drawn.weights["table"]}, drawn.x, lambda m, x: m(x))


def _recurrent(layer, kind, gates):
    def built(drawn):
        w, s = drawn.weights, drawn.sizes
        weights = {
            "weight_ih_l0": np.concatenate([w[f"w_{gate}"].T for gate in gates]),
            "weight_hh_l0": np.concatenate([w[f"u_{gate}"].T for gate in gates]),
            "bias_ih_l0": np.concatenate([w[f"b_{gate}"] for gate in gates]),
            "bias_hh_l0": np.concatenate([w[f"c_{gate}"] for gate in gates]),
        }
        module = kind(s.inputs, s.outputs, batch_first=True)
        return _case(layer, module, weights, drawn.x, lambda m, x: m(x)[0])

    return built


def _attention(drawn):
    w, s = drawn.weights, drawn.sizes
    model = s.heads * s.width
    parts = ("query", "key", "value")
    weights = {
        "in_proj_weight": np.concatenate([w[f"w_{part}"].reshape(model, model).T for part in parts]),
        "in_proj_bias": np.concatenate([w[f"b_{part}"].reshape(model) for part in parts]),
        "out_proj.weight": w["w_out"].reshape(model, model).T,
        "out_proj.bias": w["b_out"],
    }
    module = nn.MultiheadAttention(model, s.heads, batch_first=True)
    return _case("attention", module, weights, drawn.x, lambda m, x: m(x, x, x, need_weights=False)[0])


def _flatten(drawn):
    w, s = drawn.weights, drawn.sizes
    rows = w["dense"].shape[:3]
    module = nn.Sequential(
        nn.Conv2d(s.inputs, s.outputs, s.window), nn.Tanh(), nn.Flatten(), nn.Linear(int(np.prod(rows)), 2)
    )
    weights = {
        "0.weight": w["w"].transpose(3, 2, 0, 1),
        "0.bias": w["b"],
        "3.weight": w["dense"].transpose(3, 2, 0, 1).reshape(2, -1),  # channels come first where they are flattened
        "3.bias": w["out"],
    }
    return _case("flatten", module, weights, drawn.x.transpose(0, 3, 1, 2).copy(), lambda m, x: m(x))


CASES = {
    "linear": _linear,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "embedding": _embedding,
    "lstm": _recurrent("lstm", nn.LSTM, "ifgo"),
    "gru": _recurrent("gru", nn.GRU, "rzn"),
    "attention": _attention,
    "flatten": _flatten,
}

"""Deep nets whose paths branch: skips, gates, experts, shared weights."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import sigmoid, softmax, through_softmax

N = 6


def residual_net(ops, p, d):
    h = d["x"]
    for block in ("1", "2"):
        h = h + ops.tanh(h @ p["w" + block]) @ p["v" + block]
    return ops.sum(ops.sin(h))


def residual_net_gradient(p, d):
    h1 = d["x"]
    a1 = np.tanh(h1 @ p["w1"])
    h2 = h1 + a1 @ p["v1"]
    a2 = np.tanh(h2 @ p["w2"])
    d3 = np.cos(h2 + a2 @ p["v2"])
    d_a2 = d3 @ p["v2"].T * (1 - a2**2)
    d2 = d3 + d_a2 @ p["w2"].T
    d_a1 = d2 @ p["v1"].T * (1 - a1**2)
    return {"w1": h1.T @ d_a1, "v1": a1.T @ d2, "w2": h2.T @ d_a2, "v2": a2.T @ d3}


def _without_the_skip(setting):
    p, d = setting.params, setting.data
    a1 = np.tanh(d["x"] @ p["w1"])
    h2 = d["x"] + a1 @ p["v1"]
    a2 = np.tanh(h2 @ p["w2"])
    d2 = np.cos(h2 + a2 @ p["v2"]) @ p["v2"].T * (1 - a2**2) @ p["w2"].T
    return a1.T @ d2


def gated_net(ops, p, d):
    return ops.sum((d["x"] @ p["v"]) * ops.sigmoid(d["x"] @ p["g"] + p["b"]) * d["y"])


def gated_net_gradient(p, d):
    gate, value = sigmoid(d["x"] @ p["g"] + p["b"]), d["x"] @ p["v"]
    d_gate = value * gate * (1 - gate) * d["y"]
    return {"v": d["x"].T @ (gate * d["y"]), "g": d["x"].T @ d_gate, "b": d_gate.sum(axis=0)}


def mixture_of_experts(ops, p, d):
    z = d["x"] @ p["gate"]
    gate = ops.exp(z - ops.logsumexp(z, axis=1, keepdims=True))
    experts = ops.tanh(ops.einsum("ni,ei->ne", d["x"], p["experts"]))
    return ops.sum((ops.sum(gate * experts, axis=1) - d["y"]) ** 2)


def mixture_of_experts_gradient(p, d):
    gate, experts = softmax(d["x"] @ p["gate"]), np.tanh(d["x"] @ p["experts"].T)
    d_out = 2 * ((gate * experts).sum(axis=1) - d["y"])[:, None]
    d_experts = d_out * gate * (1 - experts**2)
    return {"gate": d["x"].T @ through_softmax(gate, d_out * experts), "experts": d_experts.T @ d["x"]}


def maxout(ops, p, d):
    pieces = ops.einsum("ni,kij->nkj", d["x"], p["w"]) + p["b"]
    return ops.sum(ops.max(pieces, axis=1) * d["y"])


def maxout_gradient(p, d):
    pieces = np.einsum("ni,kij->nkj", d["x"], p["w"]) + p["b"]
    chosen = (pieces == pieces.max(axis=1, keepdims=True)) * d["y"][:, None, :]
    return {"w": np.einsum("ni,nkj->kij", d["x"], chosen), "b": chosen.sum(axis=0)}


def siamese(ops, p, d):
    gap = ops.tanh(d["x"] @ p["w"] + p["b"]) - ops.tanh(d["y"] @ p["w"] + p["b"])
    return ops.sum(gap**2) / 2


def siamese_gradient(p, d):
    one, other = np.tanh(d["x"] @ p["w"] + p["b"]), np.tanh(d["y"] @ p["w"] + p["b"])
    d_one, d_other = (one - other) * (1 - one**2), (other - one) * (1 - other**2)
    return {"w": d["x"].T @ d_one + d["y"].T @ d_other, "b": (d_one + d_other).sum(axis=0)}


def _one_branch_only(setting):
    p, d = setting.params, setting.data
    one, other = np.tanh(d["x"] @ p["w"] + p["b"]), np.tanh(d["y"] @ p["w"] + p["b"])
    return d["x"].T @ ((one - other) * (1 - one**2))


def hypernetwork(ops, p, d):
    """A matrix whose entries are themselves computed from parameters."""
    made = ops.reshape(ops.tanh(ops.matmul(p["w"], p["z"])), (3, 2))
    return ops.sum(ops.sin(d["x"] @ made))


def hypernetwork_gradient(p, d):
    made = np.tanh(p["w"] @ p["z"])
    d_made = (d["x"].T @ np.cos(d["x"] @ made.reshape(3, 2))).reshape(-1) * (1 - made**2)
    return {"w": np.outer(d_made, p["z"]), "z": p["w"].T @ d_made}


_model = partial(random_model, "deep net")

MODELS = (
    _model(
        "residual-net",
        residual_net,
        residual_net_gradient,
        {"w1": (3, 3), "v1": (3, 3), "w2": (3, 3), "v2": (3, 3)},
        {"x": (N, 3)},
        m.by_hand("path", "v1", _without_the_skip, "without-skip"),
        m.swapped("v1", "v2"),
        m.transposed("w2"),
        m.reversed_axes("v2", 0, 1),
        scale=0.7,
    ),
    _model(
        "gated-net",
        gated_net,
        gated_net_gradient,
        {"v": (3, 4), "g": (3, 4), "b": (4,)},
        {"x": (N, 3), "y": (N, 4)},
        m.swapped("v", "g"),
        m.zero("g b"),
        m.permuted("v", 1, (1, 2, 3, 0)),
    ),
    _model(
        "mixture-of-experts",
        mixture_of_experts,
        mixture_of_experts_gradient,
        {"gate": (4, 4), "experts": (4, 4)},
        {"x": (N, 4), "y": (N,)},
        m.transposed("experts"),
        m.of_another("gate", "experts"),
        m.offset("gate", 0.2, axis=1),
        m.partial("experts", np.s_[1:3], 0.5, "two-experts-halved"),
    ),
    _model(
        "maxout",
        maxout,
        maxout_gradient,
        {"w": (3, 3, 2), "b": (3, 2)},
        {"x": (N, 3), "y": (N, 2)},
        m.averaged("w", 0),
        m.reversed_axes("b", 0),
        m.transposed("w", (1, 0, 2)),
    ),
    _model(
        "siamese",
        siamese,
        siamese_gradient,
        {"w": (3, 4), "b": (4,)},
        {"x": (N, 3), "y": (N, 3)},
        m.by_hand("path", "w", _one_branch_only, "one-branch"),
        m.sign_flipped("b"),
    ),
    _model(
        "hypernetwork",
        hypernetwork,
        hypernetwork_gradient,
        {"w": (6, 2), "z": (2,)},
        {"x": (N, 3)},
        m.misread("w"),
        m.shifted("w", 0, 2),
        m.sign_flipped("z"),
    ),
)

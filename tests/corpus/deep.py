"""Deep nets: activations, skips, gates, shared weights."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import dense, sigmoid, softmax

N = 6


def tanh_net(ops, p, d):
    hidden = ops.tanh(d["x"] @ p["w1"] + p["b1"])
    return ops.sum((hidden @ p["w2"] + p["b2"] - d["y"]) ** 2) / N


def tanh_net_gradient(p, d):
    hidden = np.tanh(d["x"] @ p["w1"] + p["b1"])
    d_out = 2 / N * (hidden @ p["w2"] + p["b2"] - d["y"])
    w2, b2, d_hidden = dense(hidden, p["w2"], d_out)
    w1, b1, _ = dense(d["x"], p["w1"], d_hidden * (1 - hidden**2))
    return {"w1": w1, "b1": b1, "w2": w2, "b2": b2}


def _without_the_activation(setting):
    p, d = setting.params, setting.data
    hidden = np.tanh(d["x"] @ p["w1"] + p["b1"])
    return d["x"].T @ (2 / N * (hidden @ p["w2"] + p["b2"] - d["y"]) @ p["w2"].T)


def relu_net(ops, p, d):
    hidden = ops.relu(d["x"] @ p["w1"] + p["b1"])
    z = hidden @ p["w2"] + p["b2"]
    return ops.mean(ops.logsumexp(z, axis=1) - ops.sum(d["y"] * z, axis=1))


def relu_net_gradient(p, d):
    before = d["x"] @ p["w1"] + p["b1"]
    hidden = np.maximum(before, 0)
    w2, b2, d_hidden = dense(hidden, p["w2"], (softmax(hidden @ p["w2"] + p["b2"]) - d["y"]) / N)
    w1, b1, _ = dense(d["x"], p["w1"], d_hidden * (before > 0))
    return {"w1": w1, "b1": b1, "w2": w2, "b2": b2}


def sigmoid_net(ops, p, d):
    h = d["x"]
    for layer in ("1", "2", "3"):
        h = ops.sigmoid(h @ p["w" + layer] + p["b" + layer])
    return -ops.sum(d["y"] * ops.log(h) + (1 - d["y"]) * ops.log(1 - h))


def sigmoid_net_gradient(p, d):
    h = [d["x"]]
    for layer in ("1", "2", "3"):
        h.append(sigmoid(h[-1] @ p["w" + layer] + p["b" + layer]))
    grads, d_z = {}, h[3] - d["y"]
    for i in (3, 2, 1):
        grads[f"w{i}"], grads[f"b{i}"], d_h = dense(h[i - 1], p[f"w{i}"], d_z)
        d_z = d_h * h[i - 1] * (1 - h[i - 1])
    return grads


def tied_autoencoder(ops, p, d):
    code = ops.tanh(d["x"] @ p["w"] + p["b"])
    return ops.sum((code @ ops.transpose(p["w"]) + p["c"] - d["x"]) ** 2) / 2


def tied_autoencoder_gradient(p, d):
    code = np.tanh(d["x"] @ p["w"] + p["b"])
    d_out = code @ p["w"].T + p["c"] - d["x"]
    d_code = d_out @ p["w"] * (1 - code**2)
    return {"w": d["x"].T @ d_code + d_out.T @ code, "b": d_code.sum(axis=0), "c": d_out.sum(axis=0)}


def _encoder_only(setting):
    p, d = setting.params, setting.data
    code = np.tanh(d["x"] @ p["w"] + p["b"])
    return d["x"].T @ ((code @ p["w"].T + p["c"] - d["x"]) @ p["w"] * (1 - code**2))


def swish_net(ops, p, d):
    z = d["x"] @ p["w"] + p["b"]
    return ops.sum((ops.matmul(z * ops.sigmoid(z), p["v"]) - d["y"]) ** 2)


def swish_net_gradient(p, d):
    z = d["x"] @ p["w"] + p["b"]
    s = sigmoid(z)
    d_out = 2 * (z * s @ p["v"] - d["y"])
    d_z = np.outer(d_out, p["v"]) * (s + z * s * (1 - s))
    return {"w": d["x"].T @ d_z, "b": d_z.sum(axis=0), "v": (z * s).T @ d_out}


def elu_net(ops, p, d):
    z = d["x"] @ p["w"] + p["b"]
    return ops.sum(ops.where(z > 0, z, ops.expm1(z)) * d["y"])


def elu_net_gradient(p, d):
    z = d["x"] @ p["w"] + p["b"]
    d_z = np.where(z > 0, 1, np.exp(z)) * d["y"]
    return {"w": d["x"].T @ d_z, "b": d_z.sum(axis=0)}


def dropout_net(ops, p, d):
    hidden = ops.tanh(d["x"] @ p["w1"]) * d["mask"] / 0.5
    return ops.sum((hidden @ p["w2"] - d["y"]) ** 2) / 2


def dropout_net_gradient(p, d):
    hidden = np.tanh(d["x"] @ p["w1"])
    kept = hidden * d["mask"] / 0.5
    d_out = kept @ p["w2"] - d["y"]
    return {
        "w1": d["x"].T @ (d_out @ p["w2"].T * d["mask"] / 0.5 * (1 - hidden**2)),
        "w2": kept.T @ d_out,
    }


def _mask_forgotten(setting):
    p, d = setting.params, setting.data
    hidden = np.tanh(d["x"] @ p["w1"])
    return d["x"].T @ (((hidden * d["mask"] / 0.5) @ p["w2"] - d["y"]) @ p["w2"].T * (1 - hidden**2))


_model = partial(random_model, "deep net")

MODELS = (
    _model(
        "tanh-net",
        tanh_net,
        tanh_net_gradient,
        {"w1": (3, 4), "b1": (4,), "w2": (4, 3), "b2": (3,)},
        {"x": (N, 3), "y": (N, 3)},
        m.sign_flipped("w1"),
        m.doubled("w1 b1 w2 b2"),
        m.by_hand("path", "w1", _without_the_activation, "without-activation"),
        m.zero("w1 b1"),
        m.times_batch("b2", N),
        m.misread("w2"),
        m.permuted("w2", 0, (3, 0, 1, 2)),
        m.slightly_off_entry("w1"),
        m.weight_decay("w1 w2", 0.01),
    ),
    _model(
        "relu-net",
        relu_net,
        relu_net_gradient,
        {"w1": (3, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)},
        {"x": (N, 3)},
        m.over_batch("w1 b1 w2 b2", N),
        m.shifted("b1", 0),
        m.zero("b1"),
        m.not_finite("w2", (4, 2)),
        m.single_entry("w1", (1, 1), -1.0),
        y=np.eye(3)[np.arange(N) % 3],
    ),
    _model(
        "sigmoid-net",
        sigmoid_net,
        sigmoid_net_gradient,
        {"w1": (3, 3), "b1": (3,), "w2": (3, 3), "b2": (3,), "w3": (3, 2), "b3": (2,)},
        {"x": (N, 3)},
        m.swapped("w1", "w2"),
        m.of_another("b1", "b2"),
        m.transposed("w2"),
        m.halved("w1"),
        m.l1("w3", 0.05),
        y=(np.arange(2 * N).reshape(N, 2) % 3 == 0).astype(float),
    ),
    _model(
        "tied-autoencoder",
        tied_autoencoder,
        tied_autoencoder_gradient,
        {"w": (4, 3), "b": (3,), "c": (4,)},
        {"x": (N, 4)},
        m.by_hand("path", "w", _encoder_only, "encoder-only"),
        m.doubled("w"),
        m.sign_flipped("c"),
        m.offset("b", 0.3),
    ),
    _model(
        "swish-net",
        swish_net,
        swish_net_gradient,
        {"w": (4, 3), "b": (3,), "v": (3,)},
        {"x": (N, 4), "y": (N,)},
        m.of_another("b", "v"),
        m.scaled("w", 0.5, "half"),
        m.partial("w", np.s_[2], detail="row-2"),
    ),
    _model(
        "elu-net",
        elu_net,
        elu_net_gradient,
        {"w": (4, 3), "b": (3,)},
        {"x": (N, 4), "y": (N, 3)},
        m.by_hand("reduction", "b", lambda s: s.grads["b"] / N, "mean-for-sum"),
        m.shifted("w", 1),
        m.slightly_scaled("b"),
    ),
    _model(
        "dropout-net",
        dropout_net,
        dropout_net_gradient,
        {"w1": (3, 4), "w2": (4, 2)},
        {"x": (N, 3), "y": (N, 2)},
        m.by_hand("path", "w1", _mask_forgotten, "mask-forgotten"),
        m.halved("w1 w2"),
        m.not_finite("w1", (0, 3), -np.inf),
        mask=(np.arange(4 * N).reshape(N, 4) * 7 % 5 > 1).astype(float),
    ),
)

"""Normalisations, whose gradients have a path through the mean and one through the deviation."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import dense

N = 6
EPS = 1e-5


def normalised(ops, z, axis):
    centred = z - ops.mean(z, axis=axis, keepdims=True)
    return centred / ops.sqrt(ops.mean(centred**2, axis=axis, keepdims=True) + EPS)


def through_normalised(z, d, axis):
    """d_z, and the normalised z itself."""
    deviation = np.sqrt(z.var(axis=axis, keepdims=True) + EPS)
    unit = (z - z.mean(axis=axis, keepdims=True)) / deviation
    d_z = d - d.mean(axis=axis, keepdims=True) - unit * (d * unit).mean(axis=axis, keepdims=True)
    return d_z / deviation, unit


def over_axis(axis):
    """J = sum(y * tanh(gamma * normalised(x w + b) + beta)): 1 is layer norm, 0 is batch norm."""

    def cost(ops, p, d):
        unit = normalised(ops, d["x"] @ p["w"] + p["b"], axis)
        return ops.sum(d["y"] * ops.tanh(p["gamma"] * unit + p["beta"]))

    def gradient(p, d, through=lambda z, d_unit: through_normalised(z, d_unit, axis)[0]):
        z = d["x"] @ p["w"] + p["b"]
        unit = through_normalised(z, 0 * z, axis)[1]
        d_out = d["y"] * (1 - np.tanh(p["gamma"] * unit + p["beta"]) ** 2)
        w, b, _ = dense(d["x"], p["w"], through(z, d_out * p["gamma"]))
        return {"w": w, "b": b, "gamma": (d_out * unit).sum(axis=0), "beta": d_out.sum(axis=0)}

    return cost, gradient


def without_mean_path(axis):
    def through(z, d):
        deviation = np.sqrt(z.var(axis=axis, keepdims=True) + EPS)
        return through_normalised(z, d, axis)[0] + d.mean(axis=axis, keepdims=True) / deviation

    return _forgetting(axis, through)


def without_deviation_path(axis):
    def through(z, d):
        return (d - d.mean(axis=axis, keepdims=True)) / np.sqrt(z.var(axis=axis, keepdims=True) + EPS)

    return _forgetting(axis, through)


def _forgetting(axis, through):
    gradient = over_axis(axis)[1]
    return lambda setting: gradient(setting.params, setting.data, through)["w"]


def _gamma_of_the_raw_input(setting):
    p, d = setting.params, setting.data
    z = d["x"] @ p["w"] + p["b"]
    unit = through_normalised(z, 0 * z, 0)[1]
    return (d["y"] * (1 - np.tanh(p["gamma"] * unit + p["beta"]) ** 2) * z).sum(axis=0)


def _first_row_of_beta(setting):
    p, d = setting.params, setting.data
    z = d["x"] @ p["w"] + p["b"]
    unit = through_normalised(z, 0 * z, 1)[1]
    return (d["y"] * (1 - np.tanh(p["gamma"] * unit + p["beta"]) ** 2))[0]


def group_norm(ops, p, d):
    """Channels in two groups, each normalised over its channels and places."""
    n, c, s = d["x"].shape
    out = ops.einsum("oc,ncs->nos", p["w"], d["x"])
    unit = ops.reshape(normalised(ops, ops.reshape(out, (n, 2, c * s // 2)), 2), (n, c, s))
    return ops.sum(d["y"] * ops.sin(unit * ops.reshape(p["gamma"], (1, c, 1))))


def group_norm_gradient(p, d):
    n, c, s = d["x"].shape
    groups = np.einsum("oc,ncs->nos", p["w"], d["x"]).reshape(n, 2, c * s // 2)
    unit = through_normalised(groups, 0 * groups, 2)[1].reshape(n, c, s)
    d_scaled = d["y"] * np.cos(unit * p["gamma"][None, :, None])
    d_unit = (d_scaled * p["gamma"][None, :, None]).reshape(groups.shape)
    d_out = through_normalised(groups, d_unit, 2)[0].reshape(n, c, s)
    return {"w": np.einsum("nos,ncs->oc", d_out, d["x"]), "gamma": (d_scaled * unit).sum(axis=(0, 2))}


def rms_norm(ops, p, d):
    z = d["x"] @ p["w"]
    return ops.sum(d["y"] * ops.tanh(p["gain"] * z / ops.sqrt(ops.mean(z**2, axis=1, keepdims=True) + EPS)))


def rms_norm_gradient(p, d):
    z = d["x"] @ p["w"]
    rms = np.sqrt((z**2).mean(axis=1, keepdims=True) + EPS)
    d_out = d["y"] * (1 - np.tanh(p["gain"] * z / rms) ** 2)
    d_unit = d_out * p["gain"]
    d_z = d_unit / rms - z * (d_unit * z).mean(axis=1, keepdims=True) / rms**3
    return {"w": d["x"].T @ d_z, "gain": (d_out * z / rms).sum(axis=0)}


def _rms_as_a_constant(setting):
    p, d = setting.params, setting.data
    z = d["x"] @ p["w"]
    rms = np.sqrt((z**2).mean(axis=1, keepdims=True) + EPS)
    return d["x"].T @ (d["y"] * (1 - np.tanh(p["gain"] * z / rms) ** 2) * p["gain"] / rms)


def weight_norm(ops, p, d):
    w = p["g"] * p["v"] / ops.sqrt(ops.sum(p["v"] ** 2, axis=0, keepdims=True))
    return ops.sum((ops.tanh(d["x"] @ w) - d["y"]) ** 2)


def weight_norm_gradient(p, d):
    length = np.sqrt((p["v"] ** 2).sum(axis=0, keepdims=True))
    unit = p["v"] / length
    out = np.tanh(d["x"] @ (p["g"] * unit))
    d_w = d["x"].T @ (2 * (out - d["y"]) * (1 - out**2))
    d_g = (d_w * unit).sum(axis=0)
    return {"v": p["g"] / length * (d_w - unit * d_g), "g": d_g}


def cosine(ops, p, d):
    z = d["x"] @ p["w"]
    return -ops.sum(ops.sum(z * d["y"], axis=1) / ops.sqrt(ops.sum(z**2, axis=1)))


def cosine_gradient(p, d):
    z = d["x"] @ p["w"]
    length = np.sqrt((z**2).sum(axis=1, keepdims=True))
    along = (z * d["y"]).sum(axis=1, keepdims=True)
    return {"w": -d["x"].T @ (d["y"] / length - z * along / length**3)}


_model = partial(random_model, "norm")


AFFINE = {"w": (3, 4), "b": (4,), "gamma": (4,), "beta": (4,)}

MODELS = (
    _model(
        "layer-norm",
        *over_axis(1),
        AFFINE,
        {"x": (N, 3), "y": (N, 4)},
        m.by_hand("offset", "w", without_mean_path(1), "mean-path-missing"),
        m.by_hand("path", "w", without_deviation_path(1), "deviation-path-missing"),
        m.by_hand("reduction", "beta", _first_row_of_beta, "first-row-only"),
        m.swapped("gamma", "beta"),
        m.of_another("b", "beta"),
        m.sign_flipped("beta"),
        m.slightly_scaled("w"),
    ),
    _model(
        "batch-norm",
        *over_axis(0),
        AFFINE,
        {"x": (N, 3), "y": (N, 4)},
        m.by_hand("path", "w", without_mean_path(0), "mean-path-missing"),
        m.by_hand("path", "w", without_deviation_path(0), "deviation-path-missing"),
        m.by_hand("path", "gamma", _gamma_of_the_raw_input, "of-the-raw-input"),
        m.offset("b", 0.1),
        m.of_another("b", "beta"),
        m.over_batch("gamma beta", N),
    ),
    _model(
        "group-norm",
        group_norm,
        group_norm_gradient,
        {"w": (4, 4), "gamma": (4,)},
        {"x": (2, 4, 3), "y": (2, 4, 3)},
        m.transposed("w"),
        m.permuted("gamma", 0, (2, 3, 0, 1)),
        m.offset("w", 0.2, axis=0),
        m.partial("w", np.s_[:2], detail="first-group"),
    ),
    _model(
        "rms-norm",
        rms_norm,
        rms_norm_gradient,
        {"w": (3, 4), "gain": (4,)},
        {"x": (N, 3), "y": (N, 4)},
        m.by_hand("path", "w", _rms_as_a_constant, "rms-as-constant"),
        m.shifted("gain", 0),
        m.misread("w"),
    ),
    _model(
        "weight-norm",
        weight_norm,
        weight_norm_gradient,
        {"v": (3, 3), "g": (3,)},
        {"x": (N, 3), "y": (N, 3)},
        m.weight_decay("v", 0.5),
        m.transposed("v"),
        m.doubled("g"),
    ),
    _model(
        "cosine-similarity",
        cosine,
        cosine_gradient,
        {"w": (3, 4)},
        {"x": (N, 3), "y": (N, 4)},
        m.sign_flipped("w"),
        m.partial("w", np.s_[:, 1:3], 2.0, "two-columns-doubled"),
        m.single_entry("w", (0, 0), 0.0),
    ),
)

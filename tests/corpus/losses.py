"""Losses beyond squares and cross-entropy, on top of a linear map."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import sigmoid, softmax, through_softmax
from corpus.records import draw

N = 6


def info_nce(ops, p, d):
    """Each row of one view is to find its own row among those of the other."""
    z = (d["x"] @ p["w"]) @ ops.transpose(d["y"] @ p["v"])
    return ops.mean(ops.logsumexp(z, axis=1)) - ops.sum(z * d["own"]) / N


def info_nce_gradient(p, d):
    one, other = d["x"] @ p["w"], d["y"] @ p["v"]
    d_z = (softmax(one @ other.T) - d["own"]) / N
    return {"w": d["x"].T @ (d_z @ other), "v": d["y"].T @ (d_z.T @ one)}


def triplet(ops, p, d):
    a, b, c = (d[name] @ p["w"] for name in ("x", "near", "far"))
    return ops.sum(ops.relu(ops.sum((a - b) ** 2, axis=1) - ops.sum((a - c) ** 2, axis=1) + 1.0))


def triplet_gradient(p, d, negative=1.0):
    to_near, to_far = (d["x"] - d["near"]), (d["x"] - d["far"])
    gap = ((to_near @ p["w"]) ** 2).sum(axis=1) - ((to_far @ p["w"]) ** 2).sum(axis=1) + 1
    active = (gap > 0)[:, None]
    return {"w": 2 * to_near.T @ (active * (to_near @ p["w"])) - 2 * negative * to_far.T @ (active * (to_far @ p["w"]))}


SMOOTHING = 0.1


def label_smoothing(ops, p, d):
    z = d["x"] @ p["w"] + p["b"]
    target = (1 - SMOOTHING) * d["y"] + SMOOTHING / 3
    return ops.mean(ops.logsumexp(z, axis=1) - ops.sum(target * z, axis=1))


def label_smoothing_gradient(p, d, smoothing=SMOOTHING):
    d_z = (softmax(d["x"] @ p["w"] + p["b"]) - (1 - smoothing) * d["y"] - smoothing / 3) / N
    return {"w": d["x"].T @ d_z, "b": d_z.sum(axis=0)}


def focal(ops, p, d):
    chance = ops.sigmoid((2 * d["y"] - 1) * (ops.matmul(d["x"], p["w"]) + p["b"]))
    return -ops.mean((1 - chance) ** 2 * ops.log(chance))


def focal_gradient(p, d):
    side = 2 * d["y"] - 1
    chance = sigmoid(side * (d["x"] @ p["w"] + p["b"]))
    d_chance = 2 * (1 - chance) * np.log(chance) - (1 - chance) ** 2 / chance
    d_z = d_chance * chance * (1 - chance) * side / N
    return {"w": d["x"].T @ d_z, "b": d_z.sum()}


def _weight_as_a_constant(setting):
    p, d = setting.params, setting.data
    side = 2 * d["y"] - 1
    chance = sigmoid(side * (d["x"] @ p["w"] + p["b"]))
    return d["x"].T @ (-((1 - chance) ** 3) * side / N)


def variational(ops, p, d):
    """A variational autoencoder with fixed noise: reconstruction plus the divergence from a unit normal."""
    mean, log_variance = d["x"] @ p["mean"], d["x"] @ p["spread"]
    code = mean + ops.exp(log_variance / 2) * d["noise"]
    divergence = ops.sum(mean**2 + ops.exp(log_variance) - log_variance - 1) / 2
    return ops.sum((code @ p["decoder"] - d["x"]) ** 2) / 2 + divergence


def variational_gradient(p, d, divergence=True):
    mean, log_variance = d["x"] @ p["mean"], d["x"] @ p["spread"]
    deviation = np.exp(log_variance / 2)
    code = mean + deviation * d["noise"]
    d_out = code @ p["decoder"] - d["x"]
    d_code = d_out @ p["decoder"].T
    d_mean = d_code + (mean if divergence else 0.0)
    d_spread = d_code * d["noise"] * deviation / 2 + ((np.exp(log_variance) - 1) / 2 if divergence else 0.0)
    return {"mean": d["x"].T @ d_mean, "spread": d["x"].T @ d_spread, "decoder": code.T @ d_out}


def dice(ops, p, d):
    chance = ops.sigmoid(ops.matmul(d["x"], p["w"]) + p["b"])
    return 1 - (2 * ops.sum(chance * d["y"]) + 1) / (ops.sum(chance) + ops.sum(d["y"]) + 1)


def dice_gradient(p, d):
    chance = sigmoid(d["x"] @ p["w"] + p["b"])
    top, bottom = 2 * (chance * d["y"]).sum() + 1, chance.sum() + d["y"].sum() + 1
    d_z = (top / bottom**2 - 2 * d["y"] / bottom) * chance * (1 - chance)
    return {"w": d["x"].T @ d_z, "b": d_z.sum()}


def multiclass_hinge(ops, p, d):
    z = d["x"] @ p["w"]
    own = ops.sum(z * d["y"], axis=1, keepdims=True)
    return ops.sum(ops.relu(z - own + 1.0) * (1 - d["y"]))


def multiclass_hinge_gradient(p, d):
    z = d["x"] @ p["w"]
    active = ((z - (z * d["y"]).sum(axis=1, keepdims=True) + 1) > 0) * (1 - d["y"])
    return {"w": d["x"].T @ (active - active.sum(axis=1, keepdims=True) * d["y"])}


def _own_class_forgotten(setting):
    p, d = setting.params, setting.data
    z = d["x"] @ p["w"]
    return d["x"].T @ (((z - (z * d["y"]).sum(axis=1, keepdims=True) + 1) > 0) * (1 - d["y"]))


def distillation(ops, p, d):
    """Divergence of a student from a teacher, both at temperature 2."""
    z = (d["x"] @ p["w"]) / 2
    student = z - ops.logsumexp(z, axis=1, keepdims=True)
    return 4 * ops.mean(ops.sum(d["teacher"] * (ops.log(d["teacher"]) - student), axis=1))


def distillation_gradient(p, d):
    return {"w": 4 * d["x"].T @ (softmax(d["x"] @ p["w"] / 2) - d["teacher"]) / (2 * N)}


def expected_reward(ops, p, d):
    """A policy's expected reward, with an entropy bonus."""
    z = d["x"] @ p["w"]
    log_chance = z - ops.logsumexp(z, axis=1, keepdims=True)
    return -ops.sum(ops.exp(log_chance) * (d["reward"] - 0.5 * log_chance))


def expected_reward_gradient(p, d, entropy=0.5):
    chance = softmax(d["x"] @ p["w"])
    return {"w": -d["x"].T @ through_softmax(chance, d["reward"] - entropy * (np.log(chance) + 1))}


def log_cosh(ops, p, d):
    r = ops.matmul(d["x"], p["w"]) - d["y"]
    return ops.sum(ops.softplus(2 * r) - r)


def log_cosh_gradient(p, d):
    return {"w": d["x"].T @ np.tanh(d["x"] @ p["w"] - d["y"])}


_model = partial(random_model, "loss")


CLASSES = np.eye(3)[np.arange(N) % 3]
HALVES = (np.arange(N) % 2).astype(float)
LINEAR = {"w": (4,), "b": ()}

MODELS = (
    _model(
        "info-nce",
        info_nce,
        info_nce_gradient,
        {"w": (3, 3), "v": (3, 3)},
        {"x": (N, 3), "y": (N, 3)},
        m.swapped("w", "v"),
        m.transposed("v"),
        m.times_batch("w v", N),
        m.by_hand("path", "w", lambda s: info_nce_gradient(s.params, {**s.data, "own": 0})["w"], "negatives-only"),
        own=np.eye(N),
    ),
    _model(
        "triplet",
        triplet,
        triplet_gradient,
        {"w": (3, 2)},
        {"x": (N, 3), "near": (N, 3), "far": (N, 3)},
        m.by_hand("path", "w", lambda s: triplet_gradient(s.params, s.data, 0.0)["w"], "negative-forgotten"),
        m.halved("w"),
    ),
    _model(
        "label-smoothing",
        label_smoothing,
        label_smoothing_gradient,
        {"w": (4, 3), "b": (3,)},
        {"x": (N, 4)},
        m.by_hand("path", "w", lambda s: label_smoothing_gradient(s.params, s.data, 0.0)["w"], "not-smoothed"),
        m.by_hand("offset", "b", lambda s: s.grads["b"] + SMOOTHING / 3, "uniform-part-missing"),
        m.permuted("b", 0, (1, 2, 0)),
        y=CLASSES,
    ),
    _model(
        "focal",
        focal,
        focal_gradient,
        LINEAR,
        {"x": (N, 4)},
        m.by_hand("path", "w", _weight_as_a_constant, "weight-as-constant"),
        m.sign_flipped("b"),
        m.not_finite("b", ()),
        y=HALVES,
    ),
    _model(
        "variational-autoencoder",
        variational,
        variational_gradient,
        {"mean": (4, 2), "spread": (4, 2), "decoder": (2, 4)},
        {"x": (N, 4), "noise": (N, 2)},
        m.by_hand("path", "mean", lambda s: variational_gradient(s.params, s.data, False)["mean"], "no-divergence"),
        m.by_hand("path", "spread", lambda s: variational_gradient(s.params, s.data, False)["spread"], "no-divergence"),
        m.doubled("spread"),
        m.swapped("mean", "spread"),
        m.misread("decoder"),
    ),
    _model(
        "dice",
        dice,
        dice_gradient,
        LINEAR,
        {"x": (N, 4)},
        m.sign_flipped("w b"),
        m.shifted("w", 0),
        m.zero("w"),
        y=HALVES,
    ),
    _model(
        "multiclass-hinge",
        multiclass_hinge,
        multiclass_hinge_gradient,
        {"w": (4, 3)},
        {"x": (N, 4)},
        m.by_hand("path", "w", _own_class_forgotten, "own-class-forgotten"),
        m.permuted("w", 1, (1, 0, 2)),
        m.over_batch("w", N),
        y=CLASSES,
    ),
    _model(
        "distillation",
        distillation,
        distillation_gradient,
        {"w": (4, 3)},
        {"x": (N, 4)},
        m.halved("w"),
        m.scaled("w", 1 / 4, "temperature-forgotten"),
        m.offset("w", 0.1, axis=0),
        teacher=softmax(draw("teacher", z=(N, 3))["z"]),
    ),
    _model(
        "expected-reward",
        expected_reward,
        expected_reward_gradient,
        {"w": (4, 3)},
        {"x": (N, 4), "reward": (N, 3)},
        m.by_hand("path", "w", lambda s: expected_reward_gradient(s.params, s.data, 0.0)["w"], "no-entropy"),
        m.sign_flipped("w"),
        m.reversed_axes("w", 1),
    ),
    _model(
        "log-cosh",
        log_cosh,
        log_cosh_gradient,
        {"w": (4,)},
        {"x": (N, 4), "y": (N,)},
        m.scaled("w", 1.01, "1.01"),
        m.l1("w", 0.02),
        m.single_entry("w", (2,), 0.99),
    ),
)

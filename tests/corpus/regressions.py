"""Regressions: one linear predictor, many likelihoods."""

import math
from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import sigmoid, softmax
from corpus.records import Model, draw

N = 8


def least_squares(ops, p, d):
    return ops.sum((d["x"] @ p["w"] + p["b"] - d["y"]) ** 2) / (2 * N)


def least_squares_gradient(p, d):
    d_out = (d["x"] @ p["w"] + p["b"] - d["y"]) / N
    return {"w": d["x"].T @ d_out, "b": d_out.sum(axis=0)}


def logistic(ops, p, d):
    z = ops.matmul(d["x"], p["w"]) + p["b"]
    return ops.mean(ops.softplus(z) - d["y"] * z)


def logistic_gradient(p, d):
    d_z = (sigmoid(d["x"] @ p["w"] + p["b"]) - d["y"]) / N
    return {"w": d["x"].T @ d_z, "b": d_z.sum()}


def softmax_regression(ops, p, d):
    z = d["x"] @ p["w"] + p["b"]
    return ops.mean(ops.logsumexp(z, axis=1) - ops.sum(d["y"] * z, axis=1))


def softmax_regression_gradient(p, d):
    d_z = (softmax(d["x"] @ p["w"] + p["b"]) - d["y"]) / N
    return {"w": d["x"].T @ d_z, "b": d_z.sum(axis=0)}


def poisson(ops, p, d):
    z = ops.matmul(d["x"], p["w"]) + p["b"]
    return ops.sum(ops.exp(z) - d["y"] * z)


def poisson_gradient(p, d):
    d_z = np.exp(d["x"] @ p["w"] + p["b"]) - d["y"]
    return {"w": d["x"].T @ d_z, "b": d_z.sum()}


RIDGE = 0.3


def ridge(ops, p, d):
    return least_squares(ops, p, d) + RIDGE / 2 * ops.sum(p["w"] ** 2)


def ridge_gradient(p, d):
    grads = least_squares_gradient(p, d)
    return {**grads, "w": grads["w"] + RIDGE * p["w"]}


LASSO = 0.1


def lasso(ops, p, d):
    return least_squares(ops, p, d) + LASSO * ops.sum(ops.abs(p["w"]))


def lasso_gradient(p, d):
    grads = least_squares_gradient(p, d)
    return {**grads, "w": grads["w"] + LASSO * np.sign(p["w"])}


def huber(ops, p, d):
    r = ops.matmul(d["x"], p["w"]) - d["y"]
    return ops.sum(ops.where(ops.abs(r) < 1, r**2 / 2, ops.abs(r) - 0.5))


def huber_gradient(p, d):
    return {"w": d["x"].T @ np.clip(d["x"] @ p["w"] - d["y"], -1, 1)}


QUANTILE = 0.8


def quantile(ops, p, d):
    r = d["y"] - ops.matmul(d["x"], p["w"])
    return ops.mean(ops.maximum(QUANTILE * r, (QUANTILE - 1) * r))


def quantile_gradient(p, d):
    r = d["y"] - d["x"] @ p["w"]
    return {"w": -d["x"].T @ np.where(r > 0, QUANTILE, QUANTILE - 1) / N}


def heteroscedastic(ops, p, d):
    log_variance = ops.matmul(d["x"], p["v"])
    return ops.mean(log_variance + (d["y"] - ops.matmul(d["x"], p["w"])) ** 2 * ops.exp(-log_variance)) / 2


def heteroscedastic_gradient(p, d):
    r, precision = d["y"] - d["x"] @ p["w"], np.exp(-d["x"] @ p["v"])
    return {"w": -d["x"].T @ (r * precision) / N, "v": d["x"].T @ (1 - r**2 * precision) / (2 * N)}


def student_t(ops, p, d):
    r = ops.matmul(d["x"], p["w"]) - d["y"]
    return ops.sum(2 * ops.log1p(r**2 / 3))


def student_t_gradient(p, d):
    r = d["x"] @ p["w"] - d["y"]
    return {"w": d["x"].T @ (4 * r / (3 + r**2))}


def ordinal(ops, p, d):
    """Four grades between three cutpoints; the lowest and highest have none beyond."""
    z = ops.matmul(d["x"], p["w"])
    upper = ops.sigmoid(ops.matmul(d["upper"], p["cuts"]) - z) * (1 - d["last"]) + d["last"]
    lower = ops.sigmoid(ops.matmul(d["lower"], p["cuts"]) - z) * (1 - d["first"])
    return -ops.sum(ops.log(upper - lower))


def ordinal_gradient(p, d):
    z = d["x"] @ p["w"]
    up, low = sigmoid(d["upper"] @ p["cuts"] - z), sigmoid(d["lower"] @ p["cuts"] - z)
    chance = up * (1 - d["last"]) + d["last"] - low * (1 - d["first"])
    d_up = -up * (1 - up) * (1 - d["last"]) / chance
    d_low = low * (1 - low) * (1 - d["first"]) / chance
    return {"w": -d["x"].T @ (d_up + d_low), "cuts": d["upper"].T @ d_up + d["lower"].T @ d_low}


def bilinear(ops, p, d):
    return ops.sum(ops.sin(ops.einsum("ni,ij,nj->n", d["x"], p["w"], d["z"])))


def bilinear_gradient(p, d):
    return {"w": np.einsum("n,ni,nj->ij", np.cos(np.einsum("ni,ij,nj->n", d["x"], p["w"], d["z"])), d["x"], d["z"])}


def _classes(size):
    return np.eye(size)[np.arange(N) % size]


def _ordinal_data():
    grade = np.arange(N) % 4
    cut = np.eye(3)
    return {
        "x": draw("ordinal", x=(N, 3))["x"],
        "upper": np.array([cut[min(g, 2)] for g in grade]),
        "lower": np.array([cut[max(g - 1, 0)] for g in grade]),
        "last": (grade == 3).astype(float),
        "first": (grade == 0).astype(float),
    }


def _residual(setting):
    return setting.data["x"] @ setting.params["w"] + setting.params["b"] - setting.data["y"]


_model = partial(random_model, "regression")


XY = {"x": (N, 4), "y": (N, 2)}
XV = {"x": (N, 5), "y": (N,)}

MODELS = (
    _model(
        "least-squares",
        least_squares,
        least_squares_gradient,
        {"w": (4, 2), "b": (2,)},
        XY,
        m.sign_flipped("w"),
        m.doubled("w b"),
        m.times_batch("w b", N),
        m.over_batch("b", N),
        m.misread("w"),
        m.by_hand("reduction", "b", lambda s: _residual(s)[-1] / N, "last-row-only"),
        m.weight_decay("w", 0.01),
        m.slightly_scaled("w"),
    ),
    Model(
        "logistic",
        "regression",
        draw("logistic", w=(5,), b=()),
        logistic,
        logistic_gradient,
        {"x": draw("logistic-x", x=(N, 5))["x"], "y": (np.arange(N) % 2).astype(float)},
        (m.sign_flipped("w b"), m.halved("b"), m.zero("b"), m.shifted("w", 0), m.slightly_off_entry("w")),
    ),
    Model(
        "softmax-regression",
        "regression",
        draw("softmax-regression", w=(4, 4), b=(4,)),
        softmax_regression,
        softmax_regression_gradient,
        {"x": draw("softmax-regression-x", x=(N, 4))["x"], "y": _classes(4)},
        (
            m.transposed("w"),
            m.permuted("w", 1, (1, 0, 3, 2)),
            m.times_batch("b", N),
            m.partial("w", np.s_[:, 2], detail="column-2"),
            m.by_hand("path", "w", lambda s: -s.data["x"].T @ s.data["y"] / N, "without-normaliser"),
            m.single_entry("b", (3,)),
        ),
    ),
    Model(
        "poisson",
        "regression",
        {"w": draw("poisson", w=(3,))["w"] / 2, "b": np.array(0.4)},
        poisson,
        poisson_gradient,
        {"x": draw("poisson-x", x=(N, 3))["x"], "y": np.array([0.0, 2, 1, 0, 3, 1, 5, 2])},
        (m.over_batch("w b", N), m.scaled("b", 1.1, "1.1"), m.reversed_axes("w", 0), m.not_finite("w", (1,))),
    ),
    _model(
        "ridge",
        ridge,
        ridge_gradient,
        {"w": (4, 2), "b": (2,)},
        XY,
        m.weight_decay("w", -RIDGE),
        m.weight_decay("b", RIDGE),
        m.weight_decay("w", RIDGE),
        m.offset("w", 0.05, axis=1),
    ),
    _model(
        "lasso",
        lasso,
        lasso_gradient,
        {"w": (4, 2), "b": (2,)},
        XY,
        m.l1("w", -LASSO),
        m.l1("b", LASSO),
        m.l1("w", LASSO),
        m.by_hand("path", "w", lambda s: s.grads["w"] + LASSO * (1 - np.sign(s.params["w"])), "sign-forgotten"),
    ),
    _model(
        "huber",
        huber,
        huber_gradient,
        {"w": (5,)},
        XV,
        m.by_hand("path", "w", lambda s: s.data["x"].T @ (s.data["x"] @ s.params["w"] - s.data["y"]), "not-clipped"),
        m.halved("w"),
    ),
    _model("quantile", quantile, quantile_gradient, {"w": (5,)}, XV, m.times_batch("w", N), m.sign_flipped("w")),
    _model(
        "heteroscedastic",
        heteroscedastic,
        heteroscedastic_gradient,
        {"w": (5,), "v": (5,)},
        XV,
        m.swapped("w", "v"),
        m.doubled("v"),
        m.zero("v"),
        m.single_entry("w", (4,), 0.9),
    ),
    _model(
        "student-t",
        student_t,
        student_t_gradient,
        {"w": (5,)},
        XV,
        m.shifted("w", 0, -1),
        m.scaled("w", 3 / 4, "three-quarters"),
        m.not_finite("w", (0,), math.inf),
    ),
    Model(
        "ordinal",
        "regression",
        {"w": draw("ordinal-w", w=(3,))["w"], "cuts": np.array([-1.0, 0.2, 1.5])},
        ordinal,
        ordinal_gradient,
        _ordinal_data(),
        (m.reversed_axes("cuts", 0), m.sign_flipped("cuts"), m.single_entry("cuts", (1,), 0.0), m.doubled("w")),
    ),
    _model(
        "bilinear",
        bilinear,
        bilinear_gradient,
        {"w": (3, 3)},
        {"x": (N, 3), "z": (N, 3)},
        m.transposed("w"),
        m.permuted("w", 0, (2, 0, 1)),
        m.averaged("w", 0),
    ),
)

"""Structured likelihoods: sums over sequences, clusters, rankings, latent states."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import sigmoid, softmax
from corpus.records import draw


def mixture(ops, p, d):
    """A mixture of normals with means, log-deviations and unnormalised weights."""
    n, k = d["x"].shape[0], p["mean"].shape[0]
    weight = p["weight"] - ops.logsumexp(p["weight"], axis=0)
    unit = (ops.reshape(d["x"], (n, 1)) - p["mean"]) * ops.exp(-p["spread"])
    return -ops.sum(ops.logsumexp(ops.reshape(weight - p["spread"], (1, k)) - unit**2 / 2, axis=1))


def mixture_gradient(p, d, normalised=True):
    unit = (d["x"][:, None] - p["mean"]) * np.exp(-p["spread"])
    share = softmax(p["weight"] - p["spread"] - unit**2 / 2)
    return {
        "mean": -(share * unit * np.exp(-p["spread"])).sum(axis=0),
        "spread": (share * (1 - unit**2)).sum(axis=0),
        "weight": (len(d["x"]) * softmax(p["weight"]) if normalised else 0.0) - share.sum(axis=0),
    }


def ranking(ops, p, d):
    """Plackett and Luce: the best is chosen first, then the best of the rest."""
    z = ops.matmul(d["x"], p["w"])
    return sum(ops.logsumexp(z[i:], axis=0) - z[i] for i in range(len(d["x"]) - 1))


def ranking_gradient(p, d):
    z = d["x"] @ p["w"]
    d_z = np.zeros_like(z)
    for i in range(len(z) - 1):
        d_z[i:] += softmax(z[i:])
        d_z[i] -= 1
    return {"w": d["x"].T @ d_z}


def _first_choice_only(setting):
    d_z = softmax(setting.data["x"] @ setting.params["w"])
    d_z[0] -= 1
    return setting.data["x"].T @ d_z


def survival(ops, p, d):
    """Cox's partial likelihood: who fails first among those still at risk; the data are in order of time."""
    z = ops.matmul(d["x"], p["w"])
    return sum(seen * (ops.logsumexp(z[i:], axis=0) - z[i]) for i, seen in enumerate((1.0, 0.0, 1.0, 1.0, 0.0)))


def survival_gradient(p, d):
    z = d["x"] @ p["w"]
    d_z = np.zeros_like(z)
    for i in (0, 2, 3):
        d_z[i:] += softmax(z[i:])
        d_z[i] -= 1
    return {"w": d["x"].T @ d_z}


def gaussian_process(ops, p, d):
    """Log marginal likelihood with a squared-exponential kernel: length, height and noise in logarithms."""
    kernel = ops.exp(2 * p["height"] - d["squares"] * ops.exp(-2 * p["length"]) / 2)
    covariance = kernel + ops.exp(2 * p["noise"]) * d["eye"]
    return (ops.sum(d["y"] * ops.solve(covariance, d["y"])) + ops.logdet(covariance)) / 2


def gaussian_process_gradient(p, d, log_determinant=1.0):
    kernel = np.exp(2 * p["height"] - d["squares"] * np.exp(-2 * p["length"]) / 2)
    inverse = np.linalg.inv(kernel + np.exp(2 * p["noise"]) * d["eye"])
    alpha = inverse @ d["y"]
    d_covariance = (log_determinant * inverse - alpha @ alpha.T) / 2
    return {
        "length": np.sum(d_covariance * kernel * d["squares"] * np.exp(-2 * p["length"])),
        "height": np.sum(d_covariance * 2 * kernel),
        "noise": np.sum(d_covariance * 2 * np.exp(2 * p["noise"]) * d["eye"]),
    }


def ising(ops, p, d):
    """Pseudo-likelihood of spins: each given the others, the couplings made symmetric."""
    coupling = (p["j"] + ops.transpose(p["j"])) / 2 * (1 - d["eye"])
    field = d["spins"] @ coupling + p["h"]
    return ops.sum(ops.softplus(-2 * d["spins"] * field))


def ising_gradient(p, d, symmetric=True):
    coupling = (p["j"] + p["j"].T) / 2 * (1 - d["eye"])
    d_field = -2 * d["spins"] * sigmoid(-2 * d["spins"] * (d["spins"] @ coupling + p["h"]))
    d_coupling = d["spins"].T @ d_field * (1 - d["eye"])
    return {"j": (d_coupling + d_coupling.T) / 2 if symmetric else d_coupling, "h": d_field.sum(axis=0)}


def factorisation(ops, p, d):
    """Low-rank completion of a matrix of which only some entries are seen."""
    gap = (p["left"] @ ops.transpose(p["right"]) - d["y"]) * d["seen"]
    return ops.sum(gap**2) / 2 + 0.05 * ops.sum(p["left"] ** 2)


def factorisation_gradient(p, d):
    gap = (p["left"] @ p["right"].T - d["y"]) * d["seen"]
    return {"left": gap @ p["right"] + 0.1 * p["left"], "right": gap.T @ p["left"]}


_model = partial(random_model, "structured likelihood")

PLACES = np.array([0.0, 0.7, 1.1, 2.0, 2.6])

MODELS = (
    _model(
        "gaussian-mixture",
        mixture,
        mixture_gradient,
        {"mean": (3,), "spread": (3,), "weight": (3,)},
        {"x": (8,)},
        m.by_hand("path", "weight", lambda s: mixture_gradient(s.params, s.data, False)["weight"], "not-normalised"),
        m.of_another("spread", "mean"),
        m.sign_flipped("mean"),
        m.doubled("spread"),
        m.reversed_axes("weight", 0),
    ),
    _model(
        "plackett-luce",
        ranking,
        ranking_gradient,
        {"w": (4,)},
        {"x": (5, 4)},
        m.by_hand("path", "w", _first_choice_only, "first-choice-only"),
        m.shifted("w", 0),
    ),
    _model(
        "cox-survival",
        survival,
        survival_gradient,
        {"w": (3,)},
        {"x": (5, 3)},
        m.sign_flipped("w"),
        m.weight_decay("w", 0.01),
        m.halved("w"),
    ),
    _model(
        "gaussian-process",
        gaussian_process,
        gaussian_process_gradient,
        {"length": (), "height": (), "noise": ()},
        {"y": (5, 1)},
        m.by_hand("path", "noise", lambda s: gaussian_process_gradient(s.params, s.data, 0.0)["noise"], "no-logdet"),
        m.halved("noise"),
        m.zero("length"),
        m.of_another("height", "noise"),
        squares=(PLACES[:, None] - PLACES) ** 2,
        eye=np.eye(5),
    ),
    _model(
        "ising-pseudolikelihood",
        ising,
        ising_gradient,
        {"j": (4, 4), "h": (4,)},
        {},
        m.by_hand("path", "j", lambda s: ising_gradient(s.params, s.data, False)["j"], "not-symmetrised"),
        m.doubled("j"),
        m.over_batch("h", 6),
        m.by_hand("partial", "j", lambda s: s.grads["j"] + 0.3 * np.eye(4), "diagonal"),
        spins=np.sign(draw("spins", s=(6, 4))["s"]),
        eye=np.eye(4),
    ),
    _model(
        "matrix-completion",
        factorisation,
        factorisation_gradient,
        {"left": (4, 2), "right": (4, 2)},
        {"y": (4, 4)},
        m.swapped("left", "right"),
        m.weight_decay("left", -0.1),
        m.by_hand(
            "path",
            "right",
            lambda s: factorisation_gradient(s.params, {**s.data, "seen": 1.0})["right"],
            "mask-lost",
        ),
        m.misread("left"),
        seen=(np.arange(16).reshape(4, 4) * 5 % 7 < 4).astype(float),
    ),
)

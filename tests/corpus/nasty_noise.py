"""Costs that are noisy: constants that drown them, cancellation, float32 inside, rounding, iteration."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import SINES, elementwise, given_model, sine
from corpus.records import Autodiff

FAMILY = "nasty: noise"


_model = partial(given_model, FAMILY)

_sine = partial(sine, FAMILY)

scalewise = partial(elementwise, FAMILY)


def cancelling_variance(ops, p, d):
    """E[x**2] - E[x]**2 of values around 100."""
    x = p["w"] + 100.0
    return ops.mean(x**2) - ops.mean(x) ** 2


def _newton_root(w, steps=8):
    """The square root of w by Newton's iteration, unrolled, with its derivative carried along."""
    root, d_root = 1.0 + 0 * w, 0 * w
    for _ in range(steps):
        root, d_root = (root + w / root) / 2, (d_root + 1 / root - w * d_root / root**2) / 2
    return root, d_root


def newton_root(ops, w, steps=8):
    root = 1.0 + 0 * w
    for _ in range(steps):
        root = (root + w / root) / 2
    return root


def log_determinant(ops, p, d):
    return ops.logdet(p["w"] @ ops.transpose(p["w"]) + 1e-3 * d["eye"])


def log_determinant_gradient(p, d):
    return {"w": 2 * np.linalg.solve(p["w"] @ p["w"].T + 1e-3 * d["eye"], p["w"])}


def rounded_sum(ops, p, d):
    """Printed to six digits: a smooth cost that is only known to a millionth."""
    return ops.round(1e6 * ops.sum(ops.sin(p["w"]))) / 1e6


NEARLY_EQUAL = np.array([[1.0, 2.0, -1.0], [1.0, 2.0, -1.01], [0.5, 0.0, 1.0]])

MODELS = (
    _sine("cost-plus-1e6", 1.0, 1e6, *m.in_float64(m.doubled("w"), m.sign_flipped("w"), m.zero("w"))),
    _sine("cost-plus-1e3", 1.0, -1e3, m.sign_flipped("w")),
    scalewise(
        "cancelling-cosine",
        [1e-2, 2e-2, -3e-2],
        lambda ops, w: (1 - ops.cos(w)) / w**2,
        lambda w: (w * np.sin(w) - 2 * (1 - np.cos(w))) / w**3,
        *m.in_float64(m.sign_flipped("w")),
    ),
    scalewise(
        "log-of-one-plus-little",
        [1e-3, -2e-3, 5e-3],
        lambda ops, w: ops.log(1 + w),
        lambda w: 1 / (1 + w),
        *m.in_float64(m.sign_flipped("w"), m.zero("w")),
    ),
    scalewise(
        "naive-softplus",
        [-30.0, 0.5, 30.0],
        lambda ops, w: ops.log(1 + ops.exp(w)),
        lambda w: 1 / (1 + np.exp(-w)),
        m.partial("w", np.s_[1:2], 2.0, "middle-doubled"),
    ),
    scalewise(
        "unrolled-newton",
        [0.5, 2.0, 7.0],
        newton_root,
        lambda w: _newton_root(w)[1],
        m.doubled("w"),
        m.by_hand("path", "w", lambda s: _newton_root(s.params["w"], 1)[1], "first-step-only"),
    ),
    scalewise(
        "float32-inside",
        [0.3, -1.1, 0.7, 2.0],
        lambda ops, w: ops.sin(ops.float32(w)),
        np.cos,
        m.sign_flipped("w"),
        m.scaled("w", 1.05, "1.05"),
        autodiff=Autodiff.NONE,
    ),
    _model(
        "float32-sum-inside",
        {"w": np.linspace(-1, 1, 20)},
        lambda ops, p, d: ops.sum(ops.float32(ops.sin(p["w"]) * d["c"])),
        lambda p, d: {"w": np.cos(p["w"]) * d["c"]},
        m.reversed_axes("w", 0),
        m.partial("w", np.s_[5:8], detail="three-entries"),
        data={"c": np.arange(20.0)},
        autodiff=Autodiff.NONE,
    ),
    _model(
        "rounded-cost",
        {"w": SINES},
        rounded_sum,
        lambda p, d: {"w": np.cos(p["w"])},
        *m.in_float64(m.sign_flipped("w")),
        autodiff=Autodiff.NONE,
    ),
    _model(
        "cancelling-variance",
        {"w": SINES},
        cancelling_variance,
        lambda p, d: {"w": 2 / len(p["w"]) * (p["w"] - p["w"].mean())},
        *m.in_float64(
            m.by_hand("offset", "w", lambda s: 2 / 4 * s.params["w"], "mean-path-missing"), m.times_batch("w", 4)
        ),
    ),
    _model(
        "nearly-singular-determinant",
        {"w": NEARLY_EQUAL},
        log_determinant,
        log_determinant_gradient,
        m.transposed("w"),
        m.halved("w"),
        data={"eye": np.eye(3)},
    ),
    scalewise(
        "large-offset-in-theta",
        [1000.3, 998.9, 1000.7],
        lambda ops, w: ops.sin(w - 1000.0),
        lambda w: np.cos(w - 1000.0),
        *m.in_float64(m.sign_flipped("w")),
    ),
)

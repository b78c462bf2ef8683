"""Scales that are far apart, constants that drown the cost, ill-conditioned and noisy arithmetic."""

import math
from itertools import pairwise

import numpy as np

from corpus import mistakes as m
from corpus.by_hand import dense, softmax
from corpus.elementwise import elementwise
from corpus.records import Autodiff, Model, draw

FAMILY = "nasty: scales"
X = np.array([0.3, -1.1, 0.7, 2.0])


def _model(name, params, cost, gradient, *claims, data=None, autodiff=Autodiff.AGREES):
    return Model(name, FAMILY, params, cost, gradient, data or {}, claims, autodiff)


def sine(name, factor=1.0, constant=0.0, *claims):
    """J = factor * sum(sin(w)) + constant."""
    return _model(
        name,
        {"w": X},
        lambda ops, p, d: factor * ops.sum(ops.sin(p["w"])) + constant,
        lambda p, d: {"w": factor * np.cos(p["w"])},
        *claims,
    )


def quadratic(name, scale, *claims):
    """J = w0 w1 + sum(w**2) at a theta of some scale."""
    return _model(
        name,
        {"w": scale * X},
        lambda ops, p, d: ops.sum(p["w"] ** 2) + p["w"][0] * p["w"][1],
        lambda p, d: {"w": 2 * p["w"] + np.array([p["w"][1], p["w"][0], 0, 0])},
        *claims,
    )


def scalewise(name, w, function, derivative, *claims, autodiff=Autodiff.AGREES):
    return elementwise(FAMILY, name, w, function, derivative, *claims, autodiff=autodiff)


POWERS = {f"p{power + 6}": 10.0**power for power in range(-6, 7, 2)}


def powers(ops, p, d):
    return sum(ops.sum(ops.sin(p[name] / scale)) for name, scale in POWERS.items())


def powers_gradient(p, d):
    return {name: np.cos(p[name] / scale) / scale for name, scale in POWERS.items()}


SCALARS = {f"s{i}": np.array(0.1 * i - 1.05) for i in range(30)}


def chain_of_scalars(ops, p, d):
    names = list(SCALARS)
    return sum(p[one] * ops.sin(p[other]) for one, other in pairwise(names))


def chain_of_scalars_gradient(p, d):
    names = list(SCALARS)
    grads = dict.fromkeys(names, 0.0)
    for one, other in pairwise(names):
        grads[one] += np.sin(p[other])
        grads[other] += p[one] * np.cos(p[other])
    return grads


def singles(ops, p, d):
    """Shapes (), (1,) and (1, 1)."""
    return ops.sum(ops.sin(p["none"]) * ops.reshape(p["one"], ()) + ops.reshape(p["two"], ()) ** 2)


def singles_gradient(p, d):
    return {
        "none": np.cos(p["none"]) * p["one"][0],
        "one": np.sin(p["none"]).reshape(1),
        "two": 2 * p["two"],
    }


def big_matrix(ops, p, d):
    return ops.sum((d["x"] @ p["w"] + p["b"]) ** 2) / 2


def big_matrix_gradient(p, d):
    w, b, _ = dense(d["x"], p["w"], d["x"] @ p["w"] + p["b"])
    return {"w": w, "b": b}


def unbalanced(ops, p, d):
    return ops.sum(ops.tanh(ops.tanh(d["x"] @ p["small"]) @ p["large"]) * d["y"])


def unbalanced_gradient(p, d):
    hidden = np.tanh(d["x"] @ p["small"])
    d_out = (1 - np.tanh(hidden @ p["large"]) ** 2) * d["y"]
    return {"small": d["x"].T @ (d_out @ p["large"].T * (1 - hidden**2)), "large": hidden.T @ d_out}


CURVATURES = np.array([1e-4, 1.0, 1e4])


def huge_logits(ops, p, d):
    z = 1e3 * p["w"]
    return ops.logsumexp(z, axis=0) - z[1]


def huge_logits_gradient(p, d):
    share = softmax(1e3 * p["w"])
    share[1] -= 1
    return {"w": 1e3 * share}


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
    sine("cost-plus-1e6", 1.0, 1e6, *m.in_float64(m.doubled("w"), m.sign_flipped("w"), m.zero("w"))),
    sine("cost-plus-1e3", 1.0, -1e3, m.sign_flipped("w")),
    sine("cost-times-1e-12", 1e-12, 0.0, m.sign_flipped("w"), m.halved("w"), m.zero("w")),
    sine("cost-times-1e12", 1e12, 0.0, m.sign_flipped("w"), m.single_entry("w", (2,))),
    sine("cost-times-1e-30", 1e-30, 0.0, m.sign_flipped("w")),
    quadratic("theta-of-1e9", 1e9, m.doubled("w"), m.shifted("w", 0)),
    quadratic("theta-of-1e-9", 1e-9, m.sign_flipped("w"), m.permuted("w", 0, (1, 0, 2, 3))),
    _model(
        "twelve-orders-of-magnitude",
        {name: scale * X for name, scale in POWERS.items()},
        powers,
        powers_gradient,
        m.zero("p12"),
        m.sign_flipped("p0"),
        m.doubled("p6"),
        m.of_another("p4", "p6"),
    ),
    _model(
        "thirty-scalar-parameters",
        SCALARS,
        chain_of_scalars,
        chain_of_scalars_gradient,
        m.sign_flipped("s7"),
        m.swapped("s3", "s4"),
        m.zero("s29"),
        m.scaled("s0", 1.1, "1.1"),
    ),
    _model(
        "single-entry-parameters",
        {"none": np.array(0.4), "one": np.array([1.3]), "two": np.array([[-0.7]])},
        singles,
        singles_gradient,
        m.doubled("none"),
        m.sign_flipped("one"),
        m.halved("two"),
    ),
    _model(
        "bias-beside-a-large-matrix",
        {key: draw("big-matrix", w=(12, 10), b=(10,))[key] for key in ("w", "b")},
        big_matrix,
        big_matrix_gradient,
        m.shifted("b", 0),
        m.scaled("b", 1.01, "1.01"),
        m.single_entry("b", (9,), 1.1),
        data={"x": 30 * draw("big-matrix-x", x=(6, 12))["x"]},
    ),
    _model(
        "layers-of-1e-4-and-1e4",
        {"small": 1e-4 * draw("small", w=(3, 3))["w"], "large": 1e4 * draw("large", w=(3, 2))["w"]},
        unbalanced,
        unbalanced_gradient,
        m.doubled("small"),
        m.sign_flipped("large"),
        data=draw("unbalanced", x=(4, 3), y=(4, 2)),
    ),
    _model(
        "condition-number-1e8",
        {"w": np.array([1.0, -0.5, 0.3])},
        lambda ops, p, d: ops.sum(d["c"] * p["w"] ** 2) / 2,
        lambda p, d: {"w": d["c"] * p["w"]},
        m.single_entry("w", (2,), 1.01),
        data={"c": CURVATURES},
    ),
    _model(
        "huge-logits",
        {"w": np.array([0.5, 0.501, -0.3, 0.4995])},
        huge_logits,
        huge_logits_gradient,
        m.sign_flipped("w"),
        m.single_entry("w", (3,), 0.0),
    ),
    scalewise("log-near-zero", [1e-12, 3e-12, 2e-11], lambda ops, w: ops.log(w), lambda w: 1 / w, m.doubled("w")),
    scalewise(
        "sqrt-near-zero", [1e-10, 4e-10, 2e-9], lambda ops, w: ops.sqrt(w), lambda w: 0.5 / np.sqrt(w), m.halved("w")
    ),
    scalewise(
        "reciprocal-near-zero", [1e-5, -2e-5, 5e-5], lambda ops, w: 1 / w, lambda w: -1 / w**2, m.sign_flipped("w")
    ),
    scalewise("exp-of-80", [80.0, 79.5, 78.0], lambda ops, w: ops.exp(w), np.exp, m.doubled("w"), m.zero("w")),
    scalewise(
        "sine-of-1e4-w",
        [0.3, -1.1, 0.7],
        lambda ops, w: ops.sin(1e4 * w),
        lambda w: 1e4 * np.cos(1e4 * w),
        *m.in_float64(m.sign_flipped("w"), m.scaled("w", 1e-4, "inner-derivative-forgotten")),
    ),
    scalewise(
        "ninth-power",
        [1.1, -0.9, 2.0, 0.05],
        lambda ops, w: w**9,
        lambda w: 9 * w**8,
        m.scaled("w", 10 / 9, "ten-for-nine"),
    ),
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
        m.by_hand("partial", "w", lambda s: _newton_root(s.params["w"], 1)[1], "first-step-only"),
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
        {"w": X},
        rounded_sum,
        lambda p, d: {"w": np.cos(p["w"])},
        *m.in_float64(m.sign_flipped("w")),
        autodiff=Autodiff.NONE,
    ),
    _model(
        "cancelling-variance",
        {"w": X},
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
    scalewise(
        "entries-from-1e-6-to-1e6",
        [1e-6, 1e-3, 1.0, 1e3, 1e6],
        lambda ops, w: ops.log(w) * ops.log(w),
        lambda w: 2 * np.log(w) / w,
        m.doubled("w"),
    ),
    scalewise(
        "steep-and-flat",
        [-8.0, 0.0, 8.0],
        lambda ops, w: ops.exp(2 * w),
        lambda w: 2 * np.exp(2 * w),
        m.halved("w"),
        m.scaled("w", math.e, "e"),
    ),
)

"""Scales that are far apart, in theta, in the cost and between parameters."""

import math
from functools import partial
from itertools import pairwise

import numpy as np

from corpus import mistakes as m
from corpus.builders import elementwise, given_model, sine
from corpus.by_hand import dense, softmax
from corpus.records import draw

FAMILY = "nasty: scales"

X = np.array([0.3, -1.1, 0.7, 2.0])

_model = partial(given_model, FAMILY)

_sine = partial(sine, FAMILY)


def quadratic(name, scale, *claims):
    """J = w0 w1 + sum(w**2) at a theta of some scale."""
    return _model(
        name,
        {"w": scale * X},
        lambda ops, p, d: ops.sum(p["w"] ** 2) + p["w"][0] * p["w"][1],
        lambda p, d: {"w": 2 * p["w"] + np.array([p["w"][1], p["w"][0], 0, 0])},
        *claims,
    )


scalewise = partial(elementwise, FAMILY)

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


MODELS = (
    _sine("cost-times-1e-12", 1e-12, 0.0, m.sign_flipped("w"), m.halved("w"), m.zero("w")),
    _sine("cost-times-1e12", 1e12, 0.0, m.sign_flipped("w"), m.single_entry("w", (2,))),
    _sine("cost-times-1e-30", 1e-30, 0.0, m.sign_flipped("w")),
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

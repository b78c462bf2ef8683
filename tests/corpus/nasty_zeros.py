"""Gradients that are zero or vanish: optima, saturation, invariance, parts without effect."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import elementwise, given_model
from corpus.by_hand import dense, sigmoid, softmax
from corpus.norms import EPS, normalised, through_normalised
from corpus.records import Autodiff, draw

FAMILY = "nasty: zeros"
N = 8


_model = partial(given_model, FAMILY)


def least_squares(ops, p, d):
    return ops.sum((ops.matmul(d["x"], p["w"]) - d["y"]) ** 2)


def least_squares_gradient(p, d):
    return {"w": 2 * d["x"].T @ (d["x"] @ p["w"] - d["y"])}


DESIGN = draw("optimum", x=(N, 3), y=(N,), w=(3,))
FITTED = np.linalg.lstsq(DESIGN["x"], DESIGN["y"], rcond=None)[0]


def before_batch_norm(ops, p, d):
    unit = normalised(ops, d["x"] @ p["w"] + p["b"], 0)
    return ops.sum(d["y"] * ops.tanh(unit))


def before_batch_norm_gradient(p, d):
    z = d["x"] @ p["w"]
    unit = through_normalised(z, 0 * z, 0)[1]
    d_z = through_normalised(z, d["y"] * (1 - np.tanh(unit) ** 2), 0)[0]
    return {"w": d["x"].T @ d_z, "b": 0 * p["b"]}


def _bias_without_the_mean_path(setting):
    p, d = setting.params, setting.data
    z = d["x"] @ p["w"]
    unit = through_normalised(z, 0 * z, 0)[1]
    return (d["y"] * (1 - np.tanh(unit) ** 2) / np.sqrt(z.var(axis=0) + EPS)).sum(axis=0)


def saturated(squash):
    def cost(ops, p, d):
        return ops.sum(squash(ops)(40 * p["w"])) + ops.sum(p["v"] ** 2)

    return cost


def saturated_softmax(ops, p, d):
    z = 100 * p["w"]
    return ops.logsumexp(z, axis=0) - z[0] + ops.sum(p["v"] ** 2)


def saturated_softmax_gradient(p, d):
    share = softmax(100 * p["w"])
    share[0] = -share[1:].sum()
    return {"w": 100 * share, "v": 2 * p["v"]}


def masked_rows(ops, p, d):
    return ops.sum(d["keep"] * ops.sum((d["x"] @ p["w"] - p["rows"]) ** 2, axis=1))


def masked_rows_gradient(p, d):
    gap = 2 * d["keep"][:, None] * (d["x"] @ p["w"] - p["rows"])
    return {"w": d["x"].T @ gap, "rows": -gap}


def zero_output_layer(ops, p, d):
    return ops.sum((ops.tanh(d["x"] @ p["w"]) @ p["out"] + p["b"] - d["y"]) ** 2)


def zero_output_layer_gradient(p, d):
    hidden = np.tanh(d["x"] @ p["w"])
    out, b, d_hidden = dense(hidden, p["out"], 2 * (hidden @ p["out"] + p["b"] - d["y"]))
    return {"w": d["x"].T @ (d_hidden * (1 - hidden**2)), "out": out, "b": b}


def two_parts(extra):
    """sum(sin(w)) and something in v that has no slope."""

    def cost(ops, p, d):
        return ops.sum(ops.sin(p["w"])) + extra(ops, p["v"])

    return cost


def without_slope(p, d):
    return {"w": np.cos(p["w"]), "v": 0 * p["v"]}


def invariant(ops, p, d):
    """A softmax does not see what is added to all logits: the gradient by `shift` is zero."""
    z = d["x"] @ p["w"] + p["shift"]
    return ops.mean(ops.logsumexp(z, axis=1) - z[:, 0])


def invariant_gradient(p, d):
    d_z = softmax(d["x"] @ p["w"])
    d_z[:, 0] -= 1
    return {"w": d["x"].T @ d_z / N, "shift": 0 * p["shift"]}


def scale_invariant(ops, p, d):
    """A cosine does not see its argument's length: the gradient is orthogonal to w, and zero along it."""
    return ops.sum(p["w"] * d["y"]) / ops.sqrt(ops.sum(p["w"] ** 2))


def scale_invariant_gradient(p, d):
    length = np.sqrt((p["w"] ** 2).sum())
    return {"w": d["y"] / length - p["w"] * (p["w"] @ d["y"]) / length**3}


flat = partial(elementwise, FAMILY)


W = np.array([0.3, -1.1, 0.7])
V = np.array([0.5, 2.0])
ROUNDING = np.array([3e-17, -1e-17, 2e-17])


def tiny(size):
    return m.by_hand("offset", "w", lambda s: s.grads["w"] + size, f"{size:g}")


MODELS = (
    _model(
        "fitted-optimum",
        {"w": FITTED},
        least_squares,
        least_squares_gradient,
        *m.in_float64(m.right("w", lambda s, _: np.zeros(3), "exactly-zero")),  # rounded to float32 w is no optimum
        tiny(1e-2),
        m.by_hand("path", "w", lambda s: 2 * s.data["x"].T @ s.data["y"], "target-only"),
        data={"x": DESIGN["x"], "y": DESIGN["y"]},
        autodiff=Autodiff.CONVENTION,
    ),
    _model(
        "perfect-fit",
        {"w": DESIGN["w"]},
        least_squares,
        least_squares_gradient,
        tiny(1e-2),
        data={"x": DESIGN["x"], "y": DESIGN["x"] @ DESIGN["w"]},
        autodiff=Autodiff.CONVENTION,
    ),
    _model(
        "bias-before-batch-norm",
        {key: draw("before-norm", w=(3, 3), b=(3,))[key] for key in ("w", "b")},
        before_batch_norm,
        before_batch_norm_gradient,
        m.right("b", lambda s, _: ROUNDING, "rounding-left"),
        m.by_hand("path", "b", _bias_without_the_mean_path, "mean-path-missing"),
        m.by_hand("offset", "b", lambda s: np.full(3, 1e-2), "0.01"),
        data=draw("before-norm-data", x=(N, 3), y=(N, 3)),
    ),
    _model(
        "saturated-sigmoid",
        {"w": np.array([1.0, -1.2, 1.5]), "v": V},
        saturated(lambda ops: ops.sigmoid),
        lambda p, d: {"w": 40 * sigmoid(40 * p["w"]) * sigmoid(-40 * p["w"]), "v": 2 * p["v"]},
        m.right("w", lambda s, _: np.zeros(3), "exactly-zero"),
        m.by_hand("path", "w", lambda s: 40 * sigmoid(40 * s.params["w"]), "derivative-forgotten"),
        m.sign_flipped("v"),
    ),
    _model(
        "saturated-tanh",
        {"w": np.array([0.6, -0.8, 1.5]), "v": V},
        saturated(lambda ops: ops.tanh),
        lambda p, d: {"w": 40 / np.cosh(40 * p["w"]) ** 2, "v": 2 * p["v"]},
        m.right("w", lambda s, _: np.zeros(3), "exactly-zero"),
        m.by_hand("path", "w", lambda s: np.full(3, 40.0), "derivative-forgotten"),
    ),
    _model(
        "saturated-softmax",
        {"w": np.array([1.0, 0.0, -0.5]), "v": V},
        saturated_softmax,
        saturated_softmax_gradient,
        m.right("w", lambda s, _: np.zeros(3), "exactly-zero"),
        m.by_hand("path", "w", lambda s: 100 * softmax(100 * s.params["w"]), "label-forgotten"),
        m.doubled("v"),
    ),
    _model(
        "masked-rows",
        {key: draw("masked", w=(2, 2), rows=(5, 2))[key] for key in ("w", "rows")},
        masked_rows,
        masked_rows_gradient,
        m.by_hand(
            "partial",
            "rows",
            lambda s: masked_rows_gradient(s.params, {**s.data, "keep": np.ones(5)})["rows"],
            "mask-forgotten",
        ),
        m.shifted("rows", 0),
        m.sign_flipped("w"),
        data={"x": draw("masked-x", x=(5, 2))["x"], "keep": np.array([1.0, 0, 1, 0, 0])},
    ),
    _model(
        "everything-masked",
        {key: draw("masked", w=(2, 2), rows=(5, 2))[key] for key in ("w", "rows")},
        lambda ops, p, d: masked_rows(ops, p, d) + 1.0,
        masked_rows_gradient,
        m.by_hand(
            "partial",
            "rows",
            lambda s: masked_rows_gradient(s.params, {**s.data, "keep": np.ones(5)})["rows"],
            "mask-forgotten",
        ),
        data={"x": draw("masked-x", x=(5, 2))["x"], "keep": np.zeros(5)},
    ),
    _model(
        "zero-output-layer",
        {"w": draw("zero-out", w=(2, 3))["w"], "out": np.zeros((3, 1)), "b": np.zeros(1)},
        zero_output_layer,
        zero_output_layer_gradient,
        m.offset("w", 1e-2),
        m.zero("out"),
        m.over_batch("b", N),
        data=draw("zero-out-data", x=(N, 2), y=(N, 1)),
    ),
    _model(
        "all-weights-zero",
        {"w": np.zeros((2, 3)), "out": np.zeros((3, 1)), "b": np.zeros(1)},
        zero_output_layer,
        zero_output_layer_gradient,
        m.offset("out", 1e-2),
        m.sign_flipped("b"),
        data=draw("zero-out-data", x=(N, 2), y=(N, 1)),
    ),
    _model(
        "parameter-without-effect",
        {"w": W, "v": V},
        two_parts(lambda ops, v: 0.0 * ops.sum(v)),
        without_slope,
        m.by_hand("single_entry", "v", lambda s: np.array([0.0, 1e-3]), "0.001"),
        m.sign_flipped("w"),
    ),
    _model(
        "flat-at-the-origin",
        {"w": W, "v": np.zeros(2)},
        two_parts(lambda ops, v: ops.sum(v**3) + ops.sum(v**4)),
        without_slope,
        m.by_hand("offset", "v", lambda s: np.full(2, 1e-3), "0.001"),
        m.halved("w"),
    ),
    _model(
        "saddle-beside-a-slope",
        {"w": W, "v": np.zeros(2)},
        two_parts(lambda ops, v: v[0] * v[1]),
        without_slope,
        m.by_hand("single_entry", "v", lambda s: np.array([0.0, 1e-2]), "0.01"),
    ),
    _model(
        "frozen-by-rounding",
        {"w": W, "v": V},
        two_parts(lambda ops, v: ops.sum(ops.round(v * 0.2))),
        without_slope,
        m.by_hand("offset", "v", lambda s: np.full(2, 0.2), "straight-through"),
    ),
    _model(
        "constant-cost",
        {"w": W},
        lambda ops, p, d: 3.0 + 0.0 * ops.sum(p["w"]),
        lambda p, d: {"w": 0 * p["w"]},
        tiny(1e-3),
    ),
    _model(
        "empty-parameter",
        {"w": W, "none": np.zeros((0, 2))},
        lambda ops, p, d: ops.sum(ops.sin(p["w"])) + ops.sum(p["none"]),
        lambda p, d: {"w": np.cos(p["w"]), "none": np.zeros((0, 2))},
        m.sign_flipped("w"),
    ),
    _model(
        "shift-of-all-logits",
        {"w": draw("invariant", w=(2, 3))["w"], "shift": np.array(0.7)},
        invariant,
        invariant_gradient,
        m.by_hand("offset", "shift", lambda s: np.array(0.05)),
        m.permuted("w", 1, (1, 2, 0)),
        data={"x": draw("invariant-x", x=(N, 2))["x"]},
    ),
    _model(
        "length-of-a-cosine",
        {"w": np.array([1.0, 2.0, -0.5])},
        scale_invariant,
        scale_invariant_gradient,
        m.weight_decay("w", 0.05),
        data={"y": np.array([0.3, -0.8, 1.4])},
    ),
    _model(
        "along-a-cosine",
        {"w": np.array([1.0, 2.0, -0.5])},
        scale_invariant,
        lambda p, d: {"w": 0 * p["w"]},
        tiny(1e-2),
        data={"y": np.array([1.0, 2.0, -0.5])},
        autodiff=Autodiff.CONVENTION,
    ),
    flat("square-at-its-minimum", [0.0, 0.0], lambda ops, w: w**2, lambda w: 2 * w, tiny(1e-2)),
    flat("square-plus-one-at-its-minimum", [0.0, 0.0], lambda ops, w: w**2 + 1.0, lambda w: 2 * w, tiny(1e-2)),
    flat("cosine-at-its-top", [0.0, 2 * np.pi], lambda ops, w: ops.cos(w), lambda w: -np.sin(w), tiny(1e-2)),
    flat(
        "flat-exponential",
        [0.05, -0.06, 1.0],
        lambda ops, w: ops.exp(-1 / w**2),
        lambda w: 2 * np.exp(-1 / w**2) / w**3,
        m.sign_flipped("w"),
    ),
    flat(
        "underflowing-exponential",
        [-700.0, -1.0],
        lambda ops, w: ops.exp(w),
        np.exp,
        m.single_entry("w", (1,), 2.0),
    ),
)

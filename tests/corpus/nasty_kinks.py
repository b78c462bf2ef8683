"""On kinks, near kinks and between jumps: where every subgradient is right and nothing else."""

import numpy as np

from corpus import mistakes as m
from corpus.builders import WEIGHTS, elementwise
from corpus.records import Autodiff, Model

FAMILY = "nasty: kinks"


def kinked(name, function, derivative, w, *claims, autodiff=Autodiff.CONVENTION):
    return elementwise(FAMILY, name, w, function, derivative, *claims, autodiff=autodiff)


def on_the_kink(value, at=0.0, kind="right"):
    """A claim of some slope for the entries that are at a kink."""

    def values(setting, name):
        w, c = setting.params[name], setting.data["c"]
        return np.where(w == at, c * value, setting.grads[name])

    return m.Claim(kind, ("w",), values, f"slope{value:g}")


def relu(ops, w):
    return ops.relu(w)


def step(w):
    return (w > 0).astype(float)


def largest_of(name, rows, gradient, *claims, autodiff=Autodiff.CONVENTION):
    """J = sum over rows of the row's largest entry."""
    return Model(
        name,
        FAMILY,
        {"w": np.array(rows)},
        lambda ops, p, d: ops.sum(ops.max(p["w"], axis=1)),
        lambda p, d: {"w": np.array(gradient)},
        {},
        claims,
        autodiff,
    )


def shared(winners):
    return m.right("w", lambda s, name: np.array(winners), "-".join(f"{x:g}" for x in np.ravel(winners)))


def median(ops, p, d):
    """Of three: with ties no entry moves it alone, and all together do. Its gradients weigh the tied entries."""
    a, b, c = p["w"][0], p["w"][1], p["w"][2]
    return ops.maximum(ops.minimum(a, b), ops.minimum(ops.maximum(a, b), c))


def hinge(ops, p, d):
    return ops.sum(ops.relu(1 - d["y"] * ops.matmul(d["x"], p["w"])))


def hinge_gradient(p, d, at_margin=0.0):
    margin = 1 - d["y"] * (d["x"] @ p["w"])
    active = np.where(margin > 0, 1.0, np.where(margin == 0, at_margin, 0.0))
    return {"w": -d["x"].T @ (active * d["y"])}


def total_variation(ops, p, d):
    return ops.sum(ops.abs(p["w"][1:] - p["w"][:-1])) + ops.sum(p["w"] ** 2) / 2


def total_variation_gradient(p, d):
    jump = np.sign(np.diff(p["w"]))
    return {"w": p["w"] + np.concatenate([[0.0], jump]) - np.concatenate([jump, [0.0]])}


def dead_layer(ops, p, d):
    return ops.sum(ops.relu(d["x"] @ p["w"] + p["b"]) @ p["v"]) + ops.sum(p["v"] ** 2)


def dead_layer_gradient(p, d):
    hidden = d["x"] @ p["w"] + p["b"]
    d_hidden = p["v"].sum(axis=1) * (hidden > 0)
    return {
        "w": d["x"].T @ d_hidden,
        "b": d_hidden.sum(axis=0),
        "v": np.maximum(hidden, 0).sum(axis=0)[:, None] + 2 * p["v"],
    }


def quantised_net(ops, p, d):
    """A straight path beside one through rounded weights, which has no slope."""
    return ops.sum(ops.round(4 * p["w"]) / 4 * d["c"]) + ops.sum(ops.tanh(p["w"]))


ON_AND_OFF = [0.0, 0.8, 0.0, -1.2]
POSITIVE = np.array([[0.5, 1.5], [-1.0, 2.0], [0.75, -0.5]])

MODELS = (
    kinked(
        "relu-at-zero",
        relu,
        step,
        ON_AND_OFF,
        on_the_kink(0.5),
        on_the_kink(1.0),
        on_the_kink(0.25),
        on_the_kink(-0.2, kind="partial"),
        on_the_kink(1.5, kind="partial"),
        m.sign_flipped("w"),
    ),
    kinked(
        "abs-at-zero",
        lambda ops, w: ops.abs(w),
        np.sign,
        ON_AND_OFF,
        on_the_kink(1.0),
        on_the_kink(-1.0),
        on_the_kink(0.3),
        on_the_kink(1.4, kind="partial"),
        m.doubled("w"),
    ),
    kinked(
        "leaky-relu-at-zero",
        lambda ops, w: ops.maximum(w, 0.01 * w),
        lambda w: np.where(w > 0, 1.0, 0.01),
        ON_AND_OFF,
        on_the_kink(1.0),
        on_the_kink(0.5),
        on_the_kink(-0.5, kind="partial"),
    ),
    kinked(
        "clip-at-its-bounds",
        lambda ops, w: ops.minimum(ops.relu(w + 1), 0 * w + 2),
        lambda w: (np.abs(w) < 1).astype(float),
        [1.0, -1.0, 0.3, 2.5, -1.7],
        m.right("w", lambda s, _: s.data["c"] * (np.abs(s.params["w"]) <= 1), "slope1"),
        m.right(
            "w", lambda s, _: s.data["c"] * np.where(np.abs(s.params["w"]) == 1, 0.5, np.abs(s.params["w"]) < 1), "half"
        ),
        m.partial("w", np.s_[2:3], detail="inside"),
    ),
    kinked(
        "relu-beside-its-kink",
        relu,
        step,
        [1e-6, -1e-6, 3e-9, -2e-9, 1e-4, 0.7],
        *m.in_float64(m.single_entry("w", (0,), 0.0), m.single_entry("w", (4,), 0.0)),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "abs-beside-its-kink",
        lambda ops, w: ops.abs(w),
        np.sign,
        [1e-3, -1e-3, 1e-5, -1e-5, 0.4, -2.0],
        m.sign_flipped("w"),
        *m.in_float64(m.single_entry("w", (2,), -1.0)),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "identity-of-two-relus-at-zero",
        lambda ops, w: ops.relu(w) - ops.relu(-w),
        np.ones_like,
        ON_AND_OFF,
        on_the_kink(0.0, kind="partial"),
        autodiff=Autodiff.WRONG,
    ),
    kinked(
        "square-with-sign-at-zero",
        lambda ops, w: w * ops.abs(w),
        lambda w: 2 * np.abs(w),
        ON_AND_OFF,
        m.halved("w"),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "huber-at-its-joint",
        lambda ops, w: ops.where(ops.abs(w) <= 1, w**2 / 2, ops.abs(w) - 0.5),
        lambda w: np.clip(w, -1, 1),
        [1.0, -1.0, 0.25, 3.0],
        m.by_hand("path", "w", lambda s: s.data["c"] * s.params["w"], "not-clipped"),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "floor-between-jumps",
        lambda ops, w: ops.floor(w),
        np.zeros_like,
        [0.4, 1.7, -2.3, 12.5, 0.9],
        m.offset("w", 0.01),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "round-beside-a-jump",
        lambda ops, w: ops.round(w) + ops.sin(w),
        np.cos,
        [0.501, 1.4999, -2.51, 3.0],
        m.sign_flipped("w"),
        m.by_hand("path", "w", lambda s: s.grads["w"] + s.data["c"], "straight-through"),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "sign-of-everything",
        lambda ops, w: ops.sign(w),
        np.zeros_like,
        [0.3, -0.7, 2.0, -1e-3],
        m.by_hand("path", "w", lambda s: s.data["c"], "straight-through"),
        autodiff=Autodiff.AGREES,
    ),
    kinked(
        "twelve-relus-at-zero",
        relu,
        step,
        [0.0] * 12,
        on_the_kink(0.5),
        on_the_kink(1.0),
        on_the_kink(1.5, kind="scaled"),
    ),
    Model(
        "median-of-equals",
        FAMILY,
        {"w": np.array([0.5, 0.5, 0.5])},
        median,
        lambda p, d: {"w": np.array([0.0, 0.0, 1.0])},
        {},
        (shared([1.0, 0.0, 0.0]), shared([1 / 4, 1 / 2, 1 / 4])),
        Autodiff.CONVENTION,
    ),
    largest_of(
        "max-of-equals",
        [[1.5, 1.5], [0.3, -0.4]],
        [[1.0, 0.0], [1.0, 0.0]],
        shared([[0.0, 1.0], [1.0, 0.0]]),
        shared([[0.5, 0.5], [1.0, 0.0]]),
        m.by_hand("partial", "w", lambda s: np.array([[0.5, 0.5], [0.5, 0.5]]), "shared-everywhere"),
        m.by_hand("single_entry", "w", lambda s: np.array([[1.5, 0.0], [1.0, 0.0]]), "one-and-a-half"),
    ),
    largest_of(
        "max-of-near-equals",
        [[1.0, 1.0 + 1e-3, 0.2], [0.1, 0.7, 0.7 - 1e-4]],
        [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
        m.by_hand("partial", "w", lambda s: np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "runner-up"),
        autodiff=Autodiff.AGREES,
    ),
    Model(
        "hinge-on-its-margin",
        FAMILY,
        {"w": np.array([1.0, 0.5])},
        hinge,
        hinge_gradient,
        {"x": np.array([[0.5, 1.0], [1.0, -1.0], [-0.25, 0.5], [-1.0, 0.0]]), "y": np.array([1.0, 1.0, -1.0, -1.0])},
        (
            m.right("w", lambda s, _: hinge_gradient(s.params, s.data, 1.0)["w"], "active"),
            m.right("w", lambda s, _: hinge_gradient(s.params, s.data, 0.5)["w"], "half"),
            m.sign_flipped("w"),
        ),
        Autodiff.CONVENTION,
    ),
    Model(
        "total-variation-of-a-plateau",
        FAMILY,
        {"w": np.array([0.5, 0.5, 0.5, 1.25, 1.25, -0.5])},
        total_variation,
        total_variation_gradient,
        {},
        (m.shifted("w", 0), m.partial("w", np.s_[3:], -1.0, "second-half")),
        Autodiff.CONVENTION,
    ),
    Model(
        "dead-relu-units",
        FAMILY,
        {"w": np.full((2, 3), 0.1), "b": np.array([-9.0, -8.0, -7.0]), "v": POSITIVE},
        dead_layer,
        dead_layer_gradient,
        {"x": np.array([[0.3, 0.2], [-0.5, 1.0]])},
        (m.offset("b", 1e-2), m.doubled("v")),
    ),
    Model(
        "half-dead-relu-units",
        FAMILY,
        {"w": np.full((2, 3), 0.1), "b": np.array([-9.0, 1.0, -7.0]), "v": POSITIVE},
        dead_layer,
        dead_layer_gradient,
        {"x": np.array([[0.3, 0.2], [-0.5, 1.0]])},
        (
            m.by_hand("partial", "b", lambda s: 2 * s.params["v"].sum(axis=1), "mask-forgotten"),
            m.shifted("w", 1),
        ),
    ),
    Model(
        "quantised-weights",
        FAMILY,
        {"w": np.array([0.3, -0.8, 1.3, 0.55])},
        quantised_net,
        lambda p, d: {"w": 1 - np.tanh(p["w"]) ** 2},
        {"c": WEIGHTS[:4]},
        (m.by_hand("path", "w", lambda s: s.grads["w"] + s.data["c"], "straight-through"),),
    ),
)

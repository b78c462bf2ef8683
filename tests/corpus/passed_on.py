"""Layer upon layer, with a mistake in one of them that the backward pass hands on to all layers before it.

The wrong rule is made once, in the code below, and what it makes wrong follows: nothing is put into a gradient by hand.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from corpus.builders import random_model
from corpus.by_hand import sigmoid
from corpus.records import PATH, Claim

N = 6
DEPTH = 4
SIZE = 3


@dataclass(frozen=True)
class Mistake:
    """A wrong rule of one layer: of its activation's derivative, of the way to the layer before, or of the loss."""

    layer: int
    rule: str


def _squashed(ops, z, kind):
    return ops.tanh(z) if kind == "tanh" else ops.sigmoid(z)


def chain(kind, skips):
    def cost(ops, p, d):
        h = d["x"]
        for i in range(1, DEPTH + 1):
            out = _squashed(ops, h @ p[f"w{i}"] + p[f"b{i}"], kind)
            h = h + out if skips else out
        return ops.sum((h - d["y"]) ** 2) / N

    return cost


def chain_gradient(p, d, kind, skips, mistake=Mistake(0, "none")):
    squash = np.tanh if kind == "tanh" else sigmoid
    h, out = [d["x"]], []
    for i in range(1, DEPTH + 1):
        out.append(squash(h[-1] @ p[f"w{i}"] + p[f"b{i}"]))
        h.append(h[-1] + out[-1] if skips else out[-1])
    grads = {}
    d_h = 2 / N * (h[-1] - d["y"])
    if mistake.rule == "loss-sign":
        d_h = -d_h
    if mistake.rule == "loss-mean":
        d_h = d_h / SIZE
    if mistake.rule == "loss-last-row":
        d_h[:-1] = 0.0
    for i in range(DEPTH, 0, -1):
        made, there = out[i - 1], mistake.rule if mistake.layer == i else ""
        slope = 1 - made**2 if kind == "tanh" else made * (1 - made)
        if there == "slope-forgotten":
            slope = np.ones_like(slope)
        if there == "slope-not-squared":
            slope = 1 - made
        if there == "unit-dropped":
            slope[:, 0] = 0.0
        d_z = d_h * slope
        grads[f"w{i}"], grads[f"b{i}"] = h[i - 1].T @ d_z, d_z.sum(axis=0)
        if there == "weights-transposed":
            grads[f"w{i}"] = grads[f"w{i}"].T
            d_z = d_z[:, ::-1]
        d_in = d_z @ (p[f"w{i}"] if there == "not-transposed" else p[f"w{i}"].T)
        d_h = d_in + d_h if skips and there != "skip-forgotten" else d_in
    return grads


def passed_on(kind, skips, layer, rule):
    """A claim: what is wrong of it, and the layer that has the rule, or, of a way to the layer before, that one."""
    mistake = Mistake(layer, rule)
    found = layer - 1 if rule in ("not-transposed", "skip-forgotten") else layer
    wrong = [f"{name}{i}" for i in range(1, found + 1) for name in "wb"]
    own = [f"{name}{found}" for name in "wb"]
    if rule == "weights-transposed":
        wrong.remove(f"b{layer}")
        own.remove(f"b{layer}")
    return Claim(
        PATH,
        tuple(wrong),
        lambda setting, name: chain_gradient(setting.params, setting.data, kind, skips, mistake)[name],
        f"{rule}-{layer}",
        rule=tuple(own),
    )


def _chain(name, kind, skips, *mistakes):
    params = {}
    for i in range(1, DEPTH + 1):
        params |= {f"w{i}": (SIZE, SIZE), f"b{i}": (SIZE,)}
    return random_model(
        "mistakes passed on",
        name,
        chain(kind, skips),
        partial(chain_gradient, kind=kind, skips=skips),
        params,
        {"x": (N, SIZE), "y": (N, SIZE)},
        *(passed_on(kind, skips, layer, rule) for layer, rule in mistakes),
    )


MODELS = (
    _chain(
        "tanh-chain",
        "tanh",
        False,
        *((layer, "slope-forgotten") for layer in (1, 2, 3, 4)),
        *((layer, "slope-not-squared") for layer in (2, 4)),
        *((layer, "not-transposed") for layer in (2, 3, 4)),
        (3, "unit-dropped"),
        (3, "weights-transposed"),
        (4, "loss-sign"),
        (4, "loss-mean"),
    ),
    _chain(
        "sigmoid-chain",
        "sigmoid",
        False,
        *((layer, "slope-forgotten") for layer in (2, 3, 4)),
        *((layer, "not-transposed") for layer in (2, 4)),
        (2, "slope-not-squared"),
        (2, "weights-transposed"),
        (4, "loss-last-row"),
    ),
    _chain(
        "residual-chain",
        "tanh",
        True,
        *((layer, "slope-forgotten") for layer in (1, 2, 3, 4)),
        *((layer, "skip-forgotten") for layer in (2, 3, 4)),
        *((layer, "not-transposed") for layer in (2, 4)),
        (4, "weights-transposed"),
        (2, "unit-dropped"),
        (4, "loss-last-row"),
    ),
)

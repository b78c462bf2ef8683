"""Attention, embeddings, and what transformers are made of."""

import math
from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import softmax, through_softmax

N, S, D = 2, 3, 4
HEADS = 2
SCALE = 1 / math.sqrt(D)


def attend(ops, scores):
    return ops.exp(scores - ops.logsumexp(scores, axis=-1, keepdims=True))


def dot_attention(ops, p, d):
    q, k, v = (ops.einsum("nsi,ij->nsj", d["x"], p[name]) for name in "qkv")
    weights = attend(ops, ops.einsum("nsj,ntj->nst", q, k) * SCALE + d["mask"])
    return ops.sum(ops.tanh(ops.einsum("nst,ntj->nsj", weights, v)) * d["y"])


def dot_attention_gradient(p, d, scale=SCALE, softmax_path=True):
    x = d["x"]
    q, k, v = (x @ p[name] for name in "qkv")
    weights = softmax(np.einsum("nsj,ntj->nst", q, k) * SCALE + d["mask"])
    d_out = d["y"] * (1 - np.tanh(weights @ v) ** 2)
    d_weights = d_out @ v.transpose(0, 2, 1)
    d_scores = scale * (through_softmax(weights, d_weights) if softmax_path else weights * d_weights)
    d_q, d_k = d_scores @ k, d_scores.transpose(0, 2, 1) @ q
    d_v = weights.transpose(0, 2, 1) @ d_out
    return {name: np.einsum("nsi,nsj->ij", x, d_z) for name, d_z in (("q", d_q), ("k", d_k), ("v", d_v))}


def multi_head(ops, p, d):
    def heads(z):
        return ops.transpose(ops.reshape(z, (N, S, HEADS, D // HEADS)), (0, 2, 1, 3))

    q, k, v = (heads(ops.einsum("nsi,ij->nsj", d["x"], p[name])) for name in "qkv")
    weights = attend(ops, ops.einsum("nhsj,nhtj->nhst", q, k) + d["mask"])
    mixed = ops.reshape(ops.transpose(weights @ v, (0, 2, 1, 3)), (N, S, D))
    return ops.sum((ops.einsum("nsi,ij->nsj", mixed, p["o"]) - d["y"]) ** 2) / 2


def _heads(z):
    return z.reshape(N, S, HEADS, D // HEADS).transpose(0, 2, 1, 3)


def _joined(z):
    return z.transpose(0, 2, 1, 3).reshape(N, S, D)


def multi_head_gradient(p, d):
    x = d["x"]
    q, k, v = (_heads(x @ p[name]) for name in "qkv")
    weights = softmax(q @ k.transpose(0, 1, 3, 2) + d["mask"])
    mixed = _joined(weights @ v)
    d_out = mixed @ p["o"] - d["y"]
    d_mixed = _heads(d_out @ p["o"].T)
    d_scores = through_softmax(weights, d_mixed @ v.transpose(0, 1, 3, 2))
    parts = {
        "q": d_scores @ k,
        "k": d_scores.transpose(0, 1, 3, 2) @ q,
        "v": weights.transpose(0, 1, 3, 2) @ d_mixed,
    }
    grads = {name: np.einsum("nsi,nsj->ij", x, _joined(d_z)) for name, d_z in parts.items()}
    return {**grads, "o": np.einsum("nsi,nsj->ij", mixed, d_out)}


def additive(ops, p, d):
    """Bahdanau's: each place is scored by a small net, and the places are averaged by their scores."""
    hidden = ops.tanh(ops.einsum("nsi,ij->nsj", d["x"], p["w"]) + p["b"])
    weights = attend(ops, ops.einsum("nsj,j->ns", hidden, p["v"]))
    return ops.sum(ops.einsum("ns,nsi->ni", weights, d["x"]) * d["y"])


def additive_gradient(p, d):
    hidden = np.tanh(d["x"] @ p["w"] + p["b"])
    weights = softmax(hidden @ p["v"])
    d_scores = through_softmax(weights, np.einsum("ni,nsi->ns", d["y"], d["x"]))
    d_hidden = d_scores[:, :, None] * p["v"] * (1 - hidden**2)
    return {
        "w": np.einsum("nsi,nsj->ij", d["x"], d_hidden),
        "b": d_hidden.sum(axis=(0, 1)),
        "v": np.einsum("ns,nsj->j", d_scores, hidden),
    }


def linear_attention(ops, p, d):
    """Positive features instead of a softmax; every place sees those before it."""
    k = ops.exp(ops.einsum("nsi,ij->nsj", d["x"], p["k"]))
    q = ops.exp(ops.einsum("nsi,ij->nsj", d["x"], p["q"]))
    scores = ops.einsum("nsj,ntj->nst", q, k) * d["before"]
    weights = scores / ops.sum(scores, axis=2, keepdims=True)
    return ops.sum(ops.einsum("nst,ntj->nsj", weights, d["x"]) * d["y"])


def linear_attention_gradient(p, d):
    q, k = np.exp(d["x"] @ p["q"]), np.exp(d["x"] @ p["k"])
    scores = np.einsum("nsj,ntj->nst", q, k) * d["before"]
    total = scores.sum(axis=2, keepdims=True)
    d_weights = np.einsum("nsj,ntj->nst", d["y"], d["x"])
    d_scores = (d_weights - (d_weights * scores / total).sum(axis=2, keepdims=True)) / total * d["before"]
    return {
        "q": np.einsum("nsi,nsj->ij", d["x"], d_scores @ k * q),
        "k": np.einsum("nsi,nsj->ij", d["x"], d_scores.transpose(0, 2, 1) @ q * k),
    }


TOKENS = np.array([0, 2, 1, 2, 4, 2], dtype=np.int32)  # a jitted JAX cost takes no int64 index in both precisions


def embedding(ops, p, d):
    """Repeated words share a row; the fourth word is never used. Places have rows of their own."""
    seen = ops.tanh(ops.take(p["words"], TOKENS, axis=0) + p["places"])
    z = ops.matmul(ops.mean(seen, axis=0, keepdims=True), p["out"])
    return ops.sum(ops.logsumexp(z, axis=1)) - ops.sum(z * d["y"])


def embedding_gradient(p, d):
    seen = np.tanh(p["words"][TOKENS] + p["places"])
    mean = seen.mean(axis=0, keepdims=True)
    d_z = softmax(mean @ p["out"]) - d["y"]
    d_seen = d_z @ p["out"].T / len(TOKENS) * (1 - seen**2)
    words = np.zeros_like(p["words"])
    np.add.at(words, TOKENS, d_seen)
    return {"words": words, "places": d_seen, "out": mean.T @ d_z}


def _last_occurrence_only(setting):
    words = np.zeros_like(setting.params["words"])
    words[TOKENS] = setting.grads["places"]  # assigns where it should add
    return words


def rotary(ops, p, d):
    """Rotary positions: pairs of features turned by an angle that grows with the place; the rates are learned."""
    angles = ops.reshape(d["place"], (S, 1)) * ops.exp(ops.reshape(p["rate"], (1, D // 2)))
    a, b = d["x"][:, :, : D // 2], d["x"][:, :, D // 2 :]
    turned = ops.concatenate(
        [a * ops.cos(angles) - b * ops.sin(angles), a * ops.sin(angles) + b * ops.cos(angles)], axis=2
    )
    return ops.sum((turned @ p["w"]) * d["y"])


def rotary_gradient(p, d):
    angles = d["place"][:, None] * np.exp(p["rate"])
    a, b = d["x"][..., : D // 2], d["x"][..., D // 2 :]
    one = a * np.cos(angles) - b * np.sin(angles)
    other = a * np.sin(angles) + b * np.cos(angles)
    d_turned = d["y"] @ p["w"].T
    d_angles = -other * d_turned[..., : D // 2] + one * d_turned[..., D // 2 :]
    turned = np.concatenate([one, other], axis=2)
    return {"rate": (d_angles * angles).sum(axis=(0, 1)), "w": np.einsum("nsi,nsj->ij", turned, d["y"])}


_model = partial(random_model, "attention", scale=0.8)


CAUSAL = np.where(np.tri(S) > 0, 0.0, -1e9)
SQUARE = (D, D)

MODELS = (
    _model(
        "dot-attention",
        dot_attention,
        dot_attention_gradient,
        dict.fromkeys("qkv", SQUARE),
        {"x": (N, S, D), "y": (N, S, D)},
        m.swapped("q", "k"),
        m.by_hand("scaled", "q", lambda s: dot_attention_gradient(s.params, s.data, scale=1.0)["q"], "unscaled-scores"),
        m.by_hand(
            "path", "k", lambda s: dot_attention_gradient(s.params, s.data, softmax_path=False)["k"], "softmax-path"
        ),
        m.transposed("v"),
        m.sign_flipped("q"),
        mask=np.zeros((S, S)),
    ),
    _model(
        "causal-attention",
        dot_attention,
        dot_attention_gradient,
        dict.fromkeys("qkv", SQUARE),
        {"x": (N, S, D), "y": (N, S, D)},
        m.by_hand(
            "path", "v", lambda s: dot_attention_gradient(s.params, {**s.data, "mask": 0.0})["v"], "mask-forgotten"
        ),
        m.of_another("k", "v"),
        m.zero("q"),
        m.slightly_scaled("v"),
        mask=CAUSAL,
    ),
    _model(
        "multi-head-attention",
        multi_head,
        multi_head_gradient,
        dict.fromkeys("qkvo", SQUARE),
        {"x": (N, S, D), "y": (N, S, D)},
        m.permuted("q", 1, (2, 3, 0, 1)),
        m.permuted("o", 0, (0, 2, 1, 3)),
        m.partial("v", np.s_[:, :2], detail="first-head"),
        m.transposed("o"),
        m.halved("k"),
        mask=CAUSAL,
    ),
    _model(
        "additive-attention",
        additive,
        additive_gradient,
        {"w": (D, 3), "b": (3,), "v": (3,)},
        {"x": (N, S, D), "y": (N, D)},
        m.swapped("b", "v"),
        m.misread("w"),
        m.averaged("w", 1),
        m.l1("v", 0.1),
    ),
    _model(
        "linear-attention",
        linear_attention,
        linear_attention_gradient,
        {"q": SQUARE, "k": SQUARE},
        {"x": (N, S, D), "y": (N, S, D)},
        m.swapped("q", "k"),
        m.single_entry("k", (3, 3), -1.0),
        m.reversed_axes("q", 1),
        before=np.tri(S),
    ),
    _model(
        "embedding",
        embedding,
        embedding_gradient,
        {"words": (5, 3), "places": (6, 3), "out": (3, 4)},
        {},
        m.by_hand("partial", "words", _last_occurrence_only, "repeated-rows-overwritten"),
        m.shifted("words", 0),
        m.by_hand(
            "single_entry", "words", lambda s: s.grads["words"] + 0.01 * np.eye(15)[9].reshape(5, 3), "unused-row"
        ),
        m.scaled("places", 6.0, "length"),
        m.sign_flipped("out"),
        y=np.array([[0.0, 1.0, 0.0, 0.0]]),
    ),
    _model(
        "rotary-positions",
        rotary,
        rotary_gradient,
        {"rate": (D // 2,), "w": SQUARE},
        {"x": (N, S, D), "y": (N, S, D)},
        m.reversed_axes("rate", 0),
        m.sign_flipped("rate"),
        m.permuted("w", 0, (2, 3, 0, 1)),
        place=np.arange(S, dtype=float),
    ),
)

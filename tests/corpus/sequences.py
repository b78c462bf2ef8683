"""Likelihoods of sequences: sums over paths and filters, differentiated by a pass back or one beside."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import softmax

STEPS, STATES = 4, 3


def logsumexp(x, axis):
    largest = x.max(axis=axis, keepdims=True)
    return np.squeeze(np.log(np.exp(x - largest).sum(axis=axis, keepdims=True)) + largest, axis=axis)


PATH = np.array([0, 2, 1, 1], dtype=np.int32)  # a jitted JAX cost takes no int64 index in both precisions


def chain(ops, p, d):
    """A linear-chain conditional random field: the path's score against that of all paths."""
    local = d["x"] @ p["emit"]
    alpha = local[0]
    for t in range(1, STEPS):
        alpha = ops.logsumexp(ops.reshape(alpha, (STATES, 1)) + p["move"], axis=0) + local[t]
    moves = ops.sum(p["move"] * d["moves"])
    return ops.logsumexp(alpha, axis=0) - ops.sum(local * d["path"]) - moves


def chain_gradient(p, d, backward=True):
    """Expected less observed counts, the expected ones from a forward and a backward pass."""
    local = d["x"] @ p["emit"]
    alpha, beta = [local[0]], [np.zeros(STATES)]
    for t in range(1, STEPS):
        alpha.append(logsumexp(alpha[-1][:, None] + p["move"], 0) + local[t])
        beta.append(logsumexp(p["move"] + local[STEPS - t] + beta[-1], 1))
    beta = beta[::-1] if backward else [np.zeros(STATES)] * STEPS
    expected = softmax(np.array(alpha) + np.array(beta))
    moves = sum(
        softmax((alpha[t][:, None] + p["move"] + local[t + 1] + beta[t + 1]).reshape(-1)).reshape(STATES, STATES)
        for t in range(STEPS - 1)
    )
    return {"emit": d["x"].T @ (expected - d["path"]), "move": moves - d["moves"]}


def hidden_markov(ops, p, d):
    """Emission, transition and start in unnormalised logarithms; the likelihood of one sequence of symbols."""
    move = p["move"] - ops.logsumexp(p["move"], axis=1, keepdims=True)
    emit = ops.take(p["emit"] - ops.logsumexp(p["emit"], axis=1, keepdims=True), PATH, axis=1)
    alpha = p["start"] - ops.logsumexp(p["start"], axis=0) + emit[:, 0]
    for t in range(1, STEPS):
        alpha = ops.logsumexp(ops.reshape(alpha, (STATES, 1)) + move, axis=0) + emit[:, t]
    return -ops.logsumexp(alpha, axis=0)


def hidden_markov_gradient(p, d):
    """Expected counts, less what the normalisation takes: counts of a row times its probabilities."""
    start, move = p["start"] - logsumexp(p["start"], 0), p["move"] - logsumexp(p["move"], 1)[:, None]
    emit = p["emit"] - logsumexp(p["emit"], 1)[:, None]
    alpha, beta = [start + emit[:, PATH[0]]], [np.zeros(STATES)]
    for t in range(1, STEPS):
        alpha.append(logsumexp(alpha[-1][:, None] + move, 0) + emit[:, PATH[t]])
        beta.insert(0, logsumexp(move + emit[:, PATH[STEPS - t]] + beta[0], 1))
    total = logsumexp(alpha[-1], 0)
    at = np.exp(np.array(alpha) + np.array(beta) - total)
    moved = sum(np.exp(alpha[t][:, None] + move + emit[:, PATH[t + 1]] + beta[t + 1] - total) for t in range(STEPS - 1))
    seen = np.zeros_like(p["emit"])
    for t, symbol in enumerate(PATH):
        seen[:, symbol] += at[t]
    return {
        "start": np.exp(start) - at[0],
        "move": moved.sum(axis=1, keepdims=True) * np.exp(move) - moved,
        "emit": seen.sum(axis=1, keepdims=True) * np.exp(emit) - seen,
    }


def _without_normalisation(setting):
    p = setting.params
    counts = setting.grads["move"]
    at = STEPS - 1
    return counts - at / STATES * softmax(p["move"])


def kalman(ops, p, d):
    """One-dimensional Kalman filter: log-likelihood of a random walk seen through noise."""
    process, noise = ops.exp(p["process"]), ops.exp(p["noise"])
    mean, variance, total = p["start"], 1.0, 0.0
    for t in range(STEPS):
        variance = variance + process
        spread = variance + noise
        surprise = d["y"][t] - mean
        total = total + (ops.log(spread) + surprise**2 / spread) / 2
        gain = variance / spread
        mean, variance = mean + gain * surprise, (1 - gain) * variance
    return total


def kalman_gradient(p, d):
    """Sensitivities carried forward with the filter, for one parameter at a time."""
    grads = {}
    for name in p:
        d_process = np.exp(p["process"]) if name == "process" else 0.0
        d_noise = np.exp(p["noise"]) if name == "noise" else 0.0
        mean, d_mean = p["start"], 1.0 if name == "start" else 0.0
        variance, d_variance, total = 1.0, 0.0, 0.0
        for t in range(STEPS):
            variance, d_variance = variance + np.exp(p["process"]), d_variance + d_process
            spread, d_spread = variance + np.exp(p["noise"]), d_variance + d_noise
            surprise, d_surprise = d["y"][t] - mean, -d_mean
            total += (d_spread / spread + 2 * surprise * d_surprise / spread - surprise**2 * d_spread / spread**2) / 2
            gain, d_gain = variance / spread, d_variance / spread - variance * d_spread / spread**2
            mean, d_mean = mean + gain * surprise, d_mean + d_gain * surprise + gain * d_surprise
            variance, d_variance = (1 - gain) * variance, (1 - gain) * d_variance - d_gain * variance
        grads[name] = total
    return grads


_model = partial(random_model, "structured likelihood")


def _moves():
    counts = np.zeros((STATES, STATES))
    np.add.at(counts, (PATH[:-1], PATH[1:]), 1.0)
    return counts


MODELS = (
    _model(
        "chain-crf",
        chain,
        chain_gradient,
        {"emit": (2, STATES), "move": (STATES, STATES)},
        {"x": (STEPS, 2)},
        m.transposed("move"),
        m.by_hand("path", "emit", lambda s: chain_gradient(s.params, s.data, False)["emit"], "no-backward-pass"),
        m.sign_flipped("move"),
        m.by_hand("path", "move", lambda s: s.grads["move"] + s.data["moves"], "normaliser-only"),
        m.shifted("emit", 1),
        path=np.eye(STATES)[PATH],
        moves=_moves(),
    ),
    _model(
        "hidden-markov",
        hidden_markov,
        hidden_markov_gradient,
        {"start": (STATES,), "move": (STATES, STATES), "emit": (STATES, STATES)},
        {},
        m.transposed("move"),
        m.swapped("move", "emit"),
        m.by_hand("path", "move", _without_normalisation, "normalised-wrongly"),
        m.zero("start"),
        m.permuted("emit", 1, (0, 2, 1)),
    ),
    _model(
        "kalman-filter",
        kalman,
        kalman_gradient,
        {"process": (), "noise": (), "start": ()},
        {"y": (STEPS,)},
        m.sign_flipped("process"),
        m.swapped("process", "noise"),
        m.scaled("start", 1.02, "1.02"),
        m.not_finite("noise", ()),
    ),
)

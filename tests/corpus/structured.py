"""Structured likelihoods: sums over sequences, clusters, rankings, latent states."""

import numpy as np

from corpus import mistakes as m
from corpus.by_hand import sigmoid, softmax
from corpus.records import Model, draw

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


def mixture(ops, p, d):
    """A mixture of normals with means, log-deviations and unnormalised weights."""
    n, k = len(d["x"]), len(p["mean"])
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


def _model(name, cost, gradient, params, data, *claims, **fixed):
    drawn = draw(name, **params, **data)
    return Model(
        name,
        "structured likelihood",
        {key: drawn[key] for key in params},
        cost,
        gradient,
        {**{key: drawn[key] for key in data}, **fixed},
        claims,
    )


def _moves():
    counts = np.zeros((STATES, STATES))
    np.add.at(counts, (PATH[:-1], PATH[1:]), 1.0)
    return counts


PLACES = np.array([0.0, 0.7, 1.1, 2.0, 2.6])

MODELS = (
    _model(
        "chain-crf",
        chain,
        chain_gradient,
        {"emit": (2, STATES), "move": (STATES, STATES)},
        {"x": (STEPS, 2)},
        m.transposed("move"),
        m.by_hand("partial", "emit", lambda s: chain_gradient(s.params, s.data, False)["emit"], "no-backward-pass"),
        m.sign_flipped("move"),
        m.by_hand("partial", "move", lambda s: s.grads["move"] + s.data["moves"], "normaliser-only"),
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
        m.by_hand("partial", "move", _without_normalisation, "normalised-wrongly"),
        m.zero("start"),
        m.permuted("emit", 1, (0, 2, 1)),
    ),
    _model(
        "gaussian-mixture",
        mixture,
        mixture_gradient,
        {"mean": (3,), "spread": (3,), "weight": (3,)},
        {"x": (8,)},
        m.by_hand("partial", "weight", lambda s: mixture_gradient(s.params, s.data, False)["weight"], "not-normalised"),
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
        m.by_hand("partial", "w", _first_choice_only, "first-choice-only"),
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
        m.by_hand("partial", "noise", lambda s: gaussian_process_gradient(s.params, s.data, 0.0)["noise"], "no-logdet"),
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
        m.by_hand("partial", "j", lambda s: ising_gradient(s.params, s.data, False)["j"], "not-symmetrised"),
        m.doubled("j"),
        m.over_batch("h", 6),
        m.by_hand("offset", "j", lambda s: s.grads["j"] + 0.3 * np.eye(4), "diagonal"),
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
            "partial",
            "right",
            lambda s: factorisation_gradient(s.params, {**s.data, "seen": 1.0})["right"],
            "mask-lost",
        ),
        m.misread("left"),
        seen=(np.arange(16).reshape(4, 4) * 5 % 7 < 4).astype(float),
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

"""Recurrent nets: backpropagation through time."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.by_hand import sigmoid

N, T, G, H = 2, 3, 2, 2  # batch, steps, given, hidden


def elman(ops, p, d):
    h = d["h0"]
    total = 0.0
    for t in range(T):
        h = ops.tanh(d["x"][t] @ p["w"] + h @ p["u"] + p["b"])
        total = total + ops.sum(h * d["y"][t])
    return total


def _elman_states(p, d):
    h = [d["h0"]]
    for t in range(T):
        h.append(np.tanh(d["x"][t] @ p["w"] + h[-1] @ p["u"] + p["b"]))
    return h


def elman_gradient(p, d, steps=T, carried=True):
    h = _elman_states(p, d)
    w, u, b = np.zeros_like(p["w"]), np.zeros_like(p["u"]), np.zeros_like(p["b"])
    d_h = 0.0
    for t in reversed(range(T - steps, T)):
        d_z = (d_h + d["y"][t]) * (1 - h[t + 1] ** 2)
        w, u, b = w + d["x"][t].T @ d_z, u + h[t].T @ d_z, b + d_z.sum(axis=0)
        d_h = d_z @ p["u"].T if carried else 0.0
    return {"w": w, "u": u, "b": b}


def _elman_wrongly(name, **how):
    return lambda setting: elman_gradient(setting.params, setting.data, **how)[name]


def _state_of_the_next_step(setting):
    """u with h[t + 1] for h[t]: off by one in time."""
    p, d = setting.params, setting.data
    h = _elman_states(p, d)
    u, d_h = np.zeros_like(p["u"]), 0.0
    for t in reversed(range(T)):
        d_z = (d_h + d["y"][t]) * (1 - h[t + 1] ** 2)
        u, d_h = u + h[t + 1].T @ d_z, d_z @ p["u"].T
    return u


GATES = "ifog"


def lstm(ops, p, d):
    h, c = d["h0"], d["h0"]
    for t in range(T):
        gate = {g: d["x"][t] @ p["w" + g] + h @ p["u" + g] + p["b" + g] for g in GATES}
        c = ops.sigmoid(gate["f"]) * c + ops.sigmoid(gate["i"]) * ops.tanh(gate["g"])
        h = ops.sigmoid(gate["o"]) * ops.tanh(c)
    return ops.sum(h * d["y"][0])


def lstm_gradient(p, d, through_cell=True):
    h, c, gates = [d["h0"]], [d["h0"]], []
    for t in range(T):
        z = {g: d["x"][t] @ p["w" + g] + h[-1] @ p["u" + g] + p["b" + g] for g in GATES}
        gates.append({g: np.tanh(z[g]) if g == "g" else sigmoid(z[g]) for g in GATES})
        c.append(gates[-1]["f"] * c[-1] + gates[-1]["i"] * gates[-1]["g"])
        h.append(gates[-1]["o"] * np.tanh(c[-1]))
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    d_h, d_c = d["y"][0], 0.0
    for t in reversed(range(T)):
        a = gates[t]
        squashed = np.tanh(c[t + 1])
        d_c = d_c + d_h * a["o"] * (1 - squashed**2)
        d_gate = {"i": d_c * a["g"], "f": d_c * c[t], "o": d_h * squashed, "g": d_c * a["i"]}
        d_z = {g: d_gate[g] * (1 - a[g] ** 2 if g == "g" else a[g] * (1 - a[g])) for g in GATES}
        for g in GATES:
            grads["w" + g] = grads["w" + g] + d["x"][t].T @ d_z[g]
            grads["u" + g] = grads["u" + g] + h[t].T @ d_z[g]
            grads["b" + g] = grads["b" + g] + d_z[g].sum(axis=0)
        d_h = sum(d_z[g] @ p["u" + g].T for g in GATES)
        d_c = d_c * a["f"] if through_cell else 0.0
    return grads


def gru(ops, p, d):
    h = d["h0"]
    for t in range(T):
        r = ops.sigmoid(d["x"][t] @ p["wr"] + h @ p["ur"])
        z = ops.sigmoid(d["x"][t] @ p["wz"] + h @ p["uz"])
        h = z * h + (1 - z) * ops.tanh(d["x"][t] @ p["wn"] + (r * h) @ p["un"])
    return ops.sum(ops.sin(h) * d["y"][0])


def gru_gradient(p, d, through_reset=True):
    h, gates = [d["h0"]], []
    for t in range(T):
        r = sigmoid(d["x"][t] @ p["wr"] + h[-1] @ p["ur"])
        z = sigmoid(d["x"][t] @ p["wz"] + h[-1] @ p["uz"])
        n = np.tanh(d["x"][t] @ p["wn"] + (r * h[-1]) @ p["un"])
        gates.append((r, z, n))
        h.append(z * h[-1] + (1 - z) * n)
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    d_h = np.cos(h[-1]) * d["y"][0]
    for t in reversed(range(T)):
        (r, z, n), before = gates[t], h[t]
        d_n = d_h * (1 - z) * (1 - n**2)
        d_z = d_h * (before - n) * z * (1 - z)
        d_reset = d_n @ p["un"].T
        d_r = d_reset * before * r * (1 - r)
        for gate, d_gate, state in (("r", d_r, before), ("z", d_z, before), ("n", d_n, r * before)):
            grads["w" + gate] = grads["w" + gate] + d["x"][t].T @ d_gate
            grads["u" + gate] = grads["u" + gate] + state.T @ d_gate
        d_h = d_h * z + d_z @ p["uz"].T + d_r @ p["ur"].T + (d_reset * r if through_reset else 0.0)
    return grads


def state_space(ops, p, d):
    """A diagonal linear state with its decay squashed into (0, 1)."""
    decay, s = ops.sigmoid(p["a"]), 0.0
    total = 0.0
    for t in range(T):
        s = decay * s + d["x"][t] @ p["b"]
        total = total + ops.sum((ops.matmul(s, p["c"]) - d["y"][t]) ** 2)
    return total


def state_space_gradient(p, d):
    decay, s = sigmoid(p["a"]), [np.zeros((N, H))]
    for t in range(T):
        s.append(decay * s[-1] + d["x"][t] @ p["b"])
    d_decay, b, c, d_s = 0.0, 0.0, 0.0, 0.0
    for t in reversed(range(T)):
        d_out = 2 * (s[t + 1] @ p["c"] - d["y"][t])
        d_s = d_s * decay + np.outer(d_out, p["c"])
        c = c + s[t + 1].T @ d_out
        b = b + d["x"][t].T @ d_s
        d_decay = d_decay + (d_s * s[t]).sum(axis=0)
    return {"a": d_decay * decay * (1 - decay), "b": b, "c": c}


_model = partial(random_model, "recurrent", scale=0.7)


GIVEN = {"x": (T, N, G), "h0": (N, H)}
SHAPES = {"w": (G, H), "u": (H, H), "b": (H,)}

MODELS = (
    _model(
        "elman",
        elman,
        elman_gradient,
        SHAPES,
        {**GIVEN, "y": (T, N, H)},
        m.by_hand("path", "u", _elman_wrongly("u", carried=False), "not-through-time"),
        m.by_hand("path", "w", _elman_wrongly("w", steps=T - 1), "first-step-missing"),
        m.by_hand("shifted", "u", _state_of_the_next_step, "in-time"),
        m.transposed("u"),
        m.sign_flipped("b"),
        m.over_batch("w u b", N),
        m.slightly_off_entry("u"),
    ),
    _model(
        "lstm",
        lstm,
        lstm_gradient,
        {kind + gate: SHAPES[kind] for gate in GATES for kind in "wub"},
        {**GIVEN, "y": (1, N, H)},
        m.swapped("wi", "wf"),
        m.swapped("bi", "bo"),
        m.by_hand("path", "wg", lambda s: lstm_gradient(s.params, s.data, through_cell=False)["wg"], "cell-cut"),
        m.zero("bf"),
        m.transposed("ug"),
        m.single_entry("uo", (1, 0)),
    ),
    _model(
        "gru",
        gru,
        gru_gradient,
        {kind + gate: SHAPES[kind] for gate in "rzn" for kind in "wu"},
        {**GIVEN, "y": (1, N, H)},
        m.by_hand("path", "un", lambda s: gru_gradient(s.params, s.data, through_reset=False)["un"], "reset-cut"),
        m.of_another("ur", "uz"),
        m.sign_flipped("wz uz"),
        m.shifted("un", 0),
        m.halved("wn"),
    ),
    _model(
        "state-space",
        state_space,
        state_space_gradient,
        {"a": (H,), "b": (G, H), "c": (H,)},
        {**GIVEN, "y": (T, N)},
        m.scaled("a", 4.0, "4"),
        m.of_another("a", "c"),
        m.reversed_axes("c", 0),
        m.partial("b", np.s_[1], detail="second-input"),
        m.not_finite("c", (1,), np.inf),
    ),
)

"""The same model in NumPy, with backpropagation written by hand."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradcheck_core import GradientCase, load_snapshot
from task import CHANNELS, CLASSES, FEATURES, ORIGINAL, UNITS, WIDTH, recordings


class Step(NamedTuple):
    """One step of the LSTM: what came in, the four gates, and the cell state that went out."""

    x: np.ndarray
    h: np.ndarray
    c: np.ndarray
    i: np.ndarray
    f: np.ndarray
    o: np.ndarray
    g: np.ndarray
    c_next: np.ndarray


def initial_params():
    draw = np.random.default_rng(0).normal
    return {
        "conv": {"kernel": draw(size=(WIDTH, CHANNELS, FEATURES)), "bias": draw(size=FEATURES)},
        "lstm": {
            "kernel": draw(size=(FEATURES, 4 * UNITS)),  # the gates i, f, o, g: first the three sigmoids
            "recurrent_kernel": draw(size=(UNITS, 4 * UNITS)),
            "bias": draw(size=4 * UNITS),
        },
        "dense": {"kernel": draw(size=(UNITS, CLASSES)), "bias": draw(size=CLASSES)},
    }


def cost(params, x, labels):
    *_, log_probabilities = forward(params, x)
    return -log_probabilities[np.arange(len(x)), labels].mean()


def forward(params, x):
    features = np.tanh(convolve(params["conv"], x))
    steps, last = run_lstm(params["lstm"], features)
    logits = last @ params["dense"]["kernel"] + params["dense"]["bias"]
    logits = logits - logits.max(axis=1, keepdims=True)
    return features, steps, last, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def gradient(params, x, labels):
    features, steps, last, log_probabilities = forward(params, x)
    d_logits = (np.exp(log_probabilities) - np.eye(CLASSES)[labels]) / len(x)
    d_dense = {"kernel": last.T @ d_logits, "bias": d_logits.sum(axis=0)}
    d_lstm, d_features = lstm_backward(params["lstm"], steps, d_logits @ params["dense"]["kernel"].T)
    return {"conv": convolve_backward(x, d_features * (1 - features**2)), "lstm": d_lstm, "dense": d_dense}


def convolve(params, x):
    windows = sliding_window_view(x, WIDTH, axis=1)  # (batch, time, channel, width)
    return np.einsum("btcw,wcf->btf", windows, params["kernel"]) + params["bias"]


def convolve_backward(x, d_out):
    windows = sliding_window_view(x, WIDTH, axis=1)
    return {"kernel": np.einsum("btcw,btf->wcf", windows, d_out), "bias": d_out.sum(axis=(0, 1))}


def run_lstm(params, x):
    """The trace of every step, and the last output."""
    h = c = np.zeros((len(x), UNITS))
    steps = []
    for x_t in x.swapaxes(0, 1):
        z = x_t @ params["kernel"] + h @ params["recurrent_kernel"] + params["bias"]
        i, f, o = np.split(1 / (1 + np.exp(-z[:, : 3 * UNITS])), 3, axis=1)
        g = np.tanh(z[:, 3 * UNITS :])
        c_next = f * c + i * g
        steps.append(Step(x_t, h, c, i, f, o, g, c_next))
        h, c = o * np.tanh(c_next), c_next
    return steps, h


def lstm_backward(params, steps, d_h):
    """Backpropagation through time, from the last output: the gradient, and that of the LSTM's input."""
    d_params = {name: np.zeros_like(value) for name, value in params.items()}
    d_c = np.zeros_like(d_h)
    d_x = []
    for step in reversed(steps):
        tanh_c = np.tanh(step.c_next)
        d_c = d_c + d_h * step.o * (1 - tanh_c**2)
        d_i = d_c * step.g * step.i * (1 - step.i)
        d_f = d_c * step.c * step.f * (1 - step.f)
        d_o = d_h * tanh_c * step.o * (1 - step.o)
        d_g = d_c * step.i * (1 - step.g**2)
        d_z = np.concatenate([d_i, d_f, d_o, d_g], axis=1)
        d_params["kernel"] += step.x.T @ d_z
        d_params["recurrent_kernel"] += step.h.T @ d_z
        d_params["bias"] += d_z.sum(axis=0)
        d_x.append(d_z @ params["kernel"].T)
        d_h, d_c = d_z @ params["recurrent_kernel"].T, d_c * step.f
    return d_params, np.stack(d_x[::-1], axis=1)


def case_of(params):
    return GradientCase(cost, params, gradient, args=recordings(), name="NumPy")


def case():
    return case_of(initial_params())


def migrated(order=(0, 1, 3, 2)):
    """With the original's weights: its gates are i, f, g, o, to be put in this order, and each has two biases."""
    of = load_snapshot(ORIGINAL).theta
    gates = np.arange(4 * UNITS).reshape(4, UNITS)[list(order)].ravel()
    return case_of(
        {
            "conv": {"kernel": of["conv.weight"].transpose(2, 1, 0), "bias": of["conv.bias"]},
            "lstm": {
                "kernel": of["lstm.weight_ih_l0"].T[:, gates],
                "recurrent_kernel": of["lstm.weight_hh_l0"].T[:, gates],
                "bias": (of["lstm.bias_ih_l0"] + of["lstm.bias_hh_l0"])[gates],
            },
            "dense": {"kernel": of["dense.weight"].T, "bias": of["dense.bias"]},
        }
    )

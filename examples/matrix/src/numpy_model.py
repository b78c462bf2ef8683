"""The classifier in NumPy, with its gradient written by hand."""

import numpy as np

from gradcheck_core import GradientCase
from weights import HIDDEN_BIAS, HIDDEN_KERNEL, LABELS, OUTPUT_BIAS, OUTPUT_KERNEL, X


def forward(params, x):
    hidden = np.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    logits = hidden @ params["output"]["kernel"] + params["output"]["bias"]
    return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def cost(params, x, labels):
    _, log_probabilities = forward(params, x)
    return -log_probabilities[np.arange(len(x)), labels].mean()


def gradient(params, x, labels):
    hidden, log_probabilities = forward(params, x)
    d_logits = np.exp(log_probabilities)
    d_logits[np.arange(len(x)), labels] -= 1
    d_logits /= len(x)
    d_hidden = d_logits @ params["output"]["kernel"].T * (1 - hidden**2)
    return {
        "hidden": {"kernel": x.T @ d_hidden, "bias": d_hidden.sum(axis=0)},
        "output": {"kernel": hidden.T @ d_logits, "bias": d_logits.sum(axis=0)},
    }


def case():
    params = {
        "hidden": {"kernel": HIDDEN_KERNEL, "bias": HIDDEN_BIAS},
        "output": {"kernel": OUTPUT_KERNEL, "bias": OUTPUT_BIAS},
    }
    return GradientCase(cost, params, gradient, args=(X, LABELS), name="NumPy")

"""A two-layer softmax network with backpropagation written by hand in NumPy, once right and once with a mistake."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Params = dict[str, Array]


def initial_params(inputs: int = 4, hidden: int = 6, classes: int = 3) -> Params:
    """Parameters after Glorot and Bengio (2010), with small biases, the same in every run."""
    generator = np.random.default_rng(1936)
    return {
        "W1": generator.normal(scale=np.sqrt(2 / (inputs + hidden)), size=(inputs, hidden)),
        "b1": generator.normal(scale=0.1, size=hidden),
        "W2": generator.normal(scale=np.sqrt(2 / (hidden + classes)), size=(hidden, classes)),
        "b2": generator.normal(scale=0.1, size=classes),
    }


def cost(params: Params, features: Array, labels: Array) -> float:
    """Mean cross-entropy of the network's softmax against one-hot labels."""
    hidden = np.tanh(features @ params["W1"] + params["b1"])
    logits = hidden @ params["W2"] + params["b2"]
    logits = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-np.mean(np.sum(labels * log_probabilities, axis=1)))


def backpropagation(params: Params, features: Array, labels: Array) -> Params:
    """The gradient of `cost`."""
    hidden, d_logits = _forward(params, features, labels)
    return _gradients(features, hidden, d_logits, d_hidden=(d_logits @ params["W2"].T) * (1 - hidden**2))


def mistaken_backpropagation(params: Params, features: Array, labels: Array) -> Params:
    """`backpropagation` with the derivative of tanh taken as ``1 - hidden``: the square is forgotten."""
    hidden, d_logits = _forward(params, features, labels)
    return _gradients(features, hidden, d_logits, d_hidden=(d_logits @ params["W2"].T) * (1 - hidden))


def _forward(params: Params, features: Array, labels: Array) -> tuple[Array, Array]:
    hidden = np.tanh(features @ params["W1"] + params["b1"])
    logits = hidden @ params["W2"] + params["b2"]
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    return hidden, (probabilities - labels) / len(features)


def _gradients(features: Array, hidden: Array, d_logits: Array, d_hidden: Array) -> Params:
    return {
        "W1": features.T @ d_hidden,
        "b1": d_hidden.sum(axis=0),
        "W2": hidden.T @ d_logits,
        "b2": d_logits.sum(axis=0),
    }

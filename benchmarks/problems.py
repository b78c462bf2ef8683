"""The functions that are checked, as NumPy data from which every framework builds the same cost."""

import itertools
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """One function to check.

    Attributes
    ----------
    name : str
        As `--only` takes it.
    title : str
        For the page.
    widths : tuple of int
        Of a perceptron's layers, or the sizes that its builder in `with_torch` takes.
    kind : str
        ``mlp``, ``conv`` or ``gpt``.
    """

    name: str
    title: str
    widths: tuple[int, ...]
    kind: str = "mlp"


MLP_600 = Problem("mlp-600", "perceptron, 608 parameters", (16, 24, 8))
MLP_2K = Problem("mlp-2k", "perceptron, 1,976 parameters", (32, 40, 16))
MLP_13K = Problem("mlp-13k", "perceptron, 12,968 parameters", (64, 96, 64, 8))
MLP_100K = Problem("mlp-100k", "perceptron, 100,872 parameters", (128, 256, 256, 8))
CONV_30K = Problem("conv-30k", "convolutional network, 29,642 parameters", (32, 64), "conv")
GPT_1M = Problem("gpt-1m", "GPT of 4 layers, 1,034,496 parameters in 53 tensors", (128, 64, 4, 910), "gpt")
GPT_162M = Problem("gpt-162m", "GPT of 12 layers, 162,299,904 parameters in 149 tensors", (768, 64, 12, 50_257), "gpt")

PROBLEMS = (MLP_600, MLP_2K, MLP_13K, MLP_100K, CONV_30K, GPT_1M, GPT_162M)
PERCEPTRONS = (MLP_600, MLP_2K, MLP_13K, MLP_100K)

ROWS = 32
"""Examples in the data of every perceptron."""


@final
@dataclass(frozen=True, slots=True)
class Perceptron:
    """A perceptron's parameters, its data, and its cost's gradient: tanh between layers, mean cross-entropy at the end.

    The layers are pairs ``W, b``, and ``h W + b`` is what a layer computes.
    """

    params: list[Array]
    features: Array
    labels: npt.NDArray[np.int64]


def perceptron(widths: tuple[int, ...]) -> Perceptron:
    """Parameters and data from one seed."""
    generator = np.random.default_rng(0)
    params: list[Array] = []
    for rows, columns in itertools.pairwise(widths):
        params.append(generator.normal(size=(rows, columns)) / np.sqrt(rows))
        params.append(0.1 * generator.normal(size=columns))
    features = generator.normal(size=(ROWS, widths[0]))
    return Perceptron(params, features, generator.integers(widths[-1], size=ROWS))


def gradients(network: Perceptron) -> list[Array]:
    """The gradient by hand: softmax minus the labels, and back through each tanh by ``1 - h**2``."""
    inputs = [network.features]
    for weights, bias in pairs(network.params)[:-1]:
        inputs.append(np.tanh(inputs[-1] @ weights + bias))
    weights, bias = pairs(network.params)[-1]
    scores = inputs[-1] @ weights + bias
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    back = raised / raised.sum(axis=-1, keepdims=True)
    rows = len(network.labels)
    back[np.arange(rows), network.labels] -= 1
    back /= rows
    found: list[Array] = []
    for (weights, _), hidden in zip(reversed(pairs(network.params)), reversed(inputs), strict=True):
        found = [hidden.T @ back, back.sum(axis=0), *found]
        back = (back @ weights.T) * (1 - hidden**2)
    return found


def pairs(params: list[Array]) -> list[tuple[Array, Array]]:
    """The layers."""
    return list(zip(params[::2], params[1::2], strict=True))


def doubled(grads: list[Array]) -> list[Array]:
    """The gradients with one wrong entry: the one of middling size in the first array, times two."""
    found = [grad.copy() for grad in grads]
    flat = found[0].reshape(-1)
    flat[middling(flat)] *= 2
    return found


def middling(flat: Array) -> int:
    """The position of the median of the sizes: neither an entry that hardly matters nor the one that matters most.

    Of those that are not zero, as an embedding's are for tokens that do not occur: a change of them would be none.
    """
    order = np.argsort(np.abs(flat))
    order = order[flat[order] != 0]
    return int(order[order.size // 2])

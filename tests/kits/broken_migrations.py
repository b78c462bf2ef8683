"""One small image classifier in PyTorch, Keras and Flax, carried over rightly, and with one mistake of each kind.

`net("torch")` is right, and its cost is that of `net("keras")` and `net("linen")`; `net("torch", gelu=True)` has made
the mistake that is called so. The weights are drawn channels last, kernels as (height, width, in, out).
"""

import importlib
from dataclasses import dataclass, replace

import numpy as np
from migration_layers import DISTINCT, draw

FRAMEWORKS = ("torch", "keras", "linen")
BATCH, SIDE, CHANNELS, FILTERS, HIDDEN, OUTPUTS = 4, 6, 3, 2, 4, 2
EPSILON = 1e-5
RATE = 0.4
OPTIONS = {"include": "*out*", "progress": False}  # finite differences of a few entries: they are not the point here
RECURRENT = {"torch": "bias_hh_l0", "keras": "*bias", "linen": "*hf.bias"}  # the same in the recurrent case


@dataclass(frozen=True)
class Mistakes:
    """What is done wrong; by default nothing."""

    untransposed: bool = False  # the square matrix is carried over as it is, to where it should be transposed
    reduction: bool = False  # the sum of the squares for their mean
    epsilon: bool = False  # 1e-3 for 1e-5
    gelu: bool = False  # the tanh approximation for the exact one
    padding: bool = False  # one on both sides for SAME, which is one at the end
    layout: bool = False  # the images reshaped where they should be transposed
    flatten_order: bool = False  # channels, height, width for height, width, channels
    dropout: bool = False  # active
    mode: bool = False  # batch norm by the statistics of the batch for its running averages
    dtype: bool = False  # bfloat16 in between
    unknown_activation: bool = False  # softsign for tanh: nothing that is looked for
    unknown_penalty: bool = False  # a weight decay that the other side does not have


KINDS = tuple(name for name in Mistakes.__dataclass_fields__ if not name.startswith("unknown"))


@dataclass(frozen=True)
class Weights:
    """Drawn once, in no framework's layout."""

    images: np.ndarray
    conv: np.ndarray
    conv_bias: np.ndarray
    gain: np.ndarray
    shift: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    dense: np.ndarray
    dense_bias: np.ndarray
    square: np.ndarray
    out: np.ndarray


def weights():
    rng = np.random.default_rng(3)
    flat = (SIDE // 2) ** 2 * FILTERS
    return Weights(
        images=rng.normal(size=(BATCH, SIDE, SIDE, CHANNELS)),
        conv=rng.normal(size=(3, 3, CHANNELS, FILTERS)),
        conv_bias=rng.normal(size=FILTERS),
        gain=rng.uniform(0.5, 1.5, size=FILTERS),
        shift=rng.normal(size=FILTERS),
        mean=rng.normal(size=FILTERS),
        variance=rng.uniform(0.2, 0.5, size=FILTERS),
        dense=rng.normal(size=(flat, HIDDEN)),
        dense_bias=rng.normal(size=HIDDEN),
        square=rng.normal(size=(HIDDEN, HIDDEN)),
        out=rng.normal(size=(HIDDEN, OUTPUTS)),
    )


def net(framework, **mistakes):
    """A `GradientCase` in float64."""
    made = Mistakes(**mistakes)
    drawn = weights()
    if made.untransposed:
        drawn = replace(drawn, square=drawn.square.T.copy())
    if made.layout:
        first = np.moveaxis(drawn.images, -1, 1)
        drawn = replace(drawn, images=first.copy().reshape(drawn.images.shape))
    return importlib.import_module(f"broken_{framework}").case(drawn, made)


def recurrent(framework, *, mixed=False):
    """An LSTM, with two of its gates exchanged where it is mixed."""
    drawn = draw("lstm", DISTINCT)
    if mixed:
        exchanged = {"f": "g", "g": "f"}
        mixed_up = {name: drawn.weights[f"{name[0]}_{exchanged.get(name[-1], name[-1])}"] for name in drawn.weights}
        drawn = replace(drawn, weights=mixed_up)
    case = importlib.import_module(f"migration_{framework}").CASES["lstm"](drawn)
    return replace(case, options={"include": RECURRENT[framework], "progress": False})

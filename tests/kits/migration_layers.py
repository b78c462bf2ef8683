"""The same layers in PyTorch, Keras and Flax, with one set of weights, carried over by hand in each framework's kit.

`case("lstm", "torch")` is a `GradientCase` in float64 whose cost is that of `case("lstm", "keras")`, of
`case("lstm", "linen")` and of `case("lstm", "nnx")`: fixed weights times the squared outputs, summed. What is drawn
here is in no layout of any framework; `tests/together/test_migration_layers.py` holds that the costs agree.
"""

import importlib
from dataclasses import dataclass

import numpy as np

FRAMEWORKS = ("torch", "keras", "linen", "nnx")
EPSILON = 1e-5  # of the norms; the frameworks' own defaults differ


@dataclass(frozen=True)
class Sizes:
    """How large things are; where all that can be equal are equal, shapes tell nothing."""

    batch: int = 2
    steps: int = 5
    inputs: int = 3
    outputs: int = 4
    window: tuple = (2, 3)
    heads: int = 2
    width: int = 4  # of one head; Keras rounds 1 / sqrt(width) to float32, so let that be exact
    vocabulary: int = 7


DISTINCT = Sizes()
SQUARE = Sizes(batch=3, steps=4, inputs=3, outputs=3, window=(3, 3), heads=4, width=4, vocabulary=3)
SIZES = {"distinct": DISTINCT, "square": SQUARE}


@dataclass(frozen=True)
class Drawn:
    """A layer's sizes, weights by a name of no framework, and one input with channels last."""

    sizes: Sizes
    weights: dict
    x: np.ndarray


def _linear(rng, s):
    return {"w": rng((s.inputs, s.outputs)), "b": rng((s.outputs,))}, rng((s.batch, s.inputs))


def _conv1d(rng, s):
    kernel = (s.window[0], s.inputs, s.outputs)
    return {"w": rng(kernel), "b": rng((s.outputs,))}, rng((s.batch, s.steps, s.inputs))


def _conv2d(rng, s):
    kernel = (*s.window, s.inputs, s.outputs)
    return {"w": rng(kernel), "b": rng((s.outputs,))}, rng((s.batch, s.steps, s.steps + 1, s.inputs))


def _norm(rng, s):
    return {"gain": rng((s.inputs,)), "shift": rng((s.inputs,))}, rng((s.batch + 3, s.inputs))


def _embedding(rng, s):
    # one token is never looked up: the gradient of its row is zero in every framework
    tokens = np.resize(np.arange(s.vocabulary - 1), (s.batch, s.steps))
    return {"table": rng((s.vocabulary, s.inputs))}, tokens


def _recurrent(gates):
    def drawn(rng, s):
        weights = {}
        for gate in gates:
            weights[f"w_{gate}"] = rng((s.inputs, s.outputs))
            weights[f"u_{gate}"] = rng((s.outputs, s.outputs))
            weights[f"b_{gate}"] = rng((s.outputs,))  # added to what comes from the input
            weights[f"c_{gate}"] = rng((s.outputs,))  # added to what comes from the state
        return weights, rng((s.batch, s.steps, s.inputs))

    return drawn


def _attention(rng, s):
    model = s.heads * s.width
    weights = {}
    for part in ("query", "key", "value"):
        weights[f"w_{part}"] = rng((model, s.heads, s.width))
        weights[f"b_{part}"] = rng((s.heads, s.width))
    return {**weights, "w_out": rng((s.heads, s.width, model)), "b_out": rng((model,))}, rng((s.batch, s.steps, model))


def _flatten(rng, s):
    """A convolution, flattened, and a dense layer behind it, whose rows are in the order of height, width, channel."""
    height, width = s.steps - s.window[0] + 1, s.steps + 1 - s.window[1] + 1
    weights, x = _conv2d(rng, s)
    return {**weights, "dense": rng((height, width, s.outputs, 2)), "out": rng((2,))}, x


DRAWS = {
    "linear": _linear,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "batch_norm": _norm,
    "layer_norm": _norm,
    "embedding": _embedding,
    "lstm": _recurrent("ifgo"),
    "gru": _recurrent("rzn"),
    "attention": _attention,
    "flatten": _flatten,
}
LAYERS = tuple(DRAWS)


def _as_drawn(name, value):
    return value


def _second_bias_zero(name, value):
    """What a migration into a layer with two recurrent biases leaves: one has all of the sum."""
    return 0 * value if name.startswith("c_") else value


def _fresh(name, value):
    """As a layer is made: biases and shifts are zero, scales one."""
    if name == "gain":
        return np.ones_like(value)
    return 0 * value if name in ("b", "shift", "out") or name.startswith(("b_", "c_")) else value


STATES = {"random": _as_drawn, "second bias zero": _second_bias_zero, "fresh": _fresh}


def draw(layer, sizes=DISTINCT, seed=0, state="random"):
    generator = np.random.default_rng(seed)
    weights, x = DRAWS[layer](lambda shape: 0.5 * generator.normal(size=shape), sizes)
    return Drawn(sizes, {name: STATES[state](name, value) for name, value in weights.items()}, x)


def cost_weights(shape):
    """What the squared outputs, channels last, are weighted with."""
    return np.cos(np.arange(np.prod(shape))).reshape(shape)


def case(layer, framework, sizes=DISTINCT, seed=0, state="random"):
    """A `GradientCase`, named after the layer and the framework; the model with its weights is its `params`."""
    return importlib.import_module(f"migration_{framework}").CASES[layer](draw(layer, sizes, seed, state))

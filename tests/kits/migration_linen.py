"""The layers of `migration_layers` in Flax's linen modules."""

import jax
import jax.numpy as jnp
from flax import linen
from migration_layers import EPSILON, cost_weights

from gradcheck_core import GradientCase

WIDE = {"param_dtype": "float64"}


def arrays(structure):
    """The same structure with float64 arrays of JAX, whatever the program's switch says."""
    with jax.enable_x64(True):
        return jax.tree.map(jnp.asarray, structure)


def tokens_or_numbers(x):
    return x if x.dtype.kind == "i" else arrays(x)


def weighted(y):
    return jnp.sum(cost_weights(y.shape) * y**2)


def _case(layer, module, weights, x, *, shared=(), mutable=False):
    inputs = tokens_or_numbers(x)
    arguments = (inputs, *shared)
    with jax.enable_x64(True):
        made = module.init(jax.random.key(0), *arguments)
    shapes = jax.tree.map(lambda leaf: leaf.shape, made["params"])
    assert shapes == jax.tree.map(lambda leaf: leaf.shape, weights)
    rest = {name: part for name, part in made.items() if name != "params"}

    def cost(params):
        variables = {"params": params, **rest}
        y = (
            module.apply(variables, *arguments, mutable=list(rest))[0]
            if mutable
            else module.apply(variables, *arguments)
        )
        return weighted(y)

    return GradientCase(cost, arrays(weights), name=f"{layer} in linen")


def _pair(weights):
    return {"kernel": weights["w"], "bias": weights["b"]}


def _linear(drawn):
    return _case("linear", linen.Dense(drawn.sizes.outputs, **WIDE), _pair(drawn.weights), drawn.x)


def _conv1d(drawn):
    module = linen.Conv(drawn.sizes.outputs, drawn.sizes.window[:1], padding="VALID", **WIDE)
    return _case("conv1d", module, _pair(drawn.weights), drawn.x)


def _conv2d(drawn):
    module = linen.Conv(drawn.sizes.outputs, drawn.sizes.window, padding="VALID", **WIDE)
    return _case("conv2d", module, _pair(drawn.weights), drawn.x)


def _batch_norm(drawn):
    weights = {"scale": drawn.weights["gain"], "bias": drawn.weights["shift"]}
    module = linen.BatchNorm(use_running_average=False, epsilon=EPSILON, **WIDE)
    return _case("batch_norm", module, weights, drawn.x, mutable=True)


def _layer_norm(drawn):
    weights = {"scale": drawn.weights["gain"], "bias": drawn.weights["shift"]}
    # the fast variance, E[x^2] - E[x]^2, is another function in finite precision
    module = linen.LayerNorm(epsilon=EPSILON, use_fast_variance=False, **WIDE)
    return _case("layer_norm", module, weights, drawn.x)


def _embedding(drawn):
    module = linen.Embed(drawn.sizes.vocabulary, drawn.sizes.inputs, **WIDE)
    return _case("embedding", module, {"embedding": drawn.weights["table"]}, drawn.x)


def _lstm(drawn):
    w, cell = drawn.weights, {}
    for gate in "ifgo":
        cell[f"i{gate}"] = {"kernel": w[f"w_{gate}"]}
        cell[f"h{gate}"] = {"kernel": w[f"u_{gate}"], "bias": w[f"b_{gate}"] + w[f"c_{gate}"]}
    return _case("lstm", linen.RNN(linen.LSTMCell(drawn.sizes.outputs, **WIDE)), {"cell": cell}, drawn.x)


def _gru(drawn):
    w, cell = drawn.weights, {}
    for gate in "rz":
        cell[f"i{gate}"] = {"kernel": w[f"w_{gate}"], "bias": w[f"b_{gate}"] + w[f"c_{gate}"]}
        cell[f"h{gate}"] = {"kernel": w[f"u_{gate}"]}
    cell["in"] = {"kernel": w["w_n"], "bias": w["b_n"]}  # the new state's two biases stay apart
    cell["hn"] = {"kernel": w["u_n"], "bias": w["c_n"]}
    return _case("gru", linen.RNN(linen.GRUCell(drawn.sizes.outputs, **WIDE)), {"cell": cell}, drawn.x)


def _attention(drawn):
    w, s = drawn.weights, drawn.sizes
    model = s.heads * s.width
    weights = {part: {"kernel": w[f"w_{part}"], "bias": w[f"b_{part}"]} for part in ("query", "key", "value")}
    weights["out"] = {"kernel": w["w_out"], "bias": w["b_out"]}
    module = linen.MultiHeadDotProductAttention(s.heads, qkv_features=model, out_features=model, **WIDE)
    return _case("attention", module, weights, drawn.x)


def _flatten(drawn):
    w, s = drawn.weights, drawn.sizes
    conv = linen.Conv(s.outputs, s.window, padding="VALID", **WIDE)
    module = linen.Sequential([conv, jnp.tanh, lambda y: y.reshape(len(y), -1), linen.Dense(2, **WIDE)])
    dense = {"kernel": w["dense"].reshape(-1, 2), "bias": w["out"]}
    return _case("flatten", module, {"layers_0": _pair(w), "layers_3": dense}, drawn.x)


CASES = {
    "linear": _linear,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "embedding": _embedding,
    "lstm": _lstm,
    "gru": _gru,
    "attention": _attention,
    "flatten": _flatten,
}

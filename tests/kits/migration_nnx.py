"""The layers of `migration_layers` in Flax's nnx modules; no GRU, whose nnx cell lacks one of the biases."""

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn.attention import dot_product_attention_weights
from migration_layers import EPSILON
from migration_linen import arrays, tokens_or_numbers, weighted

from gradcheck_core import GradientCase

WIDE = {"param_dtype": "float64"}


def _case(layer, build, weights, x, call=lambda m, x: m(x)):
    inputs = tokens_or_numbers(x)
    with jax.enable_x64(True):
        graph, params, rest = nnx.split(build(nnx.Rngs(0)), nnx.Param, ...)
        rest = jax.tree.map(_wide, rest)  # running statistics are float32 whatever the parameters are
    own = nnx.to_pure_dict(params)
    assert jax.tree.map(lambda leaf: leaf.shape, own) == jax.tree.map(lambda leaf: leaf.shape, weights)

    def cost(params):
        return weighted(call(nnx.merge(graph, params, rest, copy=True), inputs))

    return GradientCase(cost, arrays(weights), name=f"{layer} in nnx")


def _wide(leaf):
    return leaf.astype("float64") if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf


def _pair(weights):
    return {"kernel": weights["w"], "bias": weights["b"]}


def _linear(drawn):
    s = drawn.sizes
    return _case(
        "linear", lambda rngs: nnx.Linear(s.inputs, s.outputs, rngs=rngs, **WIDE), _pair(drawn.weights), drawn.x
    )


def _conv(layer, axes):
    def built(drawn):
        s = drawn.sizes

        def build(rngs):
            return nnx.Conv(s.inputs, s.outputs, s.window[:axes], padding="VALID", rngs=rngs, **WIDE)

        return _case(layer, build, _pair(drawn.weights), drawn.x)

    return built


def _norm(layer, kind, **options):
    def built(drawn):
        weights = {"scale": drawn.weights["gain"], "bias": drawn.weights["shift"]}
        inputs = drawn.sizes.inputs
        return _case(layer, lambda rngs: kind(inputs, epsilon=EPSILON, rngs=rngs, **options, **WIDE), weights, drawn.x)

    return built


def _embedding(drawn):
    s = drawn.sizes
    weights = {"embedding": drawn.weights["table"]}
    return _case("embedding", lambda rngs: nnx.Embed(s.vocabulary, s.inputs, rngs=rngs, **WIDE), weights, drawn.x)


def _lstm(drawn):
    s, w, cell = drawn.sizes, drawn.weights, {}
    for gate in "ifgo":
        cell["if_" if gate == "f" else f"i{gate}"] = {"kernel": w[f"w_{gate}"]}
        cell[f"h{gate}"] = {"kernel": w[f"u_{gate}"], "bias": w[f"b_{gate}"] + w[f"c_{gate}"]}

    def build(rngs):
        return nnx.RNN(nnx.LSTMCell(s.inputs, s.outputs, rngs=rngs, **WIDE), rngs=rngs)

    return _case("lstm", build, {"cell": cell}, drawn.x)


def _in_float64(query, key, value, **_):
    """Attention; nnx's own goes by way of a function that computes in float32 whatever it is given."""
    return jnp.einsum("...hqk,...khd->...qhd", dot_product_attention_weights(query, key), value)


def _attention(drawn):
    w, s = drawn.weights, drawn.sizes
    model = s.heads * s.width
    weights = {part: {"kernel": w[f"w_{part}"], "bias": w[f"b_{part}"]} for part in ("query", "key", "value")}
    weights["out"] = {"kernel": w["w_out"], "bias": w["b_out"]}

    def build(rngs):
        return nnx.MultiHeadAttention(
            s.heads, model, model, model, decode=False, attention_fn=_in_float64, rngs=rngs, **WIDE
        )

    return _case("attention", build, weights, drawn.x)


CASES = {
    "linear": _linear,
    "conv1d": _conv("conv1d", 1),
    "conv2d": _conv("conv2d", 2),
    "batch_norm": _norm("batch_norm", nnx.BatchNorm, use_running_average=False),
    "layer_norm": _norm("layer_norm", nnx.LayerNorm, use_fast_variance=False),
    "embedding": _embedding,
    "lstm": _lstm,
    "attention": _attention,
}

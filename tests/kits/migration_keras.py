"""The layers of `migration_layers` in Keras, with TensorFlow."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from migration_layers import EPSILON, cost_weights

from gradcheck_core import GradientCase


def _case(layer, model, weights, x, call=None):
    call = (lambda m, x: m(x)) if call is None else call
    inputs = tf.constant(x)
    call(model, inputs)  # builds it
    own = {variable.path.split("/", 1)[1]: variable for variable in model.trainable_variables}
    assert set(own) == set(weights)
    for name, value in weights.items():
        assert tuple(own[name].shape) == value.shape
        own[name].assign(value)

    def cost(model):
        y = call(model, inputs)
        return tf.reduce_sum(tf.constant(cost_weights(tuple(y.shape))) * y**2)

    return GradientCase(cost, model, name=f"{layer} in keras")


def _linear(drawn):
    weights = {"kernel": drawn.weights["w"], "bias": drawn.weights["b"]}
    return _case("linear", layers.Dense(drawn.sizes.outputs, dtype="float64"), weights, drawn.x)


def _conv1d(drawn):
    s = drawn.sizes
    weights = {"kernel": drawn.weights["w"], "bias": drawn.weights["b"]}
    return _case("conv1d", layers.Conv1D(s.outputs, s.window[0], dtype="float64"), weights, drawn.x)


def _conv2d(drawn):
    s = drawn.sizes
    weights = {"kernel": drawn.weights["w"], "bias": drawn.weights["b"]}
    return _case("conv2d", layers.Conv2D(s.outputs, s.window, dtype="float64"), weights, drawn.x)


def _batch_norm(drawn):
    weights = {"gamma": drawn.weights["gain"], "beta": drawn.weights["shift"]}
    layer = layers.BatchNormalization(epsilon=EPSILON, dtype="float64")
    return _case("batch_norm", layer, weights, drawn.x, lambda m, x: m(x, training=True))


def _layer_norm(drawn):
    weights = {"gamma": drawn.weights["gain"], "beta": drawn.weights["shift"]}
    return _case("layer_norm", layers.LayerNormalization(epsilon=EPSILON, dtype="float64"), weights, drawn.x)


def _embedding(drawn):
    s = drawn.sizes
    layer = layers.Embedding(s.vocabulary, s.inputs, dtype="float64")
    return _case("embedding", layer, {"embeddings": drawn.weights["table"]}, drawn.x)


def _lstm(drawn):
    w = drawn.weights
    weights = {
        "lstm_cell/kernel": np.concatenate([w[f"w_{gate}"] for gate in "ifgo"], axis=1),
        "lstm_cell/recurrent_kernel": np.concatenate([w[f"u_{gate}"] for gate in "ifgo"], axis=1),
        "lstm_cell/bias": np.concatenate([w[f"b_{gate}"] + w[f"c_{gate}"] for gate in "ifgo"]),
    }
    layer = layers.LSTM(drawn.sizes.outputs, return_sequences=True, dtype="float64")
    return _case("lstm", layer, weights, drawn.x)


def _gru(drawn):
    w = drawn.weights
    weights = {
        "gru_cell/kernel": np.concatenate([w[f"w_{gate}"] for gate in "zrn"], axis=1),
        "gru_cell/recurrent_kernel": np.concatenate([w[f"u_{gate}"] for gate in "zrn"], axis=1),
        "gru_cell/bias": np.stack([np.concatenate([w[f"{row}_{gate}"] for gate in "zrn"]) for row in "bc"]),
    }
    layer = layers.GRU(drawn.sizes.outputs, return_sequences=True, reset_after=True, dtype="float64")
    return _case("gru", layer, weights, drawn.x)


def _attention(drawn):
    w, s = drawn.weights, drawn.sizes
    weights = {"attention_output/kernel": w["w_out"], "attention_output/bias": w["b_out"]}
    for part in ("query", "key", "value"):
        weights[f"{part}/kernel"], weights[f"{part}/bias"] = w[f"w_{part}"], w[f"b_{part}"]
    layer = layers.MultiHeadAttention(s.heads, s.width, dtype="float64")
    return _case("attention", layer, weights, drawn.x, lambda m, x: m(x, x))


def _flatten(drawn):
    w, s = drawn.weights, drawn.sizes
    conv = layers.Conv2D(s.outputs, s.window, activation="tanh", dtype="float64", name="conv")
    dense = layers.Dense(2, dtype="float64", name="dense")
    model = keras.Sequential(
        [keras.Input(drawn.x.shape[1:], dtype="float64"), conv, layers.Flatten(dtype="float64"), dense]
    )
    conv.kernel.assign(w["w"])
    conv.bias.assign(w["b"])
    dense.kernel.assign(w["dense"].reshape(-1, 2))
    dense.bias.assign(w["out"])
    inputs = tf.constant(drawn.x)

    def cost(model):
        y = model(inputs)
        return tf.reduce_sum(tf.constant(cost_weights(tuple(y.shape))) * y**2)

    return GradientCase(cost, model, name="flatten in keras")


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

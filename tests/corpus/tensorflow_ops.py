"""The operations of the corpus in TensorFlow."""

import tensorflow as tf
from tensorflow import (
    abs,
    concat,
    cos,
    einsum,
    exp,
    floor,
    maximum,
    minimum,
    pad,
    reshape,
    round,
    sign,
    sin,
    sqrt,
    stack,
    tanh,
    transpose,
    where,
)
from tensorflow.linalg import logdet, solve
from tensorflow.math import expm1, log, log1p
from tensorflow.nn import relu, sigmoid, softplus

CHANNELS_LAST = {1: (0, 2, 1), 2: (0, 2, 3, 1)}
CHANNELS_FIRST = {1: (0, 2, 1), 2: (0, 3, 1, 2)}
KERNEL = {1: (2, 1, 0), 2: (2, 3, 1, 0)}


def compiled(cost):
    return tf.function(
        cost, autograph=False
    )  # to look for branches, of which there are none, takes longer than to trace


def autodiff(cost, params):
    with tf.GradientTape() as tape:
        tape.watch(params)
        value = cost(params)
    found = tape.gradient(value, params, unconnected_gradients="zero")
    return {name: tf.convert_to_tensor(grad).numpy() for name, grad in found.items()}


def matmul(a, b):
    return tf.linalg.matvec(a, b) if len(b.shape) == 1 else tf.matmul(a, b)


def sum(x, axis=None, keepdims=False):
    return tf.reduce_sum(x, axis=axis, keepdims=keepdims)


def mean(x, axis=None, keepdims=False):
    return tf.reduce_mean(x, axis=axis, keepdims=keepdims)


def max(x, axis=None, keepdims=False):
    return tf.reduce_max(x, axis=axis, keepdims=keepdims)


def logsumexp(x, axis, keepdims=False):
    return tf.reduce_logsumexp(x, axis=axis, keepdims=keepdims)


def concatenate(arrays, axis=0):
    return concat(arrays, axis)


def take(x, indices, axis):
    return tf.gather(x, indices, axis=axis)


def flip(x, axis):
    return tf.reverse(x, axis if isinstance(axis, tuple) else (axis,))


def float32(x):
    return tf.cast(tf.cast(x, tf.float32), x.dtype)


def conv(x, kernel, stride=1, padding=0, dilation=1):
    space = len(kernel.shape) - 2
    padded = tf.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * space)
    found = tf.nn.convolution(
        tf.transpose(padded, CHANNELS_LAST[space]),
        tf.transpose(kernel, KERNEL[space]),
        strides=stride,
        padding="VALID",
        dilations=dilation,
    )
    return tf.transpose(found, CHANNELS_FIRST[space])

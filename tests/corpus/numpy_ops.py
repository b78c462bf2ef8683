"""The operations of the corpus in NumPy: the names, and the meaning that the other frameworks have to match."""

import itertools

import numpy as np
from numpy import (
    abs,
    concatenate,
    cos,
    einsum,
    exp,
    expm1,
    flip,
    floor,
    log,
    log1p,
    matmul,
    max,
    maximum,
    mean,
    minimum,
    pad,
    reshape,
    round,
    sign,
    sin,
    sqrt,
    stack,
    sum,
    take,
    tanh,
    transpose,
    where,
)
from numpy.linalg import solve


def compiled(cost):
    def silent(params):
        with np.errstate(all="ignore"):  # a step out of the domain gives NaN without a word, as in the others
            return cost(params)

    return silent


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(x, 0)


def logsumexp(x, axis, keepdims=False):
    largest = np.max(x, axis=axis, keepdims=True)
    found = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return found if keepdims else np.squeeze(found, axis=axis)


def logdet(a):
    return np.linalg.slogdet(a)[1]


def float32(x):
    """Through float32 and back, as a layer that computes in a lower precision."""
    return np.asarray(x).astype(np.float32).astype(np.asarray(x).dtype)


def conv(x, kernel, stride=1, padding=0, dilation=1):
    """Cross-correlation of x (batch, channels, *space) with a kernel (outputs, channels, *space)."""
    x = pad_space(x, padding)
    return np.sum(
        [np.einsum("oc,nc...->no...", kernel[tap], x[seen]) for tap, seen in taps(x, kernel, stride, dilation)], axis=0
    )


def pad_space(x, padding):
    return np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * (x.ndim - 2))


def taps(x, kernel, stride=1, dilation=1):
    """An index into the kernel for each of its taps, with an index into what it is multiplied with of a padded x."""
    space = range(2, x.ndim)
    last = [(x.shape[i] - dilation * (kernel.shape[i] - 1) - 1) // stride * stride for i in space]
    for tap in itertools.product(*(range(kernel.shape[i]) for i in space)):
        window = [slice(dilation * t, dilation * t + end + 1, stride) for t, end in zip(tap, last, strict=True)]
        yield (slice(None), slice(None), *tap), (slice(None), slice(None), *window)

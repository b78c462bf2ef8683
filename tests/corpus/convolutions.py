"""Convolutions with stride, padding and dilation, their transpose, and pooling."""

from functools import partial

import numpy as np

from corpus import mistakes as m
from corpus.builders import random_model
from corpus.numpy_ops import conv, pad_space, taps


def d_kernel(x, kernel, d_out, stride=1, padding=0, dilation=1):
    """Every tap gathers the outputs times what it was multiplied with."""
    x = pad_space(x, padding)
    grad = np.zeros_like(kernel)
    summed = (0, *range(2, x.ndim))
    for tap, seen in taps(x, kernel, stride, dilation):
        grad[tap] = np.tensordot(d_out, x[seen], axes=(summed, summed))
    return grad


def d_input(x, kernel, d_out, stride=1, padding=0, dilation=1):
    """Every output goes back to the inputs that it came from."""
    d_x = np.zeros_like(pad_space(x, padding))
    for tap, seen in taps(d_x, kernel, stride, dilation):
        d_x[seen] += np.einsum("oc,no...->nc...", kernel[tap], d_out)
    return d_x[(..., *(slice(padding, padding + size) for size in x.shape[2:]))]


def one_layer(**how):
    """J = sum(cos(conv(x, kernel) + bias)), each channel with its own bias."""

    def shape_of(bias, ndim):
        return (1, len(bias), *[1] * (ndim - 2))

    def cost(ops, p, d):
        out = ops.conv(d["x"], p["kernel"], **how)
        return ops.sum(ops.cos(out + ops.reshape(p["bias"], (1, -1, *[1] * (len(d["x"].shape) - 2)))))

    def gradient(p, d):
        out = conv(d["x"], p["kernel"], **how) + p["bias"].reshape(shape_of(p["bias"], d["x"].ndim))
        d_out = -np.sin(out)
        space = tuple(range(2, d_out.ndim))
        return {"kernel": d_kernel(d["x"], p["kernel"], d_out, **how), "bias": d_out.sum(axis=(0, *space))}

    return cost, gradient


def two_layers(ops, p, d):
    hidden = ops.tanh(ops.conv(d["x"], p["k1"], padding=1))
    return ops.sum(ops.conv(hidden, p["k2"], stride=2) ** 2) / 2


def two_layers_gradient(p, d):
    hidden = np.tanh(conv(d["x"], p["k1"], padding=1))
    d_out = conv(hidden, p["k2"], stride=2)
    d_hidden = d_input(hidden, p["k2"], d_out, stride=2) * (1 - hidden**2)
    return {
        "k1": d_kernel(d["x"], p["k1"], d_hidden, padding=1),
        "k2": d_kernel(hidden, p["k2"], d_out, stride=2),
    }


def depthwise(ops, p, d):
    """Each channel with a kernel of its own, then a mixing of channels at every place."""
    size = d["x"].shape[2] - p["kernel"].shape[1] + 1
    seen = sum(
        d["x"][:, :, t : t + size] * ops.reshape(p["kernel"][:, t], (1, -1, 1)) for t in range(p["kernel"].shape[1])
    )
    return ops.sum(ops.tanh(ops.einsum("oc,ncs->nos", p["mix"], seen)))


def depthwise_gradient(p, d):
    width = p["kernel"].shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(d["x"], width, axis=2)
    seen = np.einsum("ncst,ct->ncs", windows, p["kernel"])
    d_out = 1 - np.tanh(np.einsum("oc,ncs->nos", p["mix"], seen)) ** 2
    d_seen = np.einsum("oc,nos->ncs", p["mix"], d_out)
    return {"kernel": np.einsum("ncst,ncs->ct", windows, d_seen), "mix": np.einsum("nos,ncs->oc", d_out, seen)}


def transposed(ops, p, d):
    """A convolution's transpose of stride 2: zeros between the inputs, then the flipped kernel over them."""
    n, c, s = d["x"].shape
    spread = ops.reshape(ops.stack([d["x"], 0 * d["x"]], axis=3), (n, c, 2 * s))[:, :, :-1]
    flipped = ops.flip(ops.transpose(p["kernel"], (1, 0, 2)), (2,))
    return ops.sum(ops.sin(ops.conv(spread, flipped, padding=p["kernel"].shape[2] - 1)))


def transposed_gradient(p, d):
    n, _, s = d["x"].shape
    inputs, outputs, width = p["kernel"].shape
    out = np.zeros((n, outputs, 2 * (s - 1) + width))
    for t in range(width):
        out[:, :, t : t + 2 * s - 1 : 2] += np.einsum("co,ncs->nos", p["kernel"][:, :, t], d["x"])
    grad = np.zeros((inputs, outputs, width))
    for t in range(width):
        grad[:, :, t] = np.einsum("nos,ncs->co", np.cos(out)[:, :, t : t + 2 * s - 1 : 2], d["x"])
    return {"kernel": grad}


def pooled(ops, p, d):
    """A convolution, then the mean (or the largest) of blocks of 2 x 2."""
    out = ops.conv(d["x"], p["kernel"])
    n, c, h, w = out.shape
    blocks = ops.reshape(out, (n, c, h // 2, 2, w // 2, 2))
    return ops.sum(ops.tanh(ops.mean(blocks, axis=(3, 5)))) + ops.sum(ops.max(blocks, axis=(3, 5)) * d["y"])


def pooled_gradient(p, d):
    out = conv(d["x"], p["kernel"])
    n, c, h, w = out.shape
    blocks = out.reshape(n, c, h // 2, 2, w // 2, 2)
    d_mean = 1 - np.tanh(blocks.mean(axis=(3, 5), keepdims=True)) ** 2
    d_max = (blocks == blocks.max(axis=(3, 5), keepdims=True)) * d["y"][:, :, :, None, :, None]
    return {"kernel": d_kernel(d["x"], p["kernel"], (d_mean / 4 + d_max).reshape(out.shape))}


def _pooled_without_the_mean(setting):
    p, d = setting.params, setting.data
    wrong = pooled_gradient(p, {**d, "y": 0 * d["y"]})["kernel"]
    return setting.grads["kernel"] + 3 * wrong


def causal_wave(ops, p, d):
    """Two dilated causal layers with a gate, as in WaveNet."""
    x = ops.pad(d["x"], [(0, 0), (0, 0), (2, 0)])
    hidden = ops.tanh(ops.conv(x, p["filter"], dilation=2)) * ops.sigmoid(ops.conv(x, p["gate"], dilation=2))
    return ops.sum((hidden - d["y"]) ** 2)


def causal_wave_gradient(p, d):
    x = np.pad(d["x"], [(0, 0), (0, 0), (2, 0)])
    f, g = np.tanh(conv(x, p["filter"], dilation=2)), 1 / (1 + np.exp(-conv(x, p["gate"], dilation=2)))
    d_hidden = 2 * (f * g - d["y"])
    return {
        "filter": d_kernel(x, p["filter"], d_hidden * g * (1 - f**2), dilation=2),
        "gate": d_kernel(x, p["gate"], d_hidden * f * g * (1 - g), dilation=2),
    }


def _first_sample_of_bias(setting):
    p, d = setting.params, setting.data
    return -np.sin(conv(d["x"], p["kernel"]) + p["bias"][:, None])[0].sum(axis=1)


def _dilation_forgotten(setting):
    p, d = setting.params, setting.data
    d_out = -np.sin(conv(d["x"], p["kernel"], padding=2, dilation=2) + p["bias"][:, None])
    return d_kernel(d["x"], p["kernel"], d_out, padding=1)  # less padding, so that the sizes match


_model = partial(random_model, "convolution", scale=0.5)


MODELS = (
    _model(
        "conv1d",
        *one_layer(),
        {"kernel": (2, 3, 3), "bias": (2,)},
        {"x": (2, 3, 6)},
        m.reversed_axes("kernel", 2),
        m.sign_flipped("kernel bias"),
        m.shifted("kernel", 2),
        m.over_batch("kernel", 2),
        m.by_hand("reduction", "bias", _first_sample_of_bias, "first-sample-only"),
    ),
    _model(
        "conv1d-dilated",
        *one_layer(dilation=2, padding=2),
        {"kernel": (2, 2, 3), "bias": (2,)},
        {"x": (2, 2, 7)},
        m.by_hand("path", "kernel", _dilation_forgotten, "dilation-forgotten"),
        m.transposed("kernel", (1, 0, 2)),
        m.single_entry("kernel", (1, 0, 2), 0.0),
    ),
    _model(
        "conv2d-stride2",
        *one_layer(stride=2),
        {"kernel": (2, 2, 3, 3), "bias": (2,)},
        {"x": (2, 2, 7, 7)},
        m.reversed_axes("kernel", 2, 3),
        m.transposed("kernel", (0, 1, 3, 2)),
        m.by_hand("reduction", "bias", lambda s: s.grads["bias"] / (2 * 3 * 3), "mean-for-sum"),
        m.slightly_scaled("kernel"),
    ),
    _model(
        "conv2d-padded",
        *one_layer(padding=1),
        {"kernel": (3, 2, 3, 3), "bias": (3,)},
        {"x": (1, 2, 4, 4)},
        m.partial("kernel", np.s_[:, :, 0], detail="top-row-without-padding"),
        m.shifted("kernel", 3),
        m.permuted("kernel", 0, (2, 0, 1)),
        m.weight_decay("kernel", 0.1),
        m.slightly_off_entry("kernel"),
    ),
    _model(
        "conv2d-dilated",
        *one_layer(dilation=2, padding=1),
        {"kernel": (2, 1, 2, 2), "bias": (2,)},
        {"x": (2, 1, 5, 5)},
        m.reversed_axes("kernel", 3),
        m.doubled("bias"),
        m.not_finite("kernel", (0, 0, 1, 1)),
    ),
    _model(
        "conv2d-two-layers",
        two_layers,
        two_layers_gradient,
        {"k1": (2, 2, 3, 3), "k2": (2, 2, 3, 3)},
        {"x": (2, 2, 5, 5)},
        m.swapped("k1", "k2"),
        m.reversed_axes("k1", 2, 3),
        m.transposed("k2", (1, 0, 2, 3)),
        m.zero("k1"),
    ),
    _model(
        "depthwise-conv",
        depthwise,
        depthwise_gradient,
        {"kernel": (3, 3), "mix": (2, 3)},
        {"x": (2, 3, 6)},
        m.reversed_axes("kernel", 1),
        m.transposed("kernel"),
        m.averaged("kernel", 0),
        m.misread("mix"),
    ),
    _model(
        "conv-transpose",
        transposed,
        transposed_gradient,
        {"kernel": (2, 2, 3)},
        {"x": (2, 2, 4)},
        m.reversed_axes("kernel", 2),
        m.transposed("kernel", (1, 0, 2)),
        m.partial("kernel", np.s_[:, :, 1], detail="middle-tap"),
    ),
    _model(
        "pooled-conv",
        pooled,
        pooled_gradient,
        {"kernel": (2, 1, 2, 2)},
        {"x": (2, 1, 5, 5), "y": (2, 2, 2, 2)},
        m.by_hand("path", "kernel", _pooled_without_the_mean, "sum-for-mean-in-pool"),
        m.shifted("kernel", 2),
    ),
    _model(
        "gated-causal-conv",
        causal_wave,
        causal_wave_gradient,
        {"filter": (2, 2, 2), "gate": (2, 2, 2)},
        {"x": (2, 2, 6), "y": (2, 2, 6)},
        m.swapped("filter", "gate"),
        m.reversed_axes("filter", 2),
        m.halved("gate"),
    ),
)

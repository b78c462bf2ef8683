"""How other frameworks pad and lay out, in TensorFlow's functions."""

from typing import Any

import numpy as np
import tensorflow as tf

from gradcheck_core.protocol.causes import find_axes, pad_differently, pad_window

from .calls import TensorflowCall

_WINDOWS = ("convolution", "max_pool", "avg_pool")


def pad_alike(call: TensorflowCall) -> Any:
    """A window that SAME pads more at the end, padded alike on both sides; None if that is the same padding."""
    pads = _pads_alike(call)
    if pads is None:
        return None
    unpadded = call.replace(padding="VALID")
    if call.name == "avg_pool":  # SAME leaves the padding out of the average
        data, counted = (unpadded.on(tf.pad(one, pads))() for one in (call.data, tf.ones_like(call.data)))
        return data / counted
    value = call.data.dtype.min if call.name == "max_pool" else 0
    return unpadded.on(tf.pad(call.data, pads, constant_values=tf.cast(value, call.data.dtype)))()


def _pads_alike(call: TensorflowCall) -> list[tuple[int, int]] | None:
    if call.name not in _WINDOWS or call["padding"] != "SAME":
        return None
    if str(call.arguments.get("data_format") or "").startswith("NC"):  # with channels first
        return None
    count = call.data.shape.rank - 2
    window = tuple(call["filters"].shape[:count]) if call.name == "convolution" else _spatial(call["ksize"], count)
    strides = _spatial(call["strides"], count)
    dilations = _spatial(call.arguments.get("dilations"), count)
    axes = list(zip(call.data.shape[1:-1], zip(window, strides, dilations, strict=True), strict=True))
    alike, same = ([pad_window(*axis, at_the_end=at_the_end) for axis in axes] for at_the_end in (False, True))
    return None if alike == same else [(0, 0), *alike, (0, 0)]


def move_pads(at_the_end: bool, call: TensorflowCall) -> Any:
    """A call of `pad` with one less at the beginning, or as much on both sides; None if it is so already."""
    if call.name != "pad":
        return None
    pads = [tuple(map(int, pair)) for pair in np.asarray(call["paddings"])]
    moved = [pad_differently(low, high, at_the_end) for low, high in pads]
    return None if moved == pads else call.replace(paddings=moved)()


def read_in_layout(layout: str, call: TensorflowCall) -> Any:
    """A convolution of an input whose entries are read in another layout, in the shape that it has."""
    if call.name != "convolution":
        return None
    view, axes, shape = find_axes(layout, tuple(call.data.shape), channels=call.data.shape.rank - 1)
    return call.on(tf.reshape(tf.transpose(tf.reshape(call.data, view), axes), shape))()


def _spatial(value: Any, count: int) -> tuple[int, ...]:
    """One number for each axis of a window, from one for all, one each, or one for every axis of the data."""
    each = (value,) * count if isinstance(value, int) else tuple(value or (1,) * count)
    return each[1:-1] if len(each) == count + 2 else each * (count // len(each))

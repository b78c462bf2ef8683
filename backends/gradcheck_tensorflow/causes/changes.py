"""How other frameworks pad and lay out, in TensorFlow's functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradcheck_core.protocol.causes import pad_differently, pad_window

from .calls import TensorflowCall


def pad_alike(call: TensorflowCall) -> Any:
    """A window that SAME pads more at the end, padded alike on both sides; None if that is the same padding."""
    pads = _pads_alike(call)
    if pads is None:
        return None
    unpadded = call.replacing(padding="VALID")
    if call.name == "avg_pool":  # SAME leaves the padding out of the average
        data, counted = (unpadded.on(tf.pad(one, pads))() for one in (call.data, tf.ones_like(call.data)))
        return data / counted
    value = call.data.dtype.min if call.name == "max_pool" else 0
    return unpadded.on(tf.pad(call.data, pads, constant_values=tf.cast(value, call.data.dtype)))()


def _pads_alike(call: TensorflowCall) -> list[tuple[int, int]] | None:
    if not call.has_windows or call["padding"] != "SAME" or not _has_channels_last(call):
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
    return None if moved == pads else call.replacing(paddings=moved)()


def read_in_layout(call: TensorflowCall, layout: str) -> Any:
    """A convolution of an input whose entries are read in another layout, in the shape that it has."""
    return call.on(LAYOUTS[layout](call.data))()


def _reshape_channels_first(data: tf.Tensor) -> tf.Tensor:
    return tf.transpose(
        tf.reshape(data, (data.shape[0], data.shape[-1], *data.shape[1:-1])), (0, *range(2, data.shape.rank), 1)
    )


def _reshape_channels_last(data: tf.Tensor) -> tf.Tensor:
    rank = data.shape.rank
    return tf.reshape(tf.transpose(data, (0, rank - 1, *range(1, rank - 1))), data.shape)


def _swap(data: tf.Tensor) -> tf.Tensor:
    return tf.transpose(data, (0, 2, 1, *range(3, data.shape.rank))) if data.shape.rank > 3 else data


LAYOUTS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "channels first, reshaped": _reshape_channels_first,
    "channels last, reshaped": _reshape_channels_last,
    "height and width swapped": _swap,
}
"""How an input can have come into its shape."""


def _has_channels_last(call: TensorflowCall) -> bool:
    return not str(call.arguments.get("data_format") or "").startswith("NC")


def _spatial(value: Any, count: int) -> tuple[int, ...]:
    """One number for each axis of a window, from one for all, one each, or one for every axis of the data."""
    each = (value,) * count if isinstance(value, int) else tuple(value or (1,) * count)
    return each[1:-1] if len(each) == count + 2 else each * (count // len(each))

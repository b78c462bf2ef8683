"""How other frameworks pad and lay out, in TensorFlow's functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradcheck_core.protocol.conventions import padded_otherwise

from .calls import Call


def padded_alike(call: Call) -> Any:
    """A window that SAME pads more at the end, padded alike on both sides; None where that is no other padding."""
    pads = _pads_alike(call)
    if pads is None:
        return None
    unpadded = call.replacing(padding="VALID")
    if call.name == "avg_pool":  # SAME leaves the padding out of the average
        data, counted = (unpadded.on(tf.pad(one, pads))() for one in (call.data, tf.ones_like(call.data)))
        return data / counted
    value = call.data.dtype.min if call.name == "max_pool" else 0
    return unpadded.on(tf.pad(call.data, pads, constant_values=tf.cast(value, call.data.dtype)))()


def _pads_alike(call: Call) -> list[tuple[int, int]] | None:
    if not call.has_windows or call["padding"] != "SAME" or not _has_channels_last(call):
        return None
    count = call.data.shape.rank - 2
    window = tuple(call["filters"].shape[:count]) if call.name == "convolution" else _spatial(call["ksize"], count)
    strides = _spatial(call["strides"], count)
    dilations = _spatial(call.arguments.get("dilations"), count)
    pads, differs = [(0, 0)], False
    for length, size, step, gap in zip(call.data.shape[1:-1], window, strides, dilations, strict=True):
        reach = gap * (size - 1) + 1
        outputs = -(-length // step)
        total = max((outputs - 1) * step + reach - length, 0)
        larger = -(-total // 2)
        alike = (length + 2 * larger - reach) // step + 1 == outputs
        pads.append((larger if alike else total // 2, larger))
        differs |= alike and total % 2 == 1
    return [*pads, (0, 0)] if differs else None


def pads_moved(call: Call, *, at_the_end: bool) -> Any:
    """Padding of its own with one less at the beginning, or alike on both sides; None where it is so already."""
    if call.name != "pad":
        return None
    pads = [tuple(map(int, pair)) for pair in np.asarray(call["paddings"])]
    moved = [padded_otherwise(low, high, at_the_end) for low, high in pads]
    return None if moved == pads else call.replacing(paddings=moved)()


def relaid(call: Call, layout: str) -> Any:
    """A convolution of an input whose entries are read in another layout, in the shape that it has."""
    return call.on(_LAYOUTS[layout](call.data))()


def _channels_first_reshaped(data: tf.Tensor) -> tf.Tensor:
    return tf.transpose(tf.reshape(data, (data.shape[0], data.shape[-1], *data.shape[1:-1])), _to_the_end(data))


def _channels_last_reshaped(data: tf.Tensor) -> tf.Tensor:
    rank = data.shape.rank
    return tf.reshape(tf.transpose(data, (0, rank - 1, *range(1, rank - 1))), data.shape)


def _swapped(data: tf.Tensor) -> tf.Tensor:
    return tf.transpose(data, (0, 2, 1, *range(3, data.shape.rank))) if data.shape.rank > 3 else data


def _to_the_end(data: tf.Tensor) -> tuple[int, ...]:
    return (0, *range(2, data.shape.rank), 1)


_LAYOUTS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "channels first, reshaped": _channels_first_reshaped,
    "channels last, reshaped": _channels_last_reshaped,
    "height and width swapped": _swapped,
}
LAYOUTS = tuple(_LAYOUTS)
"""How an input can have come into its shape."""


def _has_channels_last(call: Call) -> bool:
    return not str(call.arguments.get("data_format") or "").startswith("NC")


def _spatial(value: Any, count: int) -> tuple[int, ...]:
    """One number for each axis of a window, from one for all, one each, or one for every axis of the data."""
    each = (value,) * count if isinstance(value, int) else tuple(value or (1,) * count)
    return each[1:-1] if len(each) == count + 2 else each * (count // len(each))

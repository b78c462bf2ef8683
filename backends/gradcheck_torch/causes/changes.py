"""How other frameworks pad and lay out, in PyTorch's functions."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from gradcheck_core.protocol.causes import find_axes, pad_differently, pad_window

from .calls import TorchCall


def pad_as_same(call: TorchCall) -> Callable[[], Any] | None:
    """A convolution or a pooling padded as TensorFlow's SAME does, more at the end; None where that is the same."""
    window = "pool" in call.name
    if not (window or call.name.startswith("conv")) or isinstance(call["padding"], str):
        return None
    count = int(call.name[-2])
    kernel = _each(call["kernel_size"], count) if window else tuple(call["weight"].shape[2:])
    stride = _each(call["stride"] if call["stride"] is not None else (kernel if window else 1), count)
    dilation = _each(call["dilation"], count) if "dilation" in call else (1,) * count
    present = [(padding, padding) for padding in _each(call["padding"], count)]
    windows = zip(kernel, stride, dilation, strict=True)
    axes = zip(call["input"].shape[-count:], windows, present, strict=True)
    wanted = [pad_window(length, axis, True, padding) for length, axis, padding in axes]
    if wanted == present:
        return None
    pads = [side for padding in reversed(wanted) for side in padding]  # the last axis comes first
    if call.name.startswith("avg_pool"):
        return partial(_average_without_padding, call, pads)
    value = -math.inf if window else 0.0
    return lambda: call.replace(input=functional.pad(call["input"], pads, value=value), padding=0)()


def move_pads(at_the_end: bool, call: TorchCall) -> TorchCall | None:
    """A call of `pad` with one less at the beginning, or as much on both sides; None where it is so already."""
    if call.name != "pad":
        return None
    pads = list(call["pad"])
    pairs = zip(pads[::2], pads[1::2], strict=True)
    moved = [pad for low, high in pairs for pad in pad_differently(low, high, at_the_end)]
    return None if moved == pads else call.replace(pad=moved)


def count_padding_otherwise(call: TorchCall) -> TorchCall | None:
    """An average over windows that counts the padding if it did not, and does not if it did."""
    if not call.name.startswith("avg_pool"):
        return None
    return call.replace(count_include_pad=not call["count_include_pad"])


def read_in_layout(layout: str, call: TorchCall) -> TorchCall | None:
    """A convolution of an input whose entries are read in another layout, in the shape that it has."""
    if not call.name.startswith("conv") or call["input"].dim() != int(call.name[-2]) + 2:
        return None
    view, axes, shape = find_axes(layout, call["input"].shape, channels=1)
    return call.replace(input=call["input"].reshape(view).permute(axes).reshape(shape))


def _average_without_padding(call: TorchCall, pads: list[int]) -> Any:
    data = call["input"]
    sums, counts = (call.replace(input=functional.pad(one, pads), padding=0)() for one in (data, torch.ones_like(data)))
    return sums / counts


def _each(value: Any, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value) * (count // len(value))

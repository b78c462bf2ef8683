"""How other frameworks pad and lay out, in PyTorch's functions."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from gradcheck_core.protocol.conventions import padded_otherwise

from .calls import Call


def padded_at_the_end(call: Call) -> Callable[[], Any] | None:
    """A convolution or a pooling padded as TensorFlow's SAME does, more at the end; None where that is the same."""
    window = "pool" in call.name
    if not (window or call.name.startswith("conv")) or isinstance(call["padding"], str):
        return None
    count = int(call.name[-2])
    kernel = _each(call["kernel_size"], count) if window else tuple(call["weight"].shape[2:])
    stride = _each(call["stride"] if call["stride"] is not None else (kernel if window else 1), count)
    dilation = _each(call["dilation"], count) if "dilation" in call else (1,) * count
    padding = _each(call["padding"], count)
    lengths = tuple(call["input"].shape[-count:])
    pads: list[int] = []
    for length, size, step, gap, symmetric in zip(lengths, kernel, stride, dilation, padding, strict=True):
        reach = gap * (size - 1) + 1
        outputs = math.ceil(length / step)
        if (length + 2 * symmetric - reach) // step + 1 != outputs:
            return None  # not of the kind that SAME stands for
        total = max((outputs - 1) * step + reach - length, 0)
        pads = [total // 2, total - total // 2, *pads]  # the last axis comes first
    if pads == [one for pad in reversed(padding) for one in (pad, pad)]:
        return None
    if call.name.startswith("avg_pool"):
        return partial(_average_without_padding, call, pads)
    value = -math.inf if window else 0.0
    return lambda: call.replacing(input=functional.pad(call["input"], pads, value=value), padding=0)()


def pads_moved(call: Call, *, at_the_end: bool) -> Call | None:
    """Padding of its own with one less at the beginning, or alike on both sides; None where it is so already."""
    if call.name != "pad":
        return None
    pads = list(call["pad"])
    pairs = zip(pads[::2], pads[1::2], strict=True)
    moved = [pad for low, high in pairs for pad in padded_otherwise(low, high, at_the_end)]
    return None if moved == pads else call.replacing(pad=moved)


def padded_the_other_way(call: Call) -> Call | None:
    """An average over windows with the padding counted where it was not, or not where it was."""
    if not call.name.startswith("avg_pool"):
        return None
    return call.replacing(count_include_pad=not call["count_include_pad"])


def relaid(call: Call, layout: str) -> Call | None:
    """A convolution of an input whose entries are read in another layout, in the shape that it has."""
    if not call.name.startswith("conv"):
        return None
    data = call["input"]
    if data.dim() != int(call.name[-2]) + 2:
        return None
    return call.replacing(input=_LAYOUTS[layout](data))


def _channels_last_reshaped(data: torch.Tensor) -> torch.Tensor:
    return data.reshape(data.shape[0], *data.shape[2:], data.shape[1]).movedim(-1, 1)


def _channels_first_reshaped(data: torch.Tensor) -> torch.Tensor:
    return data.movedim(1, -1).reshape(data.shape)


def _swapped(data: torch.Tensor) -> torch.Tensor:
    return data.transpose(-1, -2) if data.dim() > 3 else data


_LAYOUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "channels last, reshaped": _channels_last_reshaped,
    "channels first, reshaped": _channels_first_reshaped,
    "height and width swapped": _swapped,
}
LAYOUTS = tuple(_LAYOUTS)
"""How an input can have come into its shape."""


def _average_without_padding(call: Call, pads: list[int]) -> Any:
    data = call["input"]
    sums, counts = (
        call.replacing(input=functional.pad(one, pads), padding=0)() for one in (data, torch.ones_like(data))
    )
    return sums / counts


def _each(value: Any, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value) * (count // len(value))

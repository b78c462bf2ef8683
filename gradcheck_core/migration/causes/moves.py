"""Mistakes in carrying weights over that a rearrangement of their entries undoes, in any framework."""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from ..entries import Array

Rearrange = Callable[[Array], Array]
"""The same entries in another order, in the same shape."""

_LAYER = re.compile(r"(_l\d+(_reverse)?)$")
"""How PyTorch marks the layer and the direction in the names of a recurrent module's weights."""

_BLOCKS = {3: "gates of a GRU, or query, key and value", 4: "gates of an LSTM"}
"""Blocks that lie side by side in one tensor."""


@final
@dataclass(frozen=True, slots=True)
class Move:
    """One mistake undone: some parameters of one side with their entries in another order.

    `kind` is that of a `LikelyCause`; `sentence` says the mistake of the side ``{side}`` beside ``{other}``.
    """

    kind: str
    sentence: str
    rearranged: Mapping[str, Rearrange]

    def apply(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The moved parameters' new values; a gradient moves in the same way."""
        return {name: rearrange(values[name]) for name, rearrange in self.rearranged.items()}

    def undo(self, moved: Mapping[str, Array]) -> dict[str, Array]:
        """All of some values, those of the moved parameters back in the order from which `apply` takes them."""
        return {
            name: _undo(self.rearranged[name], array) if name in self.rearranged else array
            for name, array in moved.items()
        }


def list_moves(values: Mapping[str, Array]) -> Iterator[Move]:
    """The rearrangements that are known mistakes, simplest first: of one weight, of all, of gates, of an axis."""
    matrices = [name for name, array in values.items() if array.ndim == 2 and min(array.shape) > 1]
    for name in matrices:
        yield Move("untransposed", f"`{name}` of `{{side}}` is not transposed as in `{{other}}`", {name: _transpose})
    if len(matrices) > 1:
        every = dict.fromkeys(matrices, _transpose)
        yield Move("untransposed", "the matrices of `{side}` are not transposed as in `{other}`", every)
        square = [name for name in matrices if values[name].shape[0] == values[name].shape[1]]
        if 1 < len(square) < len(matrices):
            every = dict.fromkeys(square, _transpose)
            yield Move("untransposed", "the square matrices of `{side}` are not transposed as in `{other}`", every)
    yield from _of_gates(values)
    for name in matrices:
        yield from _of_flattened(name, values[name].shape)
    for name, array in values.items():
        if array.ndim > 2:
            yield from _of_axes(name, array.shape)


def _transpose(array: Array) -> Array:
    """A matrix whose entries were put into its shape without being transposed."""
    return array.reshape(array.shape[::-1]).T


def _of_axes(name: str, shape: tuple[int, ...]) -> Iterator[Move]:
    """The other orders that the axes of a kernel can have come in, put into the shape as they were."""
    for order in itertools.permutations(range(len(shape))):
        if order != tuple(range(len(shape))):
            sentence = (
                f"the axes of `{name}` of `{{side}}` are in another order than in `{{other}}`, which has {list(order)}"
            )
            yield Move("untransposed", sentence, {name: partial(_order_axes, order=order)})


def _order_axes(array: Array, order: tuple[int, ...]) -> Array:
    came_in = [0] * array.ndim
    for axis, place in enumerate(order):
        came_in[place] = array.shape[axis]
    return array.reshape(came_in).transpose(order)


def _of_gates(values: Mapping[str, Array]) -> Iterator[Move]:
    """The gates of each recurrent layer in another order, in all its tensors together."""
    layers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in values:
        parent, _, last = name.rpartition(".")
        found = _LAYER.search(last)
        layers[parent, found[0] if found else ""].append(name)
    for (parent, mark), names in layers.items():
        for gates, model in _BLOCKS.items():
            along = _find_gate_axes({name: values[name].shape for name in names}, gates)
            for order in itertools.permutations(range(gates)) if along else ():
                if order == tuple(range(gates)):
                    continue
                where = f"`{'.'.join(filter(None, (parent, mark))) or names[0]}`"
                sentence = (
                    f"the {gates} blocks ({model}) of {where} of `{{side}}` are in another order "
                    f"than in `{{other}}`, which has {list(order)}"
                )
                yield Move(
                    "gate_order",
                    sentence,
                    {name: partial(_order_blocks, axis=axis, order=order) for name, axis in along.items()},
                )


def _find_gate_axes(shapes: Mapping[str, tuple[int, ...]], gates: int) -> dict[str, int]:
    """The axis along which the gates lie, by tensor of a layer; empty without a recurrent kernel of that many gates."""
    recurrent = [s for s in shapes.values() if len(s) == 2 and max(s) == gates * min(s) and min(s) > 0]
    for shape in recurrent:
        axis = int(shape[1] > shape[0])
        length = shape[axis]
        along = {name: axis if len(s) == 2 and s[axis] == length else len(s) - 1 for name, s in shapes.items() if s}
        found = {name: at for name, at in along.items() if shapes[name][at] == length}
        if len(found) > 1:  # a recurrent layer has a kernel for its input, too
            return found
    return {}


def _order_blocks(array: Array, axis: int, order: tuple[int, ...]) -> Array:
    parts = np.split(array, len(order), axis)
    return np.concatenate([parts[i] for i in order], axis)


def _of_flattened(name: str, shape: tuple[int, ...]) -> Iterator[Move]:
    """Each axis of a matrix read as channels and places, in the other of the two orders."""
    for axis, length in enumerate(shape):
        for channels in range(2, length):
            if length % channels:
                continue
            sentence = (
                f"axis {axis} of `{name}` of `{{side}}` belongs to an input that was flattened in another order: "
                f"its {length} entries are {channels} x {length // channels}, those of `{{other}}` the transposed"
            )
            yield Move("flatten_order", sentence, {name: partial(_reflatten, axis=axis, channels=channels)})


def _reflatten(array: Array, axis: int, channels: int) -> Array:
    moved = np.moveaxis(array, axis, -1)
    split = moved.reshape(*moved.shape[:-1], channels, -1).swapaxes(-1, -2)
    return np.moveaxis(split.reshape(moved.shape), -1, axis)


def _undo(rearrange: Rearrange, moved: Array) -> Array:
    order = rearrange(np.arange(moved.size).reshape(moved.shape))
    original = np.empty(moved.size, moved.dtype)
    original[order.reshape(-1)] = moved.reshape(-1)
    return original.reshape(moved.shape)

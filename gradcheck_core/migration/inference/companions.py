"""Biases whose values do not tell which they are, found through their layer's weight."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from ..entries import Array, MapEntry
from ..tensors import Tensor
from .decompose import decompose
from .ledger import LARGEST_LAYER, Found, Ledger, inside
from .likeness import Likeness, bare, is_recurrent, outputs_first
from .lookup import ValuePool

_Layer = tuple[str, tuple[int, ...]]
_ByLayer = Mapping[_Layer, list[Tensor]]


def find_companions(ledger: Ledger) -> None:
    """Enter biases, and the like, of a weight that is found: their entries go where its outputs go.

    Labels take the weight's place and are carried over by its entry. They say for each output which entry of a bias
    belongs to it. So gates in another order and fused projections are found for biases of equal values too.
    """
    siblings, sources = _group_by_layer(ledger.targets), _group_by_layer(ledger.sources)
    for own in (True, False):  # first the weight that a bias is named after, then another one of the layer
        for name in ledger.open_targets():
            target = ledger.targets[name]
            for weight in siblings[_layer(target)]:
                if weight.name == name or own != (bare(weight.leaf) == bare(target.leaf)):
                    continue
                entry = ledger.entry(weight.name)
                if entry is not None:
                    _claim(ledger, target, weight, entry, sources)


def _layer(tensor: Tensor) -> _Layer:
    """The layer of a parameter; numbers in its own name are a layer's too: weight_hh_l0, W2."""
    return tensor.owner, Likeness.of(tensor.leaf).numbers


def _group_by_layer(tensors: Mapping[str, Tensor]) -> _ByLayer:
    groups: dict[_Layer, list[Tensor]] = defaultdict(list)
    for tensor in tensors.values():
        groups[_layer(tensor)].append(tensor)
    return {layer: members if len(members) <= LARGEST_LAYER else [] for layer, members in groups.items()}


def _claim(ledger: Ledger, target: Tensor, weight: Tensor, entry: MapEntry, by_layer: _ByLayer) -> None:
    place = _place(target, weight)
    if place is None or not ledger.open_boxes(target.name) or any(len(piece.terms) > 1 for piece in entry.pieces):
        return
    companions: dict[str, Array] = {}
    labels: dict[str, Array] = {}
    for source in dict.fromkeys(term.source for term in entry.terms):
        found = ledger.sources[source]
        companion = _find_companion(ledger, found, target, by_layer)
        start = sum(array.size for array in companions.values())
        labels[source] = np.full(found.values.shape, -1)
        if companion is not None and companion.name not in companions:
            labels[source] = _spread(companion, found, start)
            companions[companion.name] = companion.values
    positions = np.full(target.values.shape, -1)
    gathered = _gather(entry.value(labels), positions[place].shape, weight)
    if not companions or gathered is None:
        return
    positions[place] = gathered
    pool = ValuePool(companions, ledger.precision)
    for box in ledger.open_boxes(target.name):
        here = inside(positions, box)
        if (here >= 0).any():
            parts = [
                Found(part.move_into(box).box, () if part.term is None else (part.term,), "structure")
                for part in decompose(here, pool) or ()
            ]
            ledger.claim(target.name, box, parts)


def _find_companion(ledger: Ledger, weight: Tensor, target: Tensor, by_layer: _ByLayer) -> Tensor | None:
    """The source that is to its weight what the target is to its own: of its kind, and not used up."""
    kind = Likeness.of(target.leaf).kind
    found = [
        each
        for each in by_layer[_layer(weight)]
        if each.name != weight.name and Likeness.of(each.leaf).kind == kind and _place(each, weight) is not None
    ]
    named = [each for each in found if bare(each.leaf) == bare(weight.leaf)] or found
    return named[0] if len(named) == 1 and not ledger.is_used_up(named[0].name) else None


def _place(bias: Tensor, weight: Tensor) -> tuple[int | slice, ...] | None:
    """Where a bias has the entries of a weight's outputs; None if it has none.

    Keras' GRU has both of its biases in one: the first row for the input, the second for the state.
    """
    if _leads(bias.values.shape, weight) is not None:
        return (slice(None),) * bias.values.ndim
    if bias.values.ndim == 2 and len(bias.values) == 2 and _leads(bias.values.shape[1:], weight) is not None:
        return (int(is_recurrent(weight.leaf)), slice(None))
    return None


def _spread(bias: Tensor, weight: Tensor, start: int) -> Array:
    """Numbers from `start` on for a bias' entries, where the weight's outputs are."""
    place = _place(bias, weight)
    assert place is not None  # as for every companion
    numbers = (start + np.arange(bias.values.size).reshape(bias.values.shape))[place]
    behind = weight.values.ndim - numbers.ndim
    aligned = numbers.reshape(*numbers.shape, *[1] * behind) if _leads(numbers.shape, weight) else numbers
    return np.broadcast_to(aligned, weight.values.shape)


def _leads(shape: tuple[int, ...], weight: Tensor) -> bool | None:
    """Whether a weight's first axes are a bias' axes, or its last; None if neither or both."""
    of_weight = weight.values.shape
    if len(shape) > len(of_weight) or 1 < len(shape) == len(of_weight):
        return None
    first, last = of_weight[: len(shape)] == shape, of_weight[len(of_weight) - len(shape) :] == shape
    if first and last and len(of_weight) > len(shape):
        return outputs_first(weight.leaf)
    return first if first or last else None


def _gather(labels: Array, shape: tuple[int, ...], weight: Tensor) -> Array | None:
    """The labels of a bias of this shape, from those in its weight's place; None if the weight mixes them."""
    leads = _leads(shape, weight)
    flat = labels.reshape(*shape, -1) if leads else np.moveaxis(labels.reshape(-1, *shape), 0, -1)
    mixed = not (flat == flat[..., :1]).all()
    return None if leads is None or mixed else np.ascontiguousarray(flat[..., 0])

"""Parameters whose values do not tell which they are, found by the layer's weight, which was found by its values."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from .conventions import outputs_first
from .decompose import TooManyPiecesError, decompose
from .entries import Array, MapEntry
from .ledger import Found, Ledger, whole
from .likeness import bare, kind_of
from .lookup import Pool
from .tensors import Tensor


def find_companions(ledger: Ledger) -> None:
    """Enter biases, and the like, of a weight which is found: whatever becomes of its outputs becomes of them.

    In the weight's place labels are carried over that say for each output of which entry of a bias it is. So gates in
    another order and fused projections are found for biases of equal values too.
    """
    siblings = _by_owner(ledger.targets)
    names = _by_owner(ledger.sources)
    for name in ledger.open_targets():
        target = ledger.targets[name]
        if ledger.open_boxes(name) != [whole(target.values.shape)]:
            continue
        weights = [each for each in siblings[target.owner] if each.name != name]
        for weight in sorted(weights, key=lambda each: bare(each.leaf) != bare(target.leaf)):
            entry = ledger.entry(weight.name)
            if entry is not None and _claimed(ledger, target, weight, entry, names):
                break


def _by_owner(tensors: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    groups: dict[str, list[Tensor]] = defaultdict(list)
    for tensor in tensors.values():
        groups[tensor.owner].append(tensor)
    return groups


def _claimed(
    ledger: Ledger, target: Tensor, weight: Tensor, entry: MapEntry, by_owner: Mapping[str, list[Tensor]]
) -> bool:
    if any(len(piece.terms) > 1 or piece.terms[0].gradient_only for piece in entry.pieces):
        return False
    companions: dict[str, Array] = {}
    labels: dict[str, Array] = {}
    count = 0
    for source in dict.fromkeys(term.source for term in entry.terms):
        found = ledger.sources[source]
        labels[source] = np.full(found.values.shape, -1)
        for each in by_owner[found.owner]:
            labelled = _spread(each.values.shape, found, count)
            if _belongs(each, found, target) and ledger.is_unused(each.name) and labelled is not None:
                labels[source] = labelled
                companions[each.name] = each.values
                count += each.values.size
                break
    if not companions:
        return False
    positions = _gathered(entry.value(labels), target.values.shape, weight)
    if positions is None or (positions < 0).any():
        return False
    try:
        parts = decompose(positions, Pool(companions, ledger.precision))
    except TooManyPiecesError:
        return False
    found_parts = [Found(part.box, () if part.term is None else (part.term,), "structure") for part in parts]
    return all(part.terms for part in found_parts) and ledger.claim(
        target.name, whole(target.values.shape), found_parts
    )


def _belongs(companion: Tensor, weight: Tensor, target: Tensor) -> bool:
    """Whether a source is of the target's kind, and the weight's own: bias_ih is weight_ih's and not weight_hh's."""
    if companion.name == weight.name or kind_of(companion.leaf) != kind_of(target.leaf):
        return False
    return bare(companion.leaf) == bare(weight.leaf)


def _spread(shape: tuple[int, ...], weight: Tensor, start: int) -> Array | None:
    """Numbers from `start` on for a bias' entries, where the weight's outputs are; None where that is not clear."""
    numbers = start + np.arange(int(np.prod(shape))).reshape(shape)
    leads = _leads(shape, weight)
    if leads is None:
        return None
    whole_shape = weight.values.shape
    aligned = numbers.reshape(*shape, *[1] * (len(whole_shape) - len(shape))) if leads else numbers
    return np.broadcast_to(aligned, whole_shape)


def _leads(shape: tuple[int, ...], weight: Tensor) -> bool | None:
    """Whether a weight's first axes are a bias' axes, or its last; None where it is neither, or either."""
    of_weight = weight.values.shape
    first, last = of_weight[: len(shape)] == shape, of_weight[len(of_weight) - len(shape) :] == shape
    if len(shape) > len(of_weight) or not (first or last):
        return None
    return outputs_first(weight.leaf) if first and last and len(of_weight) > len(shape) else first


def _gathered(labels: Array, shape: tuple[int, ...], weight: Tensor) -> Array | None:
    """The labels of a bias of this shape, from those in its weight's place; None where the weight mixes them."""
    leads = _leads(shape, weight)
    if leads is None:
        return None
    rest = labels.ndim - len(shape)
    flat = labels.reshape(*shape, -1) if leads else np.moveaxis(labels.reshape(-1, *shape), 0, -1)
    if rest and not (flat == flat[..., :1]).all():
        return None
    return np.ascontiguousarray(flat[..., 0])


def find_zero_partners(ledger: Ledger) -> None:
    """Enter recurrent biases of zeros whose partner has all of the sum: PyTorch keeps two where others keep one."""
    for name in ledger.open_targets():
        partner = _partner(name, ledger.targets)
        if partner is None or ledger.targets[name].values.any():
            continue
        entry = ledger.entry(partner)
        box = whole(ledger.targets[name].values.shape)
        if entry is None or ledger.open_boxes(name) != [box]:
            continue
        ledger.echo(partner, name, "structure")
    for name in ledger.open_sources():
        partner = _partner(name, ledger.sources)
        if partner is not None and ledger.is_unused(name) and not ledger.values[name].any() and ledger.used_by(partner):
            ledger.join(partner, name, "structure")


def _partner(name: str, tensors: Mapping[str, Tensor]) -> str | None:
    """The other of a layer's two biases, by PyTorch's names for them."""
    owner, dot, leaf = name.rpartition(".")
    for one, other in (("bias_ih", "bias_hh"), ("bias_hh", "bias_ih")):
        partner = owner + dot + leaf.replace(one, other)
        if leaf.startswith(one) and partner in tensors and tensors[partner].values.shape == tensors[name].values.shape:
            return partner
    return None

"""The two biases of a recurrent layer where one of them is zero: PyTorch and Keras' GRU keep two, others one."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..entries import Range, Term
from ..tensors import Tensor
from .decompose import Box, count_entries
from .ledger import Found, Ledger, inside

_OTHER: dict[Range, tuple[int, int]] = {(0, 1): (1, 2), (1, 2): (0, 1)}
"""The other one of two rows."""


def find_zero_partners(ledger: Ledger) -> None:
    """Enter biases of zeros as parts of a sum whose other part has all of the value.

    If the target has two biases, both have the gradient of the source's one. If the source has two, the target's one
    is the sum of both. The two biases of a GRU's new state are never added up, and are left alone.
    """
    for name in ledger.open_targets():
        for box in ledger.open_boxes(name):
            _claim_silent(ledger, name, box)
    for source in ledger.sources:
        if _find_partner(source, ledger.sources) is not None:
            ledger.extend(source, lambda term: _find_added(ledger, term))


def _claim_silent(ledger: Ledger, name: str, box: Box) -> None:
    target = ledger.targets[name]
    partner = _find_partner(name, ledger.targets)
    if partner is None or inside(target.values, box).any():
        return
    other_box = _other_row(box) if partner == name else box
    end = _count_added(target, ledger.targets)
    parts = [
        part
        for part in ledger.list_found(partner)
        if other_box is not None and _is_within(part.box, other_box) and part.box[-1][1] <= end
    ]
    silent = [
        Found(
            _other_row(part.box) or part.box if partner == name else part.box,
            tuple(replace(term, gradient_only=True) for term in part.terms),
            "structure",
        )
        for part in parts
        if not any(term.gradient_only for term in part.terms)
    ]
    covered = sum(count_entries(part.box) for part in silent)
    rest = [(*box[:-1], (end, box[-1][1]))] if box[-1][0] < end < box[-1][1] else []
    if silent and covered + sum(map(count_entries, rest)) == count_entries(box):
        ledger.enter(name, box, silent, rest)


def _find_added(ledger: Ledger, term: Term) -> Term | None:
    """The term of the other bias that is to be added to this one's; None if there is none."""
    source = ledger.sources[term.source]
    partner = _find_partner(term.source, ledger.sources)
    if partner is None or term.gradient_only:
        return None
    places = np.broadcast_to(np.arange(source.values.shape[-1]), source.values.shape)
    other = replace(term, source=partner)
    if partner == term.source:
        row = None if term.view is not None or term.ranges is None else term.ranges[0]
        if row not in _OTHER or term.ranges is None:
            return None
        other = replace(term, ranges=(_OTHER[row], *term.ranges[1:]))
    is_summed = bool((term.taken({term.source: places}) < _count_added(source, ledger.sources)).all())
    return other if is_summed and not other.taken(ledger.values).any() else None


def _find_partner(name: str, tensors: Mapping[str, Tensor]) -> str | None:
    """The tensor that has the other of a layer's two biases, which may be this one."""
    tensor = tensors[name]
    shape: tuple[int, ...] = tensor.values.shape
    has_rows = tensor.leaf == "bias" and len(shape) == 2 and shape[0] == 2 and shape[1] % 3 == 0
    if has_rows and f"{tensor.owner}.recurrent_kernel".strip(".") in tensors:
        return name
    owner, dot, leaf = name.rpartition(".")
    for one, other in (("bias_ih", "bias_hh"), ("bias_hh", "bias_ih")):
        partner = owner + dot + leaf.replace(one, other)
        if leaf.startswith(one) and partner in tensors and tensors[partner].values.shape == shape:
            return partner
    return None


def _count_added(bias: Tensor, tensors: Mapping[str, Tensor]) -> int:
    """How many entries of a bias are added to its partner's: all, except those of a GRU's last gate."""
    length = int(bias.values.shape[-1])
    if bias.values.ndim == 2:
        return length * 2 // 3
    owner, dot, leaf = bias.name.rpartition(".")
    weight = tensors.get(owner + dot + leaf.replace("bias_ih", "weight_hh").replace("bias_hh", "weight_hh"))
    is_gru = weight is not None and weight.values.shape[0] == 3 * weight.values.shape[1]
    return length * 2 // 3 if is_gru else length


def _other_row(box: Box) -> Box | None:
    """The same columns of the other of two rows; None for a box that is in both."""
    return (_OTHER[box[0]], *box[1:]) if box[0] in _OTHER else None


def _is_within(box: Box, outer: Box) -> bool:
    return all(low <= start and stop <= high for (start, stop), (low, high) in zip(box, outer, strict=True))

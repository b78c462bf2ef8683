"""Layers that are copies of one another, and are cut in other ways in the other model: told apart by their numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from ..tensors import Tensor
from .by_values import find_parts
from .ledger import Found, Ledger, whole
from .likeness import Likeness
from .lookup import ValuePool
from .whole import group_by_contents


def find_clones(ledger: Ledger, aside: set[str]) -> None:
    """Enter targets of equal values that are pieces of sources of equal values, as many of them, in their order.

    PyTorch makes the layers of an encoder as copies of one, so that every value is in all of them.
    """
    sources = _find_copies(ledger, ledger.sources, ledger.open_sources())
    targets = _find_copies(ledger, ledger.targets, [name for name in ledger.open_targets() if name not in aside])
    pool = ValuePool({first: ledger.values[first] for first in sources}, ledger.precision)
    for first, names in targets.items():
        box = whole(ledger.targets[first].values.shape)
        parts = find_parts(pool, ledger.targets[first].values)
        if parts is None or not ledger.is_untouched(first):
            continue
        terms = [(part.box, part.term) for part in parts if part.term is not None]
        if len(terms) < len(parts) or any(len(sources[term.source]) != len(names) for _, term in terms):
            continue
        for i, name in enumerate(names):
            own = [(place, replace(term, source=sources[term.source][i])) for place, term in terms]
            agree = {Likeness.of(name).numbers} == {Likeness.of(term.source).numbers for _, term in own}
            found_by = "names" if agree else "order"
            ledger.claim(name, box, [Found(place, (term,), found_by) for place, term in own])


def _find_copies(ledger: Ledger, tensors: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, list[str]]:
    """Equal tensors whose names differ in their numbers only, in the order of those, by the name of the first."""
    uneven = (tensors[name] for name in names if tensors[name].is_telling)
    found = {}
    for group in group_by_contents(uneven, ledger.precision).values():
        ordered = sorted(group, key=lambda name: Likeness.of(name).numbers)
        first = tensors[ordered[0]]
        equal = all(np.array_equal(tensors[name].values, first.values) for name in ordered)
        if len(group) > 1 and equal and len({Likeness.of(name).stem for name in ordered}) == 1:
            found[first.name] = ordered
    return found

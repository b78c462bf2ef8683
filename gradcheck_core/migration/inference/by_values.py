"""Targets found by their values: as a whole, in pieces, as sums, and as copies."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ..entries import Array, Term
from ..tensors import Tensor
from .decompose import Box, Part, count_entries, decompose
from .ledger import Found, Ledger, inside, whole
from .likeness import Likeness
from .lookup import ValuePool
from .whole import find_permutations, group_by_contents

_FEW = 40
"""Up to this many sources or targets, any two of a shape may be a sum; of more, only two of one layer."""

_MOST_SUMS = 10_000_000
"""Numbers that are added up to look for sums: biases are few, and nobody adds two large weights."""


def find_whole(ledger: Ledger) -> list[tuple[list[str], list[str]]]:
    """Enter targets that are one source with axes permuted.

    Returns names of sources and of targets that all contain the same values: they belong together, but which to which
    is open; or how, if the values are symmetric.
    """
    sources = group_by_contents((ledger.sources[name] for name in ledger.open_sources()), ledger.precision)
    targets = group_by_contents((ledger.targets[name] for name in ledger.open_targets()), ledger.precision)
    undecided = []
    for contents, names in targets.items():
        candidates = sources.get(contents, [])
        if not candidates or not ledger.targets[names[0]].is_telling:
            continue
        if len(candidates) > 1 or len(names) > 1:
            undecided.append((candidates, names))
            continue
        source, target = ledger.sources[candidates[0]], ledger.targets[names[0]]
        ways = find_permutations(source.values, target.values, ledger.precision)
        if len(ways) > 1:
            undecided.append((candidates, names))
        elif ways:
            box = whole(target.values.shape)
            ledger.claim(target.name, box, [Found(box, (Term(source.name, ways[0]),), "values")])
    return undecided


def find_pieces(ledger: Ledger, aside: set[str]) -> None:
    """Enter targets, or parts of them, that are views, slices and permutations of sources; not those set aside."""
    pool = ValuePool({name: ledger.values[name] for name in _uneven_sources(ledger)}, ledger.precision)
    # the largest first: how a weight's gates are ordered is evidence for its bias
    for target in sorted(_uneven_targets(ledger, aside), key=lambda name: -ledger.targets[name].values.size):
        for box in ledger.open_boxes(target):
            _claim_from(pool, ledger, target, box, "values", lambda term: (term,))


def find_sums(ledger: Ledger, aside: set[str]) -> None:
    """Enter what is the sum of two sources, and two targets whose sum is a source; not targets set aside."""
    sums: dict[str, Array] = {}
    sizes: dict[str, Array] = {}
    expand: dict[str, Callable[[Term], tuple[Term, ...]]] = {}
    budget = _MOST_SUMS
    shapes = {name: ledger.values[name].shape for name in _uneven_sources(ledger)}
    for one, other in _pairs(shapes, {name: ledger.sources[name].owner for name in shapes}):
        budget -= ledger.values[one].size
        if budget < 0:
            break
        name = f"{one} + {other}"
        sums[name] = ledger.values[one] + ledger.values[other]
        sizes[name] = np.abs(ledger.values[one]) + np.abs(ledger.values[other])
        expand[name] = partial(_both, one, other)
    for one, shape in shapes.items():
        if len(shape) > 1 and shape[0] == 2:
            name = f"rows of {one}"
            sums[name], sizes[name] = ledger.values[one].sum(axis=0), np.abs(ledger.values[one]).sum(axis=0)
            expand[name] = partial(_rows, one, shape)
    pool = ValuePool(sums, ledger.precision, sizes)
    for target in _uneven_targets(ledger, aside) if sums else []:
        for box in ledger.open_boxes(target):
            _claim_from(pool, ledger, target, box, "sum of values", lambda term: expand[term.source](term))
    _share(ledger, aside)


def _both(one: str, other: str, term: Term) -> tuple[Term, ...]:
    return replace(term, source=one), replace(term, source=other)


def _rows(source: str, shape: tuple[int, ...], term: Term) -> tuple[Term, ...]:
    """The two terms of a sum over the first axis of a source, which is two entries long."""
    view = shape[1:] if term.view is None else term.view
    ranges = (None,) * len(view) if term.ranges is None else term.ranges
    seen = None if (2, *view) == shape else (2, *view)
    axes = (0, *(axis + 1 for axis in term.axes))
    return tuple(Term(source, axes, seen, ((row, row + 1), *ranges)) for row in range(2))


def _share(ledger: Ledger, aside: set[str]) -> None:
    """Enter two open boxes of one layer whose sum is a source."""
    names = _uneven_sources(ledger)
    pairs = list(_open_pairs(ledger, aside))
    if not names or not pairs:
        return
    largest = max(float(np.abs(ledger.targets[target].values).max()) for pair in pairs for target, _ in pair)
    arrays = {name: ledger.values[name] for name in names}
    # the rounding of a sum is that of what was added, which may be larger than the sum
    pool = ValuePool(arrays, ledger.precision, {name: np.abs(array) + 2 * largest for name, array in arrays.items()})
    for (first, one), (second, other) in pairs:
        if one not in ledger.open_boxes(first) or other not in ledger.open_boxes(second):
            continue
        left = inside(ledger.targets[first].values, one)
        total = left + inside(ledger.targets[second].values, other).reshape(left.shape)
        parts = find_parts(pool, total, _has_blocks(ledger, first))
        if parts is not None and all(part.term for part in parts):
            ledger.share(
                first,
                second,
                (one, other),
                [
                    (part.move_into(one).box, part.move_into(other).box, Found(one, (part.term,), "sum of values"))
                    for part in parts
                    if part.term
                ],
            )


def _open_pairs(ledger: Ledger, aside: set[str]) -> Iterator[tuple[tuple[str, Box], tuple[str, Box]]]:
    boxes = {target: ledger.open_boxes(target) for target in _uneven_targets(ledger, aside)}
    for target in boxes:
        shape = ledger.targets[target].values.shape
        if len(shape) > 1 and shape[0] == 2:
            for one, other in itertools.combinations(boxes[target], 2):
                if one[1:] == other[1:]:
                    yield (target, one), (target, other)
    shapes = {target: ledger.targets[target].values.shape for target in boxes}
    for first, second in _pairs(shapes, {target: ledger.targets[target].owner for target in boxes}):
        for box in boxes[first]:
            if box in boxes[second]:
                yield (first, box), (second, box)


def _uneven_sources(ledger: Ledger) -> list[str]:
    return [name for name in ledger.open_sources() if ledger.sources[name].is_telling]


def _uneven_targets(ledger: Ledger, aside: set[str]) -> list[str]:
    return [name for name in ledger.open_targets() if name not in aside and ledger.targets[name].is_telling]


def _pairs(shapes: Mapping[str, tuple[int, ...]], owners: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Two names of one shape; unless there are few, of one layer and with the same numbers in their names."""
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name, shape in shapes.items():
        numbers = Likeness.of(name).numbers
        groups[shape if len(shapes) <= _FEW else (shape, owners[name], numbers)].append(name)
    for names in (names for names in groups.values() if len(names) <= _FEW):
        yield from sorted(itertools.combinations(names, 2), key=lambda pair: owners[pair[0]] != owners[pair[1]])


def _claim_from(
    pool: ValuePool, ledger: Ledger, target: str, box: Box, found_by: str, expand: Callable[[Term], tuple[Term, ...]]
) -> None:
    parts = find_parts(pool, inside(ledger.targets[target].values, box), _has_blocks(ledger, target))
    if parts is not None:
        found = [
            Found(part.move_into(box).box, () if part.term is None else expand(part.term), found_by) for part in parts
        ]
        ledger.claim(target, box, found)


def find_parts(pool: ValuePool, values: Array, trusted: bool = False) -> list[Part] | None:
    """The parts of some values, if they look like parts of a layer and not like shuffled values.

    `trusted`: a few values in another order are evidence too, because the rest of the layer is in another order.
    """
    positions = pool.find(values)
    if (positions < 0).all():
        return None
    parts = decompose(positions, pool)
    if parts is None:
        return None
    of_source: dict[str, list[tuple[Box, Term]]] = defaultdict(list)
    for part in parts:
        if part.term is not None:
            of_source[part.term.source].append((part.box, part.term))
    is_all_known = all(part.term is not None for part in parts)
    sound = all(
        _are_blocks(pieces)
        and (trusted or not _may_be_shuffled(pool.arrays[source], pieces))
        and (is_all_known or pool.arrays[source].size == 1 or all(count_entries(box) > 1 for box, _ in pieces))
        for source, pieces in of_source.items()
    )
    return parts if sound else None


def _are_blocks(pieces: list[tuple[Box, Term]]) -> bool:
    """Whether pieces of one source can be gates or heads: of equal size, taken alike, and not single entries."""
    if len(pieces) == 1:
        return True
    extents = list(zip(*(box for box, _ in pieces), strict=True))
    lengths = [tuple(stop - start for start, stop in box) for box, _ in pieces]
    taken = [term.ranges or () for _, term in pieces]
    return (
        len(set(lengths)) == 1
        and len({(term.axes, term.view) for _, term in pieces}) == 1
        and all(length > 1 for axis, length in enumerate(lengths[0]) if len(set(extents[axis])) > 1)
        and all(start % (stop - start) == 0 for ranges in taken for start, stop in filter(None, ranges))
    )


FEW_ENTRIES = 8
"""A row of this many entries is evidence for an order of blocks; of fewer, one shuffle in a hundred looks like one."""


def _may_be_shuffled(source: Array, pieces: list[tuple[Box, Term]]) -> bool:
    """Whether a row with few entries is in another order than the source's: any shuffle may look like blocks."""
    is_row = all(sum(stop - start > 1 for start, stop in box) <= 1 for box, _ in pieces)
    if not is_row or sum(count_entries(box) for box, _ in pieces) >= FEW_ENTRIES:
        return False
    numbers = np.arange(source.size).reshape(source.shape)
    in_place = sorted(pieces, key=lambda piece: piece[0])
    order = np.concatenate([term.taken({term.source: numbers}).reshape(-1) for _, term in in_place])
    return bool((np.diff(order) < 0).any())


def _has_blocks(ledger: Ledger, target: str) -> bool:
    """Whether something larger of a target's layer was found to be blocks in another order, as gates are."""
    layer = [name for name in ledger.layer_of(target) if name != target]
    entries = [entry for name in layer if (entry := ledger.entry(name)) is not None]
    return any(len({term.source for term in entry.terms}) < len(entry.pieces) for entry in entries)


def find_clones(ledger: Ledger, aside: set[str]) -> None:
    """Enter targets of equal values that are pieces of sources of equal values, as many of them, in their order.

    PyTorch makes the layers of an encoder as copies of one, so that every value is in all of them. Their numbers tell
    them apart.
    """
    sources = _find_copies(ledger, ledger.sources, _uneven_sources(ledger))
    targets = _find_copies(ledger, ledger.targets, _uneven_targets(ledger, aside))
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
    found = {}
    for group in group_by_contents((tensors[name] for name in names), ledger.precision).values():
        ordered = sorted(group, key=lambda name: Likeness.of(name).numbers)
        first = tensors[ordered[0]]
        equal = all(np.array_equal(tensors[name].values, first.values) for name in ordered)
        if len(group) > 1 and equal and len({Likeness.of(name).stem for name in ordered}) == 1:
            found[first.name] = ordered
    return found

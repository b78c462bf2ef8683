"""What an inference has found so far: what boxes of the targets are made of, and which source values are used."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from ..entries import Array, MapEntry, Piece, Range, Term
from ..tensors import Precision, Tensor
from .decompose import Box

LARGEST_LAYER = 64
"""Parameters that one layer has at most; more that stand together belong to several layers."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """A box of a target and the terms whose sum it is."""

    box: Box
    terms: tuple[Term, ...]
    found_by: str


def whole(shape: tuple[int, ...]) -> Box:
    """The box that is all of a target."""
    return tuple((0, length) for length in shape)


def inside(array: Array, box: Box) -> Array:
    """The part of an array in a box."""
    return array[tuple(slice(*extent) for extent in box)]


@final
class Ledger:
    """What has been found; every claim of a box is checked here against the values."""

    def __init__(self, sources: Mapping[str, Tensor], targets: Mapping[str, Tensor], precision: Precision) -> None:
        self.sources = sources
        self.targets = targets
        self.precision = precision
        self.values = {name: tensor.values for name, tensor in sources.items()}
        self._layers: dict[str, list[str]] = defaultdict(list)
        for name, tensor in targets.items():
            self._layers[tensor.owner].append(name)
        self.reasons: dict[str, str] = {}
        self._open: dict[str, list[Box]] = {name: [whole(each.values.shape)] for name, each in targets.items()}
        self._found: dict[str, list[Found]] = defaultdict(list)
        self._users: dict[str, dict[str, None]] = defaultdict(dict)  # in the order in which they came
        self._used: dict[str, npt.NDArray[np.bool_]] = {}
        self._left = {name: tensor.values.size for name, tensor in sources.items()}

    def layer_of(self, target: str) -> list[str]:
        """The targets of a target's layer; none in a flat structure, whose layers have no names."""
        names = self._layers[self.targets[target].owner]
        return names if len(names) <= LARGEST_LAYER else []

    def open_targets(self) -> list[str]:
        """The targets that are not found yet, or not completely."""
        return [name for name, boxes in self._open.items() if boxes]

    def open_boxes(self, target: str) -> list[Box]:
        """What of a target is not found yet."""
        return list(self._open[target])

    def list_found(self, target: str) -> list[Found]:
        """What of a target is found."""
        return list(self._found[target])

    def open_sources(self) -> list[str]:
        """The sources that are not used up yet."""
        return [name for name, left in self._left.items() if left]

    def is_unused(self, source: str) -> bool:
        """Whether nothing of a source is used yet."""
        return self._left[source] == self.values[source].size

    def is_used_up(self, source: str) -> bool:
        """Whether all of a source is used."""
        return not self._left[source]

    def is_untouched(self, target: str) -> bool:
        """Whether nothing of a target is found yet."""
        return self._open[target] == [whole(self.targets[target].values.shape)]

    def used_by(self, source: str) -> list[str]:
        """The targets that use a source."""
        return list(self._users[source])

    def claim(self, target: str, within: Box, parts: Iterable[Found], *, valued: bool = True) -> bool:
        """Enter the parts of an open box if they fill it, except for parts that stay open.

        A part without terms stays open. Returns whether the parts were entered: they are not if a source's value is
        used already, or if values differ and have to be the target's (`valued`).
        """
        parts = list(parts)
        filled = [part for part in parts if part.terms]
        if not filled or (valued and not all(self._is_right(target, part) for part in filled)):
            return False
        if not self._use([term for part in filled for term in part.terms]):
            return False
        self.enter(target, within, filled, [part.box for part in parts if not part.terms])
        return True

    def share(self, first: str, second: str, boxes: tuple[Box, Box], parts: Iterable[tuple[Box, Box, Found]]) -> bool:
        """Enter that two boxes of targets add up to what the sources have; the first gets its value.

        The two targets may be one. A part is its box in the first, its box in the second, and what it is; `boxes` are
        the open boxes that hold the parts.
        """
        parts = list(parts)
        for one, other, part in parts:
            left, right = inside(self.targets[first].values, one), inside(self.targets[second].values, other)
            total, sizes = left + right.reshape(left.shape), np.abs(left) + np.abs(right.reshape(left.shape))
            carried = self._carry(part.terms, left.shape)
            if carried is None or not self.precision.same(total, carried, 1, sizes):
                return False
        if not parts or not self._use([term for _, _, part in parts for term in part.terms]):
            return False
        self.enter(first, boxes[0], [replace(part, box=one) for one, _, part in parts], [])
        silent = [
            replace(part, box=other, terms=tuple(replace(term, gradient_only=True) for term in part.terms))
            for _, other, part in parts
        ]
        self.enter(second, boxes[1], silent, [])
        return True

    def extend(self, source: str, added: Callable[[Term], Term | None]) -> None:
        """Add to each use of a source another term, of zeros, unless that is used already."""
        for target in self.used_by(source):
            self._found[target] = [self._extend(part, source, added) for part in self._found[target]]

    def _extend(self, part: Found, source: str, added: Callable[[Term], Term | None]) -> Found:
        if len(part.terms) > 1 or part.terms[0].source != source:
            return part
        other = added(part.terms[0])
        if other is None or not self._use([other]):
            return part
        return replace(part, terms=(*part.terms, other), found_by="structure")

    def entry(self, target: str) -> MapEntry | None:
        """How a target is made, once all of it is found."""
        if self._open[target] or not self._found[target]:
            return None
        shape = self.targets[target].values.shape
        parts = self._found[target]
        found_by = max((part.found_by for part in parts), key=_ORDER.index)
        if len(parts) == 1 and parts[0].box == whole(shape):
            taken = parts[0].terms[0].taken(self.values).shape
            return MapEntry((Piece(parts[0].terms),), None if taken == shape else shape, found_by)
        pieces = (Piece(part.terms, _ranges(part.box, shape)) for part in sorted(parts, key=lambda part: part.box))
        return MapEntry(tuple(pieces), shape, found_by)

    def _is_right(self, target: str, part: Found) -> bool:
        wanted = inside(self.targets[target].values, part.box)
        carried = self._carry(part.terms, wanted.shape)
        if carried is None:
            return False
        if len(part.terms) == 1:
            return self.precision.same(carried, wanted)
        sizes = self._carry(part.terms, wanted.shape, absolute=True)
        return self.precision.same(carried, wanted, 1, sizes)

    def _carry(self, terms: tuple[Term, ...], shape: tuple[int, ...], absolute: bool = False) -> Array | None:
        taken = [term.taken(self.values) for term in terms]
        if any(each.size != int(np.prod(shape)) for each in taken):
            return None
        total: Array = np.sum(
            [np.abs(each).reshape(shape) if absolute else each.reshape(shape) for each in taken], axis=0
        )
        return total

    def _use(self, terms: list[Term]) -> bool:
        """Mark what terms take of their sources as used, if none of it is."""
        marked: list[npt.NDArray[np.bool_]] = []
        for term in terms:
            marks = self._marks(term)
            if marks.any():
                for each in marked:
                    each[...] = False
                return False
            marks[...] = True
            marked.append(marks)
        for term, marks in zip(terms, marked, strict=True):
            self._left[term.source] -= marks.size
        return True

    def _marks(self, term: Term) -> npt.NDArray[np.bool_]:
        """The part of the marks that a term takes, a view that can be written to."""
        if term.source not in self._used:
            self._used[term.source] = np.zeros(self.values[term.source].shape, dtype=bool)
        return term.taken(self._used)

    def enter(self, target: str, within: Box, filled: list[Found], remaining: list[Box]) -> None:
        """Enter what fills an open box, except for boxes that remain open; values are not looked at again."""
        self._open[target].remove(within)
        self._open[target].extend(remaining)
        self._found[target].extend(filled)
        for part in filled:
            for term in part.terms:
                self._users[term.source][target] = None


_ORDER = ("values", "sum of values", "structure", "shapes", "names", "order")
"""Ways to find an entry, the surest first; an entry of several parts has that of the least sure part."""


def _ranges(box: Box, shape: tuple[int, ...]) -> tuple[Range, ...]:
    return tuple(None if extent == (0, length) else extent for extent, length in zip(box, shape, strict=True))

"""The reference's values and gradients by the names of another side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from ..entries import Array, Piece
from ..mapping import ParameterMap
from .side import Side


@final
@dataclass(frozen=True, slots=True)
class CarriedSide:
    """The reference's values and gradients by the names of another side, as the mapping carries them.

    `users` has the targets that are made of each source.
    """

    values: Mapping[str, Array]
    gradients: Mapping[str, Array]
    mapping: ParameterMap
    users: Mapping[str, tuple[str, ...]]

    @classmethod
    def over(cls, reference: Side, mapping: ParameterMap) -> "CarriedSide":
        """Carry a reference over; raises MappingError if the mapping asks for what it does not have."""
        users: dict[str, dict[str, None]] = {}
        for name, entry in mapping.entries.items():
            for term in entry.terms:
                users.setdefault(term.source, {})[name] = None
        values, gradients = mapping.apply(reference.values), mapping.apply_gradients(reference.gradients)
        return cls(values, gradients, mapping, {source: tuple(names) for source, names in users.items()})

    def find_used(self, source: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Which entries of a source some target is made of."""
        used = np.zeros(shape, bool)
        for name in self.users.get(source, ()):
            for term in self.mapping.entries[name].terms:
                if term.source == source:
                    term.taken({source: used})[...] = True
        return used

    def list_sharing(self, target: str) -> tuple[str, ...]:
        """A target, and those with which it shares a source."""
        return tuple(dict.fromkeys((target, *(name for one in self.sources(target) for name in self.users[one]))))

    def sources(self, target: str) -> tuple[str, ...]:
        """The reference's names that a target is made of, each once."""
        return tuple(dict.fromkeys(term.source for term in self.mapping.entries[target].terms))


def sum_up(values: Mapping[str, Array], mapping: ParameterMap) -> dict[str, Array]:
    """A target's values; of two targets whose sum is one source, the first has the sum and the other is zero.

    So they can be compared with what the mapping carries over, however the target divides the sum.
    """
    summed = {name: np.array(array) for name, array in values.items()}
    homes = {
        term: (name, piece) for name, entry in mapping.entries.items() for piece in entry.pieces for term in piece.terms
    }
    for name, entry in mapping.entries.items():
        for piece in entry.pieces:
            is_silent = all(term.gradient_only for term in piece.terms)
            home = homes.get(replace(piece.terms[0], gradient_only=False)) if is_silent else None
            if home is None or name not in summed or home[0] not in summed:
                continue
            here, there = _place(summed[name], piece), _place(summed[home[0]], home[1])
            if here.shape == there.shape:
                there += here
                here[...] = 0
    return summed


def _place(array: Array, piece: Piece) -> Array:
    """The part of a target that a piece makes up, a view."""
    if piece.at is None:
        return array
    return array[tuple(slice(None) if extent is None else slice(*extent) for extent in piece.at)]

"""How one parameter is made of another model's: by views, slices, permutations of axes, sums and pieces."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from ..errors import MappingError

Array = npt.NDArray[Any]
"""Any array of numbers."""

Range = tuple[int, int] | None
"""From where up to which entry along one axis; None is the whole axis."""

Ranges = tuple[Range, ...]
"""One range for each axis."""


@final
@dataclass(frozen=True, slots=True)
class Term:
    """What is taken from one source: seen in a shape, then sliced, then its axes permuted.

    Attributes
    ----------
    source : str
        The source's name.
    axes : tuple of int
        The permutation of axes, as `numpy.transpose` takes it.
    view : tuple of int or None
        The shape in which the source is seen first, e.g. ``(heads, size, in)`` of a fused ``(heads * size, in)``; None
        is its own.
    ranges : tuple or None
        What is taken from every axis of the view, before the permutation: ``(start, stop)``, or None for all of it.
        None instead of a tuple takes everything.
    gradient_only : bool
        Whether it brings a gradient but no value. Of two targets whose sum is one source, the first has the source's
        value and the second is zero; both have the source's gradient.
    """

    source: str
    axes: tuple[int, ...]
    view: tuple[int, ...] | None = None
    ranges: Ranges | None = None
    gradient_only: bool = False

    def taken(self, values: Mapping[str, Array]) -> Array:
        """The term's part of its source; a view where NumPy can give one.

        Raises
        ------
        MappingError
            If the source is missing or its shape does not allow what is to be taken.
        """
        if self.source not in values:
            msg = f"there is no source `{self.source}`; pass an array for it, or correct the name in the mapping"
            raise MappingError(msg)
        array = np.asarray(values[self.source])
        view = array.shape if self.view is None else self.view
        if math.prod(view) != array.size:
            msg = f"`{self.source}` has shape {array.shape}, which cannot be seen as {view}; correct `view`"
            raise MappingError(msg)
        if sorted(self.axes) != list(range(len(view))):
            msg = f"`axes` = {list(self.axes)} does not permute the {len(view)} axes of `{self.source}`, {view}"
            raise MappingError(msg)
        seen = array.reshape(view)
        return (seen if self.ranges is None else seen[slices(self.ranges, view, f"`{self.source}`")]).transpose(
            self.axes
        )


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a target: the sum of its terms, put in its place.

    Attributes
    ----------
    terms : tuple of Term
        What is added up; usually one term.
    at : tuple or None
        Where it stands in the target, a range or None for each axis; None for all of the target.
    """

    terms: tuple[Term, ...]
    at: Ranges | None = None


@final
@dataclass(frozen=True, slots=True)
class MapEntry:
    """How one target parameter is made of the sources.

    Attributes
    ----------
    pieces : tuple of Piece
        Together they make up the target.
    shape : tuple of int or None
        The target's shape; may be None where the one piece already has it.
    found_by : str
        How the entry was found: by ``values`` (the source's values, in their order, are the target's), ``sum of
        values``, ``structure`` (values are equal, and its layer's weight tells), ``names``, ``shapes`` or ``order``;
        ``hand`` if a person wrote it.
    """

    pieces: tuple[Piece, ...]
    shape: tuple[int, ...] | None = None
    found_by: str = "hand"

    @classmethod
    def of(
        cls, source: str, axes: tuple[int, ...], shape: tuple[int, ...] | None = None, found_by: str = "hand"
    ) -> Self:
        """The whole of one source with its axes permuted, then brought into a shape if one is given."""
        return cls((Piece((Term(source, axes),)),), shape, found_by)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all pieces."""
        return tuple(term for piece in self.pieces for term in piece.terms)

    @property
    def source(self) -> str | tuple[str, ...]:
        """The name of the source, or the names if there are several."""
        names = tuple(dict.fromkeys(term.source for term in self.terms))
        return names[0] if len(names) == 1 else names

    @property
    def axes(self) -> tuple[int, ...]:
        """The permutation of axes that carries the source onto the target; the first term's if there are several."""
        return self.pieces[0].terms[0].axes

    def value(self, values: Mapping[str, Array]) -> Array:
        """The target's value, a new array.

        Raises
        ------
        MappingError
            If the sources do not fit.
        """
        return self._assemble([_add_terms(piece, values) for piece in self.pieces])

    def gradient(self, gradients: Mapping[str, Array]) -> Array:
        """The gradient by the target, a new array, from those by the sources.

        If a target is a sum of sources, dJ/dT = dJ/dS for each of them; the first is taken.

        Raises
        ------
        MappingError
            If the sources do not fit.
        """
        return self._assemble([piece.terms[0].taken(gradients) for piece in self.pieces])

    def _assemble(self, parts: list[Array]) -> Array:
        if len(parts) == 1 and self.pieces[0].at is None:
            shape = parts[0].shape if self.shape is None else self.shape
            return np.array(_reshape(parts[0], shape), order="C")
        if self.shape is None:
            msg = "its pieces need the `shape` of the whole; add it"
            raise MappingError(msg)
        whole = np.empty(self.shape, np.result_type(*parts))
        times = np.zeros(self.shape, np.uint8)
        for piece, part in zip(self.pieces, parts, strict=True):
            place = ... if piece.at is None else slices(piece.at, self.shape, "`at`")
            whole[place] = _reshape(part, whole[place].shape)
            times[place] += 1
        if not np.all(times == 1):
            where = [int(i) for i in np.argwhere(times != 1)[0]]
            how = "none of its pieces covers" if times[tuple(where)] == 0 else "several of its pieces cover"
            msg = f"{how} the entry {where} of its shape {self.shape}; correct `at`"
            raise MappingError(msg)
        return whole


def slices(ranges: Ranges, shape: tuple[int, ...], what: str) -> tuple[slice, ...]:
    """Ranges as NumPy takes them.

    Raises MappingError if they do not lie within the shape.
    """
    if len(ranges) != len(shape):
        msg = f"{what} has {len(shape)} axes, {shape}, and {len(ranges)} ranges; give one for each (`:` is all of it)"
        raise MappingError(msg)
    for extent, length in zip(ranges, shape, strict=True):
        if extent is not None and not 0 <= extent[0] < extent[1] <= length:
            msg = f"{what} has shape {shape}, and {extent[0]}:{extent[1]} is not within an axis of {length}; correct it"
            raise MappingError(msg)
    return tuple(slice(None) if extent is None else slice(*extent) for extent in ranges)


def _add_terms(piece: Piece, values: Mapping[str, Array]) -> Array:
    taken = [term.taken(values) for term in piece.terms]
    added = [part for term, part in zip(piece.terms, taken, strict=True) if not term.gradient_only]
    if not added:
        return np.zeros_like(taken[0])
    total = added[0]
    for part in added[1:]:
        total = total + _reshape(part, total.shape)
    return total


def _reshape(array: Array, shape: tuple[int, ...]) -> Array:
    if math.prod(shape) != array.size:
        msg = f"what is taken has shape {array.shape}, its place {shape}; correct the slices, the view or the shape"
        raise MappingError(msg)
    return array.reshape(shape)

"""The mapping from the reference to another side: as given, from a file, or inferred."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InvalidInputError, MappingError
from ..entries import Array
from ..inference.infer import Inference, infer_between
from ..mapping import MapEntry, ParameterMap
from ..tensors import read
from .side import Side

Mappings = str | os.PathLike[str] | ParameterMap | Mapping[str, Any]
"""``"auto"``, a mapping, the path of a file with one, or one of these by side."""

_SHOWN = 5
"""Names that an error lists if none is like the wrong one."""


def require_mappings(mapping: object, others: list[str]) -> None:
    """Raise InvalidInputError unless this is a mapping, or one for each of some sides that are compared."""
    given = mapping if isinstance(mapping, Mapping) else dict.fromkeys(others, mapping)
    for name, one in given.items():
        if name not in others:
            msg = f"`mapping[{name!r}]` does not name another side; pass one of {', '.join(others)}"
            raise InvalidInputError(msg)
        if not isinstance(one, str | os.PathLike | ParameterMap):
            msg = (
                f"`mapping` is {type(one).__name__} for `{name}`; pass 'auto', a ParameterMap, "
                "or the path of a TOML file that has one"
            )
            raise InvalidInputError(msg)


def choose_mapping(mapping: Mappings, reference: Side, other: Side) -> ParameterMap:
    """The mapping onto one side: given, read or inferred.

    Raises MappingError if a file has none, or a mapping has an entry for a parameter that the side does not have.
    """
    given = mapping.get(other.name, "auto") if isinstance(mapping, Mapping) else mapping
    if isinstance(given, str) and given == "auto":
        return _infer(_round_to_own(reference), _round_to_own(other))
    # as a path: a string with `=` in it would be taken for TOML
    made = given if isinstance(given, ParameterMap) else ParameterMap.from_toml(Path(given))
    for target in made.entries:
        if target not in other.values and target not in other.carried:
            known = get_close_matches(target, other.values, n=1) or list(other.values)[:_SHOWN]
            listed = ", ".join(f"`{name}`" for name in known)
            msg = (
                f"`mapping` has an entry for `{target}`, which `{other.name}` does not have; take it out, or correct "
                f"the name, e.g. to {listed}"
            )
            raise MappingError(msg)
    return made


def _infer(source: dict[str, Array], target: dict[str, Array]) -> ParameterMap:
    """The mapping by values; for what is then left, whose values were not carried over, by names and shapes."""
    found = _infer_between(source, target).mapping
    used = {term.source for entry in found.entries.values() for term in entry.terms}
    left = {name: array for name, array in source.items() if name not in used}
    open_ones = {name: array for name, array in target.items() if name not in found.entries}
    if not left or not open_ones:
        return found
    more = _infer_between(left, open_ones)
    alike = _pair_alike(more, left, open_ones)
    unresolved = {name: why for name, why in more.mapping.unresolved.items() if name not in alike}
    return ParameterMap({**found.entries, **more.mapping.entries, **alike}, unresolved)


def _infer_between(source: dict[str, Array], target: dict[str, Array]) -> Inference:
    return infer_between(read(source, "the reference's parameters"), read(target, "a side's parameters"))


def _pair_alike(found: Inference, source: dict[str, Array], target: dict[str, Array]) -> dict[str, MapEntry]:
    """Entries for open targets that have the shape of a source, and its name or many of its values."""
    free = set(source) - {term.source for entry in found.mapping.entries.values() for term in entry.terms}
    entries: dict[str, MapEntry] = {}
    for name in found.mapping.unresolved:
        shape = target[name].shape
        partners = [one for one in source if one in free and source[one].shape == shape]
        partner = next((one for one in partners if one in (name, found.nearest.get(name))), None)
        if partner is not None:
            free.remove(partner)
            entries[name] = MapEntry.of(partner, tuple(range(len(shape))), found_by="names")
    return entries


def _round_to_own(side: Side) -> dict[str, Array]:
    """A side's values in the parameters' own dtype, which was carried over, if NumPy has it."""
    own = {name: _OWN.get(side.dtypes[name]) for name in side.values}
    return {name: array if own[name] is None else array.astype(own[name]) for name, array in side.values.items()}


_OWN = {"float32": np.float32, "float16": np.float16, "complex64": np.complex64, "bfloat16": np.float32}
"""bfloat16, which NumPy lacks, is held exactly by float32."""

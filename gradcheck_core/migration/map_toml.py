"""A mapping as TOML that a person can edit: one table for each target, with only what it needs."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Never, final

import tomli_w

from ..errors import MappingError
from .entries import MapEntry, Piece, Range, Ranges, Term

FORMAT = 1
"""Version of the format; grows when older packages can no longer read what is written."""

_HAND = "hand"
_LINES_OF_NUMBERS = re.compile(r"\[\n(?:\s+\d+,\n)+\s*\]")
_NUMBER = re.compile(r"\d+")
_RANGE = re.compile(r"(\d+):(\d+)")
_TERM = {"source", "axes", "view", "slice", "gradient_only"}
_MADE_OF = {*_TERM, "sum"}


def write(entries: Mapping[str, MapEntry], unresolved: Mapping[str, str]) -> str:
    """The text, which `read` reads back exactly."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "entries": {name: _of_entry(entry) for name, entry in entries.items()},
    }
    if unresolved:
        document["unresolved"] = dict(unresolved)
    # The writer gives every number a line of its own; strings have no line breaks in what it writes.
    return _LINES_OF_NUMBERS.sub(lambda lines: f"[{', '.join(_NUMBER.findall(lines[0]))}]", tomli_w.dumps(document))


def _of_entry(entry: MapEntry) -> dict[str, Any]:
    whole = len(entry.pieces) == 1 and entry.pieces[0].at is None
    pieces = [_of_piece(piece) for piece in entry.pieces]
    made = pieces[0] if whole else {"pieces": pieces}
    shape = {} if entry.shape is None else {"shape": list(entry.shape)}
    found = {} if entry.found_by == _HAND else {"found_by": entry.found_by}
    return {**found, **shape, **made}


def _of_piece(piece: Piece) -> dict[str, Any]:
    terms = [_of_term(term) for term in piece.terms]
    place = {} if piece.at is None else {"at": _of_ranges(piece.at)}
    return {**place, **(terms[0] if len(terms) == 1 else {"sum": terms})}


def _of_term(term: Term) -> dict[str, Any]:
    made: dict[str, Any] = {"source": term.source, "axes": list(term.axes)}
    if term.view is not None:
        made["view"] = list(term.view)
    if term.ranges is not None:
        made["slice"] = _of_ranges(term.ranges)
    if term.gradient_only:
        made["gradient_only"] = True
    return made


def _of_ranges(ranges: Ranges) -> str:
    return ", ".join(":" if extent is None else f"{extent[0]}:{extent[1]}" for extent in ranges)


def read(text: str, origin: str) -> tuple[dict[str, MapEntry], dict[str, str]]:
    """The entries and the unresolved targets of a text, which comes from `origin`.

    Raises MappingError if it is not TOML, or not a mapping; naming the line, or the table and key.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"`ParameterMap.from_toml`: {origin} is not TOML: {error}; correct that line"
        raise MappingError(msg) from error
    root = _Table(document, origin, "")
    root.allow("format", "entries", "unresolved")
    found = root.take("format", int, f"the number {FORMAT}")
    if found != FORMAT:
        root.refuse("format", found, f"{FORMAT}; another one is of another version of gradcheck")
    entries = _Table(root.take("entries", dict, "a table with one table for each target"), origin, "entries")
    reasons = _Table(root.take("unresolved", dict, "a table of reasons by target", {}), origin, "unresolved")
    tables = {name: entries.take(name, dict, "a table with `source` and `axes`") for name in entries.values}
    return (
        {name: _entry(_Table(table, origin, f"entries.{name}")) for name, table in tables.items()},
        {name: reasons.take(name, str, "a string, the reason") for name in reasons.values},
    )


@final
@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the document, and where it is."""

    values: Mapping[str, Any]
    origin: str
    path: str

    def take(self, key: str, kind: type | Callable[[Any], bool], wanted: str, default: Any = ...) -> Any:
        """The value under a key, which has to be of this type, or to fit this test."""
        if key not in self.values and default is not ...:
            return default
        if key not in self.values:
            msg = f"`ParameterMap.from_toml`: {self.origin}: {self._place()} lacks `{key}`; add {wanted}"
            raise MappingError(msg)
        value = self.values[key]
        if not (type(value) is kind if isinstance(kind, type) else kind(value)):
            self.refuse(key, value, wanted)
        return value

    def allow(self, *known: str) -> None:
        strange = sorted(set(self.values) - set(known))
        if strange:
            keys = f"the keys here are {', '.join(sorted(known))}"
            msg = (
                f"`ParameterMap.from_toml`: {self.origin}: {self._place()} has `{strange[0]}`, which is unknown; {keys}"
            )
            raise MappingError(msg)

    def refuse(self, key: str, came: Any, wanted: str) -> Never:
        msg = (
            f"`ParameterMap.from_toml`: {self.origin}: {self._place()} has `{key}` = {came!r}; this has to be {wanted}"
        )
        raise MappingError(msg)

    def _place(self) -> str:
        return f"[{self.path}]" if self.path else "the top"


def _entry(table: _Table) -> MapEntry:
    shape = table.take("shape", _are_lengths, "a list of numbers, the target's shape", None)
    found_by = table.take("found_by", str, "a string", _HAND)
    if "pieces" not in table.values:
        table.allow("found_by", "shape", *_MADE_OF)
        pieces: tuple[Piece, ...] = (Piece(_terms(table)),)
    else:
        table.allow("found_by", "shape", "pieces")
        parts = table.take("pieces", _are_tables, "a list of tables, each with `at`, `source` and `axes`")
        pieces = tuple(_piece(_Table(part, table.origin, f"{table.path}.pieces[{i}]")) for i, part in enumerate(parts))
    return MapEntry(pieces, None if shape is None else tuple(shape), found_by)


def _piece(table: _Table) -> Piece:
    table.allow("at", *_MADE_OF)
    return Piece(_terms(table), _ranges(table, "at"))


def _terms(table: _Table) -> tuple[Term, ...]:
    if "sum" not in table.values:
        return (_term(table),)
    both = sorted(set(table.values) & _TERM)
    if both:
        table.refuse(both[0], table.values[both[0]], "inside of `sum`, where that is given")
    parts = table.take("sum", _are_tables, "a list of tables, each with `source` and `axes`")
    inner = [_Table(part, table.origin, f"{table.path}.sum[{i}]") for i, part in enumerate(parts)]
    for part in inner:
        part.allow(*_TERM)
    return tuple(_term(part) for part in inner)


def _term(table: _Table) -> Term:
    view = table.take("view", _are_lengths, "a list of numbers, the shape in which the source is seen", None)
    return Term(
        table.take("source", str, "a string, the source's name"),
        tuple(table.take("axes", _are_lengths, "a list of numbers, the permutation of the source's axes")),
        None if view is None else tuple(view),
        _ranges(table, "slice"),
        table.take("gradient_only", bool, "true or false", False),
    )


def _ranges(table: _Table, key: str) -> Ranges | None:
    wanted = 'a string of ranges such as "0:4, :", one for each axis'
    text = table.take(key, str, wanted, None)
    if text is None:
        return None
    ranges: list[Range] = []
    for part in text.replace(" ", "").split(","):
        bounds = _RANGE.fullmatch(part)
        if bounds is None and part != ":":
            table.refuse(key, text, wanted)
        ranges.append((int(bounds[1]), int(bounds[2])) if bounds else None)
    return tuple(ranges)


def _are_lengths(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(each, dict) for each in value)

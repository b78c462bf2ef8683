"""The header of a safetensors file, held against the file's size before anything is believed."""

import json
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn, final

from ...errors import SnapshotError

MOST_HEADER_BYTES = 32 * 2**20
"""Longest header that is read. A parameter takes about a kilobyte of it, so that this holds some 30,000 of them, and
what Python makes of so much JSON stays below two gigabytes whatever is in it."""

ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2}
"""The dtypes that a snapshot may hold, by the format's names, with their bytes."""

_LENGTH_BYTES = 8


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of the file: the format's name of its dtype, and its shape."""

    dtype: str
    shape: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself: free text by key, and its tensors by name."""

    metadata: Mapping[str, str]
    tensors: Mapping[str, Stored]


def read_header(file: BinaryIO, size: int) -> Header:
    """Read and check the header of a safetensors file of `size` bytes; the numbers behind it are not read.

    Raises
    ------
    SnapshotError
        If the file is empty, cut short, damaged, no safetensors file, or its header is longer than is read.
    """
    if size == 0:
        msg = "the file is empty; record the snapshot again"
        raise SnapshotError(msg)
    start = file.read(_LENGTH_BYTES + 1)
    if len(start) <= _LENGTH_BYTES or start[_LENGTH_BYTES:] != b"{":
        msg = "this is no safetensors file, whose header begins with a brace after eight bytes; pass a snapshot"
        raise SnapshotError(msg)
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if length > MOST_HEADER_BYTES:
        msg = f"the header claims {length:,} bytes, and more than {MOST_HEADER_BYTES:,} are not read: it is oversized"
        raise SnapshotError(msg)
    if length > size - _LENGTH_BYTES:
        msg = f"the file is truncated: its header alone claims {length:,} bytes, and the file has {size:,}"
        raise SnapshotError(msg)
    table = _parsed(start[_LENGTH_BYTES:] + file.read(length - 1))
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        damaged("`__metadata__` is no table of texts")
    spans = {name: _span(name, entry) for name, entry in table.items()}
    _require_contiguous(spans, size - _LENGTH_BYTES - length)
    return Header(metadata, {name: stored for name, (stored, _, _) in spans.items()})


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:  # also text that is no UTF-8, and numbers of absurd length
        damaged(f"the header is no JSON ({type(error).__name__})", error)
    if not isinstance(table, dict):
        damaged("the header is no table")
    return table


def _span(name: str, entry: object) -> tuple[Stored, int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        damaged(f"the tensor {shown(name)} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str):
        damaged(f"the dtype of {shown(name)} is no text")
    if not (_are_counts(shape) and _are_counts(offsets) and len(offsets) == 2 and offsets[0] <= offsets[1]):
        damaged(f"shape or data_offsets of {shown(name)} are no counts")
    item = ITEM_BYTES.get(dtype)
    if item is not None and math.prod(shape) * item != offsets[1] - offsets[0]:
        damaged(
            f"{shown(name)} of shape {tuple(shape)} and dtype {shown(dtype)} does not fit its data_offsets {offsets}"
        )
    return Stored(dtype, tuple(shape)), offsets[0], offsets[1]


def _are_counts(value: object) -> bool:
    # not more dimensions than NumPy has, nor a number beyond any file's size: a product of such would take its time
    return (
        isinstance(value, list)
        and len(value) <= _MOST_DIMENSIONS
        and all(type(count) is int and 0 <= count < _BEYOND_ANY_FILE for count in value)
    )


_MOST_DIMENSIONS = 64
_BEYOND_ANY_FILE = 2**63


def _require_contiguous(spans: Mapping[str, tuple[Stored, int, int]], available: int) -> None:
    """The format's own law: the tensors lie one behind the other and fill the file."""
    reached = 0
    for name, (_, begin, end) in sorted(spans.items(), key=lambda item: item[1][1:]):
        if begin != reached:
            damaged(f"{shown(name)} begins at byte {begin:,} of the numbers, and the tensor before ends at {reached:,}")
        reached = end
    if reached > available:
        msg = f"the file is truncated: its header claims {reached:,} bytes of numbers, and {available:,} are there"
        raise SnapshotError(msg)
    if reached < available:
        damaged(f"{available - reached:,} bytes are behind the numbers that the header claims")


def shown(name: str) -> str:
    """A name from the file as a message can have it: whatever is in it, and however long it is."""
    return reprlib.repr(name) if len(name) > _LONGEST_NAME or not name.isprintable() else f"`{name}`"


_LONGEST_NAME = 80


def damaged(what: str, cause: BaseException | None = None) -> NoReturn:
    """Refuse a file that cannot be what was once written.

    Raises
    ------
    SnapshotError
        Always.
    """
    msg = f"the file is damaged: {what}; record the snapshot again"
    raise SnapshotError(msg) from cause

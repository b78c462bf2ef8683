"""A snapshot as one safetensors file: written whole or not at all, and read only after it was found sound."""

import hashlib
import json
import os
import reprlib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from ...errors import SnapshotError
from ...report.files import write_whole
from ...report.words import safe
from .contents import decode, encode, name_tensors, refuse
from .stored import FORMAT_VERSION, Snapshot

FORMAT = "gradcheck snapshot"

MOST_HEADER_BYTES = 32 * 2**20
"""Longest header that is read. A parameter takes about a kilobyte of it, so this holds some 30,000 parameters, and what
Python makes of so much JSON stays below two gigabytes whatever is in it."""

_LENGTH_BYTES = 8
"""Of the header's length, a little-endian number with which the file begins."""

_KEY = "gradcheck"
"""The one key of the free text: the library writes several in an order that changes from run to run."""

_LONGEST_REASON = 160


def write(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot; a reader at any time finds the previous file or the new one, whole.

    Raises SnapshotError if the file cannot be written there, or the names are too many for a header.
    """
    target = Path(path)
    tensors = name_tensors(snapshot)
    table = {"format": FORMAT, "format_version": FORMAT_VERSION, "contents": _digest(tensors), **encode(snapshot)}
    text = json.dumps(table, allow_nan=False)
    if len(text) > MOST_HEADER_BYTES // 2:  # the rest of the header, and quotes that are escaped, need room too
        msg = f"{target}: the records of {len(snapshot.theta):,} parameters do not fit in a header; snapshot fewer"
        raise SnapshotError(msg)
    try:
        # not the library's `save_file`, which writes a file that only its owner may read
        write_whole(target, save(tensors, metadata={_KEY: text}))
    except OSError as error:
        msg = f"{target}: the snapshot cannot be written: {error.strerror or error}"
        raise SnapshotError(msg) from error


def read(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot. Nothing in the file is executed, and what is allocated is in proportion to the file's size.

    Raises SnapshotError if the file is missing, empty, truncated, damaged, of a newer format, or not a snapshot.
    """
    source = Path(path)
    try:
        return _read(source)
    except SnapshotError as error:
        msg = f"{source}: {error}"
        raise SnapshotError(msg) from error.__cause__
    except OSError as error:
        msg = f"{source}: the snapshot cannot be read: {error.strerror or error}"
        raise SnapshotError(msg) from error


def _read(source: Path) -> Snapshot:
    if not source.exists():
        msg = "there is no such file; record one with record_snapshot or `gradcheck record`"
        raise SnapshotError(msg)
    if not stat.S_ISREG(source.stat().st_mode):  # before it is opened: a pipe would keep the reader waiting
        msg = "this is not a regular file; pass the path of a snapshot"
        raise SnapshotError(msg)
    with source.open("rb") as file:
        length = _read_length(file.read(_LENGTH_BYTES + 1))
        file.seek(0)
        data = file.read()
    try:
        tensors = load(data)
    except Exception as error:  # the library refuses whatever is not whole, each of its versions in its own words
        msg = f"the file is truncated or damaged: {safe(str(error), _LONGEST_REASON)}; record the snapshot again"
        raise SnapshotError(msg) from error
    table = _read_table(json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length]).get("__metadata__") or {})
    return decode(table, tensors, _digest(tensors))


def _read_length(start: bytes) -> int:
    """The header's length, from the first bytes of the file and before any other is read."""
    if not start:
        msg = "the file is empty; record the snapshot again"
        raise SnapshotError(msg)
    if start[_LENGTH_BYTES:] != b"{":
        msg = "this is not a snapshot (a safetensors file); pass one that `gradcheck record` or record_snapshot wrote"
        raise SnapshotError(msg)
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if length > MOST_HEADER_BYTES:
        msg = f"the header claims {length:,} bytes, but at most {MOST_HEADER_BYTES:,} are read: it is oversized"
        raise SnapshotError(msg)
    return length


def _read_table(metadata: Mapping[str, str]) -> dict[str, Any]:
    if _KEY not in metadata:
        msg = "this is a safetensors file, but not a snapshot: it was written by something else; pass a snapshot"
        raise SnapshotError(msg)
    try:
        table = json.loads(metadata[_KEY])
    except (ValueError, RecursionError) as error:
        refuse(f"its record is not JSON ({type(error).__name__})", error)
    if not isinstance(table, dict):
        refuse("its record is not a table")
    if table.get("format") != FORMAT:
        found = reprlib.repr(table.get("format"))
        msg = f"this is a safetensors file, but not a snapshot: its format is {found}; pass a snapshot"
        raise SnapshotError(msg)
    version = table.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        msg = f"the file has format {version}, and this gradcheck reads up to {FORMAT_VERSION}; upgrade gradcheck"
        raise SnapshotError(msg)
    return table


def _digest(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """The SHA-256 digest of all tensors by name; it shows whether a file was edited."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(f"{key}{tensors[key].shape}{tensors[key].dtype.name}".encode())
        digest.update(np.ascontiguousarray(tensors[key]).data)
    return digest.hexdigest()

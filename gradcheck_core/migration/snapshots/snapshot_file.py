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
from .header import MOST_HEADER_BYTES, Header, damaged, read_header, shown
from .record import Described, Record, decoded, encoded
from .stored import FORMAT_VERSION, Snapshot

FORMAT = "gradcheck snapshot"

_KEY = "gradcheck"
"""The one key of the free text: the library writes several in an order that changes from run to run."""

_THETA, _GRADIENT = "theta.", "d_theta."
_THETA_DTYPES = ("F64", "F32", "F16")


def write(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot; a reader at any time finds the file of before or the new one, whole.

    Raises
    ------
    SnapshotError
        If the file cannot be written there, or the names are too many for a header.
    """
    target = Path(path)
    tensors = {
        **{_THETA + name: _stored(values) for name, values in snapshot.theta.items()},
        **{_GRADIENT + name: _stored(values) for name, values in snapshot.d_theta.items()},
    }
    table = {"format": FORMAT, "format_version": FORMAT_VERSION, "contents": _digest(tensors), **encoded(snapshot)}
    text = json.dumps(table, allow_nan=False)
    if len(text) > MOST_HEADER_BYTES // 2:  # the rest of the header, and quotes that are escaped, need room too
        msg = f"{target}: what is known of {len(snapshot.theta):,} parameters does not fit a header; snapshot a part"
        raise SnapshotError(msg)
    try:
        # not the library's `save_file`, which writes a file that only its owner may read
        write_whole(target, save(tensors, metadata={_KEY: text}))
    except OSError as error:
        msg = f"{target}: the snapshot cannot be written: {error.strerror or error}"
        raise SnapshotError(msg) from error


def read(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot. Nothing in the file is executed, and what is allocated is in proportion to the file's size.

    Raises
    ------
    SnapshotError
        If the file is missing, no file, empty, cut short, damaged, of somebody else, or of a newer format.
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
        msg = "this is no regular file; pass the path of a snapshot"
        raise SnapshotError(msg)
    with source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = read_header(file, size)
        record = _record(header)
        file.seek(0)
        data = file.read(size)
    try:
        tensors = load(data)
    except Exception as error:  # the library's own checks, which are stricter here and there
        damaged(f"{error}", error)
    for name in record.parameters:
        if not np.isfinite(tensors[_THETA + name]).all():
            damaged(f"{shown(_THETA + name)} is not finite everywhere, as what was recorded was")
    return Snapshot(
        theta={name: _restored(tensors[_THETA + name], item) for name, item in record.parameters.items()},
        d_theta={name: _restored(tensors[_GRADIENT + name], item) for name, item in record.parameters.items()},
        cost=record.cost,
        dtypes={name: item.dtype for name, item in record.parameters.items()},
        precision=record.precision,
        backend=record.backend,
        name=record.name,
        seed=record.seed,
        inputs=record.inputs,
        versions=record.versions,
        report=record.report,
        roundoff=record.roundoff,
        noise=record.noise,
        gradient_dtypes=record.gradient_dtypes,
        sizes=record.sizes,
        carried=record.carried,
        altered=_digest(tensors) != record.contents,
    )


def _record(header: Header) -> Record:
    text = header.metadata.get(_KEY)
    if text is None:
        msg = "this is a safetensors file, but no snapshot: it was written by something else"
        raise SnapshotError(msg)
    table = _table(text)
    if table.get("format") != FORMAT:
        msg = f"this is a safetensors file, but no snapshot: its format is {reprlib.repr(table.get('format'))}"
        raise SnapshotError(msg)
    version = table.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        msg = f"the file has format {version}, and this gradcheck reads up to {FORMAT_VERSION}; upgrade gradcheck"
        raise SnapshotError(msg)
    record = decoded(table)
    for name, parameter in record.parameters.items():
        _require(header, _THETA + name, parameter, _THETA_DTYPES)
        _require(header, _GRADIENT + name, parameter, ("F64",))
    if len(header.tensors) != 2 * len(record.parameters):
        damaged("it holds tensors that its record does not name")
    return record


def _table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        damaged(f"its record is no JSON ({type(error).__name__})", error)
    if not isinstance(table, dict):
        damaged("its record is no table")
    return table


def _require(header: Header, key: str, parameter: Described, dtypes: tuple[str, ...]) -> None:
    stored = header.tensors.get(key)
    if stored is None:
        damaged(f"the tensor {shown(key)} is missing")
    if stored.dtype not in dtypes or stored.shape != _stored_shape(parameter):
        described = f"its record says {shown(parameter.dtype)} of shape {parameter.shape}"
        damaged(f"{shown(key)} is {shown(stored.dtype)} of shape {stored.shape}, and {described}")


def _stored_shape(parameter: Described) -> tuple[int, ...]:
    return (*parameter.shape, 2) if parameter.dtype.startswith("complex") else parameter.shape


def _stored(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array as the file holds it: little-endian, in C order; complex ones as pairs, which every reader has."""
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag], axis=-1)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(values.shape)


def _restored(array: npt.NDArray[Any], parameter: Described) -> npt.NDArray[Any]:
    if not parameter.dtype.startswith("complex"):
        return array
    pairs = array if array.dtype == np.float64 else array.astype(np.float32)
    return pairs.view(np.complex128 if pairs.dtype == np.float64 else np.complex64).reshape(parameter.shape)


def _digest(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """Of all numbers by name, to be compared with that of a file which may have been edited."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(f"{key}{tensors[key].shape}{tensors[key].dtype.name}".encode())
        digest.update(np.ascontiguousarray(tensors[key]).data)
    return digest.hexdigest()

"""What a snapshot's file says in words: plain values for JSON, and back with every value tested."""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, NoReturn, final, get_args, get_origin

import numpy as np

from ...errors import SnapshotError
from ...report.base import to_plain
from ...report.gradient import GradientReport
from ...report.verdict import Verdict
from ..entries import Array
from .stored import Snapshot

_TERMINAL_COLUMNS = 80
"""A longer name from a file would fill more than a line of a terminal, and is shortened in messages."""


def refuse(what: str, cause: BaseException | None = None) -> NoReturn:
    """Raise SnapshotError for a file that cannot be what was once written."""
    msg = f"the file is damaged: {what}; record the snapshot again"
    raise SnapshotError(msg) from cause


_KEPT = (
    "cost",
    "precision",
    "backend",
    "seed",
    "inputs",
    "versions",
    "roundoff",
    "noise",
    "gradient_dtypes",
    "sizes",
    "carried",
)
"""Fields of a snapshot that the record has under the same names."""


def encode(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot without its arrays, as plain values; nothing in it tells when or where it was made."""
    report = {} if snapshot.report is None else snapshot.report.to_dict()
    return {
        "parameters": [
            {"name": name, "shape": values.shape, "dtype": snapshot.dtypes[name]}
            for name, values in snapshot.theta.items()
        ],
        "case": snapshot.name,
        **{name: to_plain(getattr(snapshot, name)) for name in _KEPT},
        "report": {key: value for key, value in report.items() if key != "seconds"} or None,
    }


def decode(table: dict[str, Any], tensors: Mapping[str, Array], contents: str) -> Snapshot:
    """The snapshot that a record, as `encode` gives it, and the file's tensors make.

    The record also has a digest, which is compared with that of the tensors, `contents`. Raises SnapshotError if
    something is missing or is not what it has to be; naming it.
    """
    try:
        return _decode(table, tensors, contents)
    except KeyError as error:
        refuse(f"its record lacks {reprlib.repr(error.args[0])}", error)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        refuse(f"its record cannot be understood ({error})", error)


def _decode(table: dict[str, Any], tensors: Mapping[str, Array], contents: str) -> Snapshot:
    listed = _build(tuple[_Described, ...], table["parameters"])
    parameters = {item.name: item for item in listed}
    if not parameters or len(parameters) != len(listed):
        msg = "no parameter, or two of one name"
        raise ValueError(msg)
    if not all(item.dtype.startswith(_FLOATING) for item in listed):
        msg = "a parameter without a floating dtype"
        raise ValueError(msg)
    report = None if table["report"] is None else _build_report(table["report"])
    if report is not None and not report.parameters.keys() <= parameters.keys():
        msg = "a report of parameters that are not there"
        raise ValueError(msg)
    kinds = {field.name: field.type for field in fields(Snapshot)}
    snapshot = Snapshot(
        theta={name: _restore(tensors, _THETA + name, item) for name, item in parameters.items()},
        d_theta={name: _restore(tensors, _GRADIENT + name, item) for name, item in parameters.items()},
        dtypes={name: item.dtype for name, item in parameters.items()},
        name=_build(kinds["name"], table["case"]),
        report=report,
        altered=contents != _build(str, table["contents"]),
        **{name: _build(kinds[name], table[name]) for name in _KEPT},
    )
    if not math.isfinite(snapshot.cost) or not all(
        0 <= size < math.inf for size in (snapshot.roundoff, snapshot.noise)
    ):
        msg = "cost, roundoff and noise have to be finite, and the last two not negative"
        raise ValueError(msg)
    if len(tensors) != 2 * len(parameters):
        refuse("it holds tensors that its record does not name")
    return snapshot


@final
@dataclass(frozen=True, slots=True)
class _Described:
    name: str
    shape: tuple[int, ...]
    dtype: str


_FLOATING = ("float", "bfloat", "complex")


def _build_report(table: Any) -> GradientReport:
    # pictures are never recorded, nor seconds, which would be others each time
    report: GradientReport = _build(GradientReport, {**table, "seconds": 0.0, "pictures": {}})
    if not report.parameters or report.first not in ("", *report.parameters):
        msg = "a report without parameters, or without the one to look at first"
        raise ValueError(msg)
    return report


def _build(kind: Any, value: Any) -> Any:
    """A value of this type from what JSON has for it; a field that is missing has its default, if it has one."""
    origin, inner = get_origin(kind), get_args(kind)
    if type(None) in inner:
        return None if value is None else _build(inner[0], value)
    if isinstance(kind, type) and is_dataclass(kind):
        given = _build(dict, value)
        optional = {field.name for field in fields(kind) if field.default is not MISSING}
        wanted = [field for field in fields(kind) if field.name in given or field.name not in optional]
        return kind(**{field.name: _build(field.type, given[field.name]) for field in wanted})
    if origin is Mapping:
        return {key: _build(inner[1], item) for key, item in _build(dict, value).items()}
    if origin is tuple:
        items = _build(list, value)
        kinds = [inner[0]] * len(items) if inner[-1] is ... else inner
        return tuple(_build(one, item) for one, item in zip(kinds, items, strict=True))
    if kind is Verdict:
        return Verdict(value)
    if kind is float and (type(value) is int or value in ("nan", "inf", "-inf")):
        return float(value)
    if type(value) is not kind:
        msg = f"{reprlib.repr(value)} is not of type {kind.__name__}"
        raise TypeError(msg)
    return value


_THETA, _GRADIENT = "theta.", "d_theta."


def name_tensors(snapshot: Snapshot) -> dict[str, Array]:
    """The arrays of a snapshot as the file holds them."""
    both = ((_THETA, snapshot.theta), (_GRADIENT, snapshot.d_theta))
    return {prefix + name: _store(values) for prefix, arrays in both for name, values in arrays.items()}


def _store(values: Array) -> Array:
    """An array as the file holds it: little-endian, in C order; complex ones as pairs, which every reader has."""
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag], axis=-1)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(values.shape)


def _restore(tensors: Mapping[str, Array], key: str, described: _Described) -> Array:
    if key not in tensors:
        refuse(f"the tensor {_quote(key)} is missing")
    array, shape, dtype = tensors[key], described.shape, described.dtype
    is_complex = dtype.startswith("complex")
    kept = ("float64",) if key.startswith(_GRADIENT) else ("float64", "float32", "float16")
    if array.dtype.name not in kept or array.shape != ((*shape, 2) if is_complex else shape):
        said = f"its record says {_quote(dtype)} of shape {shape}"
        refuse(f"{_quote(key)} is {array.dtype.name} of shape {array.shape}, and {said}")
    if key.startswith(_THETA) and not np.isfinite(array).all():
        refuse(f"{_quote(key)} is not finite everywhere, as what was recorded was")
    if not is_complex:
        return array
    pairs = array if array.dtype == np.float64 else array.astype(np.float32)
    return pairs.view(np.complex128 if pairs.dtype == np.float64 else np.complex64).reshape(shape)


def _quote(name: str) -> str:
    """A name from the file as a message can have it, whatever is in it and however long it is."""
    return reprlib.repr(name) if len(name) > _TERMINAL_COLUMNS or not name.isprintable() else f"`{name}`"

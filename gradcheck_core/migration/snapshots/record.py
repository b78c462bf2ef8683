"""What a snapshot's file says in words: plain values for JSON, and back with every value tested."""

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, final

from ...report.gradient import GradientReport
from ...report.records import Certificate, Diagnosis, ParameterReport
from ...report.verdict import Verdict
from .header import damaged
from .inputs import Input
from .stored import Snapshot

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Described:
    """A parameter's shape and its own dtype."""

    shape: tuple[int, ...]
    dtype: str


@final
@dataclass(frozen=True, slots=True)
class Record:
    """A snapshot without its arrays."""

    parameters: Mapping[str, Described]
    contents: str
    cost: float
    precision: str
    backend: str
    name: str | None
    seed: int
    inputs: tuple[Input, ...]
    versions: Mapping[str, str]
    report: GradientReport | None
    roundoff: float
    noise: float
    gradient_dtypes: Mapping[str, str]
    sizes: tuple[int, ...]
    carried: Mapping[str, str]


def encoded(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot's record as plain values; nothing in it tells when or where it was made."""
    return {
        "parameters": [
            {"name": name, "shape": list(values.shape), "dtype": snapshot.dtypes[name]}
            for name, values in snapshot.theta.items()
        ],
        "cost": snapshot.cost,
        "precision": snapshot.precision,
        "backend": snapshot.backend,
        "case": snapshot.name,
        "seed": snapshot.seed,
        "inputs": [
            {
                "name": item.name,
                "shape": None if item.shape is None else list(item.shape),
                "dtype": item.dtype,
                "digest": item.digest,
                "numbers": item.numbers,
            }
            for item in snapshot.inputs
        ],
        "versions": dict(snapshot.versions),
        "roundoff": snapshot.roundoff,
        "noise": snapshot.noise,
        "gradient_dtypes": dict(snapshot.gradient_dtypes),
        "sizes": list(snapshot.sizes),
        "carried": dict(snapshot.carried),
        "report": None if snapshot.report is None else _without_time(snapshot.report),
    }


def _without_time(report: GradientReport) -> dict[str, Any]:
    return {key: value for key, value in report.to_dict().items() if key != "seconds"}


def decoded(table: dict[str, Any]) -> Record:
    """The record of a file.

    Raises
    ------
    SnapshotError
        If something is missing or is not what it has to be; naming it.
    """
    try:
        return _decoded(table)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = (
            f"lacks {reprlib.repr(error.args[0])}" if isinstance(error, KeyError) else f"cannot be understood ({error})"
        )
        damaged(f"its record {what}", error)


def _decoded(table: dict[str, Any]) -> Record:
    parameters = {
        _text(item["name"]): Described(_shape(item["shape"]), _text(item["dtype"]))
        for item in _list(table["parameters"])
    }
    if not parameters or len(parameters) != len(table["parameters"]):
        msg = "no parameter, or two of one name"
        raise ValueError(msg)
    if not all(described.dtype.startswith(_FLOATING) for described in parameters.values()):
        msg = "a parameter of no floating dtype"
        raise ValueError(msg)
    report = _optional(table["report"], _report)
    if report is not None and not set(report.parameters) <= set(parameters):
        msg = "a report of parameters that are not there"
        raise ValueError(msg)
    return Record(
        parameters=parameters,
        contents=_text(table["contents"]),
        cost=_finite(table["cost"]),
        precision=_text(table["precision"]),
        backend=_text(table["backend"]),
        name=_optional(table["case"], _text),
        seed=_count(table["seed"]),
        inputs=tuple(map(_input, _list(table["inputs"]))),
        versions=_texts(table["versions"]),
        report=report,
        roundoff=abs(_finite(table["roundoff"])),
        noise=abs(_finite(table["noise"])),
        gradient_dtypes=_texts(table["gradient_dtypes"]),
        sizes=_shape(table["sizes"]),
        carried=_texts(table["carried"]),
    )


_FLOATING = ("float", "bfloat", "complex")


def _input(item: dict[str, Any]) -> Input:
    shape = _optional(item["shape"], _shape)
    return Input(_text(item["name"]), shape, _text(item["dtype"]), _text(item["digest"]), _text(item["numbers"]))


def _report(table: dict[str, Any]) -> GradientReport:
    parameters = {_text(name): _parameter(item) for name, item in _table(table["parameters"]).items()}
    if not parameters:
        msg = "a report without parameters"
        raise ValueError(msg)
    return GradientReport(
        verdict=Verdict(table["verdict"]),
        difference=_number(table["difference"]),
        resolution=_number(table["resolution"]),
        cost=_number(table["cost"]),
        parameters=parameters,
        method=_text(table["method"]),
        scheme=_text(table["scheme"]),
        precision=_text(table["precision"]),
        backend=_text(table["backend"]),
        evaluations=_count(table["evaluations"]),
        seconds=0.0,  # not recorded: it would be another one each time
        certificate=_optional(table["certificate"], _certificate),
        notes=tuple(map(_text, _list(table["notes"]))),
        order=_count(table["order"]),
        first=_text(table.get("first", "")),  # records made before it was said have none
        stopped=_text(table.get("stopped", "")),  # nor this
    )


def _parameter(item: dict[str, Any]) -> ParameterReport:
    return ParameterReport(
        name=_text(item["name"]),
        shape=_shape(item["shape"]),
        dtype=_text(item["dtype"]),
        verdict=Verdict(item["verdict"]),
        difference=_number(item["difference"]),
        resolution=_number(item["resolution"]),
        worst_index=_shape(item["worst_index"]),
        analytic=_number(item["analytic"]),
        numeric=_number(item["numeric"]),
        error=_number(item["error"]),
        wrong=tuple((_count(first), _count(last)) for first, last in _list(item["wrong"])),
        kinks=_count(item["kinks"]),
        diagnosis=_optional(item["diagnosis"], _diagnosis),
        part=_text(item["part"]),
    )


def _certificate(item: dict[str, Any]) -> Certificate:
    return Certificate(
        bound=_number(item["bound"]),
        confidence=_number(item["confidence"]),
        directions=_count(item["directions"]),
        seed=_count(item["seed"]),
        unseen=tuple(map(_text, _list(item.get("unseen", [])))),  # records made before they were named have none
    )


def _diagnosis(item: dict[str, Any]) -> Diagnosis:
    return Diagnosis(_text(item["kind"]), _text(item["sentence"]), _number(item["fit"]))


def _optional(value: object, convert: Callable[[Any], T]) -> T | None:
    return None if value is None else convert(value)


def _text(value: object) -> str:
    return _of(str, value)


def _list(value: object) -> list[Any]:
    return _of(list, value)


def _table(value: object) -> dict[str, Any]:
    return _of(dict, value)


def _texts(value: object) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in _table(value).items()}


def _count(value: object) -> int:
    if type(value) is not int:
        msg = f"{reprlib.repr(value)} is no count"
        raise TypeError(msg)
    return value


def _shape(value: object) -> tuple[int, ...]:
    return tuple(map(_count, _list(value)))


def _number(value: object) -> float:
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return float(value)
    if type(value) not in (int, float):
        msg = f"{reprlib.repr(value)} is no number"
        raise TypeError(msg)
    return float(value)  # type: ignore[arg-type]


def _finite(value: object) -> float:
    number = _number(value)
    if not math.isfinite(number):
        msg = f"{number} where only a finite number can be"
        raise ValueError(msg)
    return number


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        msg = f"a {kind.__name__} is expected where a {type(value).__name__} is"
        raise TypeError(msg)
    return value

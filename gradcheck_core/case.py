"""The arguments of one check: what is checked, the options, and which parameters are chosen."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from fnmatch import fnmatchcase
from numbers import Integral, Real
from pathlib import Path
from typing import Any, final

from .errors import InvalidInputError
from .protocol.layout import Layout
from .report.verdict import VerdictPolicy

Patterns = str | Sequence[str] | None
"""One name pattern, several, or none; `*` and `?` stand for any characters and any one character."""


def select(layout: Layout, include: Patterns, exclude: Patterns) -> tuple[int, ...]:
    """Positions in the layout of the parameters to check.

    A pattern that matches no parameter is refused, so that a misspelt name never empties a check in silence.
    """
    names = [parameter.name for parameter in layout.parameters]
    included = _match(names, include, "include") if include is not None else set(names)
    excluded = _match(names, exclude, "exclude") if exclude is not None else set()
    chosen = tuple(i for i, name in enumerate(names) if name in included - excluded)
    if not chosen:
        given = [
            f"`{name}={value!r}`" for name, value in (("include", include), ("exclude", exclude)) if value is not None
        ]
        leaves = "leaves" if len(given) == 1 else "leave"
        msg = f"{' and '.join(given)} {leaves} no parameter to check; there are {_list_names(names)}"
        raise InvalidInputError(msg)
    return chosen


def _match(names: list[str], patterns: str | Sequence[str], argument: str) -> set[str]:
    matched: set[str] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            msg = f"`{argument}`: the pattern {pattern!r} matches no parameter; there are {_list_names(names)}"
            raise InvalidInputError(msg)
        matched |= found
    return matched


def _list_names(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


_Clean = Callable[[str, object], object]
"""Takes an option's name and value; returns the value to keep, or raises `InvalidInputError`."""


def _one_of(*possible: object) -> _Clean:
    def clean(name: str, value: object) -> object:
        if any(value is choice or (type(value) is type(choice) and value == choice) for choice in possible):
            return value
        msg = f"`{name}={value!r}`: pass one of {', '.join(map(repr, possible))}"
        raise InvalidInputError(msg)

    return clean


def _number(wanted: str, accepts: Callable[[float], bool]) -> _Clean:
    def clean(name: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, Real) or not accepts(float(value)):
            msg = f"`{name}={value!r}`: pass {wanted}"
            raise InvalidInputError(msg)
        return float(value)

    return clean


def _positive(meaning: str) -> _Clean:
    return _number(f"{meaning}, a positive finite number", lambda number: 0 < number < math.inf)


def _integer(wanted: str, accepts: Callable[[int], bool]) -> _Clean:
    def clean(name: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, Integral) or not accepts(int(value)):
            msg = f"`{name}={value!r}`: pass {wanted}"
            raise InvalidInputError(msg)
        return int(value)

    return clean


def _count(least: int) -> _Clean:
    return _integer(f"an integer of at least {least}", lambda number: number >= least)


_CONFIDENCE = _number("a number between 0 and 1", lambda number: 0 < number < 1)
_PROCESSES = _integer("how many processes, 1 for this one only, or -1 for as many as there are cores", bool)


def _or_none(clean: _Clean) -> _Clean:
    return lambda name, value: None if value is None else clean(name, value)


def _function(name: str, value: object) -> object:
    if not callable(value):
        msg = f"`{name}` is {type(value).__name__}; pass a function {name}(params, direction, *args)"
        raise InvalidInputError(msg)
    return value


def _policy(name: str, value: object) -> VerdictPolicy:
    if value is None:
        return VerdictPolicy()
    if not isinstance(value, VerdictPolicy):
        msg = f"`{name}={value!r}`: pass a VerdictPolicy, e.g. VerdictPolicy.textbook(), or None"
        raise InvalidInputError(msg)
    return value


def _path(name: str, value: object) -> Path:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        msg = f"`{name}={value!r}`: pass a file's name, or None"
        raise InvalidInputError(msg)
    return Path(os.fsdecode(value))


def _patterns(name: str, value: object) -> Patterns:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(pattern, str) for pattern in value):
        return tuple(value)
    msg = f"`{name}={value!r}`: pass a name pattern such as '*.bias', or several in a list"
    raise InvalidInputError(msg)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The options of `check_gradients`, which says what each means.

    Raises
    ------
    InvalidInputError
        If an option cannot be used, or two cannot be used together. The message names the option, what came and what
        is possible.
    """

    method: str = field(default="auto", metadata={"clean": _one_of("auto", "exhaustive", "projected")})
    scheme: str = field(default="auto", metadata={"clean": _one_of("auto", "central", "complex")})
    mode: str = field(default="reverse", metadata={"clean": _one_of("reverse", "forward")})
    epsilon: float | None = field(default=None, metadata={"clean": _or_none(_positive("an absolute step"))})
    order: int = field(default=1, metadata={"clean": _one_of(1, 2)})
    hvp: Callable[..., object] | None = field(default=None, metadata={"clean": _or_none(_function)})
    precision: str = field(default="auto", metadata={"clean": _one_of("auto", "native", "float64")})
    policy: VerdictPolicy = field(default_factory=VerdictPolicy, metadata={"clean": _policy})
    confidence: float = field(default=0.999, metadata={"clean": _CONFIDENCE})
    max_evaluations: int | None = field(default=None, metadata={"clean": _or_none(_count(1))})
    max_seconds: float | None = field(default=None, metadata={"clean": _or_none(_positive("a time"))})
    max_memory: int = field(default=2**30, metadata={"clean": _count(1)})
    n_jobs: int = field(default=1, metadata={"clean": _PROCESSES})
    journal: Path | None = field(default=None, metadata={"clean": _or_none(_path)})
    include: Patterns = field(default=None, metadata={"clean": _or_none(_patterns)})
    exclude: Patterns = field(default=None, metadata={"clean": _or_none(_patterns)})
    seed: int = field(default=0, metadata={"clean": _count(0)})
    progress: bool | None = field(default=None, metadata={"clean": _one_of(None, True, False)})

    def __post_init__(self) -> None:
        kept = {each.name: each.metadata["clean"](each.name, getattr(self, each.name)) for each in fields(self)}
        _require_compatible(self)
        if kept["scheme"] == "complex" or kept["epsilon"] is not None:
            kept["method"] = "exhaustive"
        if kept["scheme"] == "auto":
            kept["scheme"] = "central"
        for name, value in kept.items():
            object.__setattr__(self, name, value)

    def collect_deciding(self) -> dict[str, Any]:
        """The options that decide, together with the case, which thetas a check asks for; as JSON has them."""
        include, exclude = (
            list(given) if isinstance(given, tuple) else given for given in (self.include, self.exclude)
        )
        names = ("scheme", "mode", "epsilon", "order", "method", "precision", "confidence", "max_evaluations", "seed")
        return {name: getattr(self, name) for name in names} | {"include": include, "exclude": exclude}

    def replay(self, backend: str) -> str:
        """The call that repeats the check, with the options that decide how it goes."""
        usual = {**CheckOptions().collect_deciding(), "policy": VerdictPolicy()}
        asked = {**self.collect_deciding(), "backend": backend, "policy": self.policy}
        always = ("method", "precision", "seed", "backend")
        given = "".join(
            f", {name}={value!r}" for name, value in asked.items() if name in always or value != usual[name]
        )
        return f"check_gradients(cost, params, grads, args=args{given})"


def _require_compatible(options: CheckOptions) -> None:
    if options.hvp is not None and options.order == 1:
        msg = "`hvp` is given, and order=1 checks the gradient only; pass order=2 to check Hessian-vector products"
        raise InvalidInputError(msg)
    steps = {"scheme='complex'": options.scheme == "complex", "epsilon": options.epsilon is not None}
    if options.order == 2:
        _require_none_of(
            {**steps, "mode": options.mode == "forward"},
            "`order=2` differences the gradient along directions, with steps of its own; leave `{}` out",
        )
    if options.scheme == "complex" and options.epsilon is not None:
        msg = "`epsilon` is a step of central differences; leave it out with scheme='complex', whose step is exact"
        raise InvalidInputError(msg)
    if options.method == "projected":
        _require_none_of(
            {**steps, "order=2": options.order == 2},
            "`method='projected'` differences the cost along random directions, at steps that it finds; "
            "leave `{}` out, or pass method='exhaustive'",
        )


def _require_none_of(refused: Mapping[str, bool], message: str) -> None:
    for name, given in refused.items():
        if given:
            raise InvalidInputError(message.format(name))


OPTION_NAMES = ("backend", *(each.name for each in fields(CheckOptions)))
"""The arguments of `check_gradients` that may stand in a case's options."""


@final
@dataclass(frozen=True, slots=True)
class GradientCase:
    """The arguments of one check.

    Attributes
    ----------
    cost, params, grads, args
        As for `check_gradients`.
    name : str or None
        The case's name in reports.
    options : mapping
        Further keyword arguments of `check_gradients`, e.g. ``{"include": "*.weight"}``.

    Raises
    ------
    InvalidInputError
        If `check_gradients` does not have one of the options. Their values are looked at when the case is checked.

    Examples
    --------
    >>> import numpy as np
    >>> from gradcheck_core import check_gradients
    >>> case = GradientCase(lambda w: float(w @ w), np.ones(2), grads=np.full(2, 2.0), name="square")
    >>> check_gradients(case.cost, case.params, case.grads, args=case.args, **case.options).verdict
    <Verdict.CORRECT: 'CORRECT'>
    """

    cost: Callable[..., object]
    params: object
    grads: object = None
    args: tuple[object, ...] = ()
    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.options, Mapping):
            msg = (
                f"`GradientCase(options=...)` is {type(self.options).__name__}; pass a dict of option names and values"
            )
            raise InvalidInputError(msg)
        for name in self.options:
            if name not in OPTION_NAMES:
                own = name in {each.name for each in fields(self)}
                nearest = get_close_matches(str(name), OPTION_NAMES, n=1, cutoff=0.0)[0]
                cure = f"pass it as `GradientCase({name}=...)`" if own else f"the nearest is {nearest!r}"
                msg = f"`GradientCase(options={{{name!r}: ...}})`: {name!r} is not an option; {cure}"
                raise InvalidInputError(msg)

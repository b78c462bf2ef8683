"""The arguments of one check: what is checked, the options, and which parameters are chosen."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self, final

from .errors import InvalidInputError
from .protocol.layout import Layout
from .report.verdict import VerdictPolicy

Patterns = str | Sequence[str] | None
"""One name pattern, several, or none; `*` and `?` stand for any characters and any one character."""


def select(layout: Layout, include: Patterns, exclude: Patterns) -> tuple[int, ...]:
    """Positions in the layout of the parameters to check.

    Raises
    ------
    InvalidInputError
        If a pattern matches no parameter, so that a misspelt name never empties a check in silence, or if nothing
        is left to check.
    """
    names = [parameter.name for parameter in layout.parameters]
    included = _matching(names, include, "include") if include is not None else set(names)
    excluded = _matching(names, exclude, "exclude") if exclude is not None else set()
    chosen = tuple(i for i, name in enumerate(names) if name in included - excluded)
    if not chosen:
        msg = f"`include={include!r}, exclude={exclude!r}` leave no parameter to check; there are {_listed(names)}"
        raise InvalidInputError(msg)
    return chosen


def _matching(names: list[str], patterns: str | Sequence[str], argument: str) -> set[str]:
    matched: set[str] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            msg = f"`{argument}`: the pattern {pattern!r} matches no parameter; there are {_listed(names)}"
            raise InvalidInputError(msg)
        matched |= found
    return matched


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


@final
@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What `check_gradients` was asked for, each value known to be usable."""

    method: str
    scheme: str
    mode: str
    epsilon: float | None
    order: int
    hvp: Callable[..., object] | None
    precision: str
    policy: VerdictPolicy
    confidence: float
    max_evaluations: int | None
    max_seconds: float | None
    max_memory: int
    n_jobs: int
    journal: Path | None
    include: Patterns
    exclude: Patterns
    seed: int
    progress: bool | None

    @classmethod
    def validated(
        cls,
        *,
        method: object,
        scheme: object,
        mode: object,
        epsilon: object,
        order: object,
        hvp: object,
        precision: object,
        policy: object,
        confidence: object,
        max_evaluations: object,
        max_seconds: object,
        max_memory: object,
        n_jobs: object,
        journal: object,
        include: object,
        exclude: object,
        seed: object,
        progress: object,
    ) -> Self:
        """Check every option of `check_gradients`.

        Raises
        ------
        InvalidInputError
            Naming the option, what came and what is possible.
        """
        _one_of("method", method, ("auto", "exhaustive", "projected"))
        _one_of("scheme", scheme, ("auto", "central", "complex"))
        _one_of("mode", mode, ("reverse", "forward"))
        _one_of("order", order, (1, 2))
        _require_compatible(scheme, epsilon, order, hvp, mode)
        _require_able_to_project(method, scheme, epsilon, order)
        _one_of("precision", precision, ("auto", "native", "float64"))
        _one_of("progress", progress, (None, True, False))
        if policy is not None and not isinstance(policy, VerdictPolicy):
            msg = f"`policy={policy!r}`: pass a VerdictPolicy, e.g. VerdictPolicy.textbook(), or None"
            raise InvalidInputError(msg)
        return cls(
            method=_method(method, scheme, epsilon, order),
            confidence=_number("confidence", confidence, "a number between 0 and 1", lambda value: 0 < value < 1),
            scheme="complex" if scheme == "complex" else "central",
            mode=str(mode),
            epsilon=None if epsilon is None else _positive("epsilon", epsilon, "an absolute step"),
            order=2 if order == 2 else 1,
            hvp=hvp if callable(hvp) else None,
            precision=str(precision),
            policy=policy or VerdictPolicy(),
            max_evaluations=None if max_evaluations is None else _count("max_evaluations", max_evaluations, 1),
            max_seconds=None if max_seconds is None else _positive("max_seconds", max_seconds, "a time"),
            max_memory=_count("max_memory", max_memory, 1),
            n_jobs=_jobs(n_jobs),
            journal=_path("journal", journal),
            include=_patterns("include", include),
            exclude=_patterns("exclude", exclude),
            seed=_count("seed", seed, 0),
            progress=progress if isinstance(progress, bool) else None,
        )

    def deciding(self) -> dict[str, Any]:
        """Those that say, together with the case, which thetas a check asks for; as JSON has them."""
        include, exclude = (
            list(given) if isinstance(given, tuple) else given for given in (self.include, self.exclude)
        )
        names = ("scheme", "mode", "epsilon", "order", "method", "precision", "confidence", "max_evaluations", "seed")
        return {name: getattr(self, name) for name in names} | {"include": include, "exclude": exclude}

    def replay(self, backend: str) -> str:
        """The call that repeats the check, with the options that say how it goes."""
        asked = {**self.deciding(), "backend": backend, "policy": self.policy}
        left_out: dict[str, Any] = {
            "mode": "reverse",
            "epsilon": None,
            "order": 1,
            "max_evaluations": None,
            "policy": VerdictPolicy(),
        }
        left_out |= {"include": None, "exclude": None, "confidence": 0.999, "scheme": "central"}
        given = "".join(
            f", {name}={value!r}" for name, value in asked.items() if name not in left_out or left_out[name] != value
        )
        return f"check_gradients(cost, params, grads, args=args{given})"


def _require_compatible(scheme: object, epsilon: object, order: object, hvp: object, mode: object) -> None:
    if hvp is not None and not callable(hvp):
        msg = f"`hvp` is {type(hvp).__name__}; pass a function hvp(params, direction, *args)"
        raise InvalidInputError(msg)
    if hvp is not None and order == 1:
        msg = "`hvp` is given, and order=1 checks the gradient only; pass order=2 to check Hessian-vector products"
        raise InvalidInputError(msg)
    refused = {"scheme='complex'": scheme == "complex", "epsilon": epsilon is not None, "mode": mode == "forward"}
    if order == 2 and any(refused.values()):
        named = next(name for name, given in refused.items() if given)
        msg = f"`order=2` differences the gradient along directions, with steps of its own; leave `{named}` out"
        raise InvalidInputError(msg)
    if scheme == "complex" and epsilon is not None:
        msg = "`epsilon` is a step of central differences; leave it out with scheme='complex', whose step is exact"
        raise InvalidInputError(msg)


def _require_able_to_project(method: object, scheme: object, epsilon: object, order: object) -> None:
    refused = {"scheme='complex'": scheme == "complex", "epsilon": epsilon is not None, "order=2": order == 2}
    if method == "projected" and any(refused.values()):
        named = next(name for name, given in refused.items() if given)
        msg = (
            f"`method='projected'` differences the cost along random directions, at steps that it finds; "
            f"leave `{named}` out, or pass method='exhaustive'"
        )
        raise InvalidInputError(msg)


def _method(method: object, scheme: object, epsilon: object, order: object) -> str:
    """The method where it is known before the parameters are; else ``auto``."""
    if order == 2:
        return "directions"
    return "exhaustive" if scheme == "complex" or epsilon is not None else str(method)


def _one_of(name: str, value: object, possible: tuple[object, ...]) -> None:
    if any(value is choice or (type(value) is type(choice) and value == choice) for choice in possible):
        return
    msg = f"`{name}={value!r}`: pass one of {', '.join(map(repr, possible))}"
    raise InvalidInputError(msg)


def _positive(name: str, value: object, meaning: str) -> float:
    return _number(name, value, f"{meaning}, a positive finite number", lambda number: 0 < number < math.inf)


def _number(name: str, value: object, wanted: str, accepts: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not accepts(float(value)):
        msg = f"`{name}={value!r}`: pass {wanted}"
        raise InvalidInputError(msg)
    return float(value)


def _count(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        msg = f"`{name}={value!r}`: pass an integer of at least {least}"
        raise InvalidInputError(msg)
    return int(value)


def _jobs(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) == 0:
        msg = f"`n_jobs={value!r}`: pass how many processes, 1 for this one only, or -1 for as many as there are cores"
        raise InvalidInputError(msg)
    return int(value)


def _path(name: str, value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        msg = f"`{name}={value!r}`: pass a file's name, or None"
        raise InvalidInputError(msg)
    return Path(os.fsdecode(value))


def _patterns(name: str, value: object) -> Patterns:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(pattern, str) for pattern in value):
        return tuple(value)
    msg = f"`{name}={value!r}`: pass a name pattern such as '*.bias', or several in a list"
    raise InvalidInputError(msg)


@final
@dataclass(frozen=True, slots=True)
class GradientCase:
    """One check's arguments.

    Attributes
    ----------
    cost, params, grads, args
        As for `check_gradients`.
    name : str or None
        How reports call the case.
    options : mapping
        Further keyword arguments of `check_gradients`, e.g. ``{"include": "*.weight"}``.

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

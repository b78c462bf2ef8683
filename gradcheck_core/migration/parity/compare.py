"""Several implementations of one model held against one of them."""

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...case import GradientCase
from ...errors import InvalidInputError
from ...verdict import Verdict, VerdictPolicy, worst_verdict
from ..inference.infer import infer_mapping
from ..mapping import MapEntry, ParameterMap
from .carrying import Array, Carried
from .causes import MOST_TRIED, Explained, explain
from .pairing import Difference, hold
from .referee import Unjudged
from .report import ParityReport, SideReport
from .rows import Outcome, Pair, reasons
from .side import Side, at, observe

Mappings = str | os.PathLike[str] | ParameterMap | Mapping[str, Any]
"""``"auto"``, a mapping, a file that has one, or one of these by side."""


def compare_gradients(
    cases: Mapping[str, GradientCase],
    *,
    reference: str | None = None,
    mapping: Mappings = "auto",
    policy: VerdictPolicy | None = None,
) -> ParityReport:
    """Hold implementations of one model against each other, with finite differences as the referee.

    First the values of the parameters are compared, then the costs, then the gradients; the first that differs is what
    is wrong. Each side's gradient is checked against finite differences of its own cost, so that two sides that agree
    and are both wrong do not pass, and of two that differ it is said which one is at fault. A gradient that could be
    judged on neither side is INCONCLUSIVE, one that neither side's options check is INSPECT at best.

    Parameters
    ----------
    cases : mapping of str to GradientCase
        Two or more, by the name that reports call them; in any frameworks. Each is checked as `check_gradients` does,
        with its own options.
    reference : str, optional
        The name of the case that the others are held against. None (default) is the first of them.
    mapping : "auto", ParameterMap, path, or mapping of str to these
        From the reference's parameters to those of the other side. "auto" (default) infers it, see `infer_mapping`; a
        path is that of a TOML file that `ParameterMap.to_toml` wrote. Where there are several other sides, one for each
        may be given by side.
    policy : VerdictPolicy, optional
        The thresholds; None (default) is ``VerdictPolicy()``.

    Returns
    -------
    ParityReport
        Frozen; ``str(report)`` is the report for a person.

    Raises
    ------
    InvalidInputError
        If an argument is unusable, or `check_gradients` refuses a case.
    MappingError
        If the mapping does not fit the parameters.

    Notes
    -----
    Where the costs differ, known mistakes of migrations are undone one at a time, up to 500 evaluations: one is named
    only if costs and gradients then agree.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]), np.array([0.3, -0.2])
    >>> mean = GradientCase(lambda w: float(np.mean((x @ w) ** 2)), w, lambda w: 2 * x.T @ (x @ w) / 3)
    >>> total = GradientCase(lambda w: float(np.sum((x @ w) ** 2)), w, lambda w: 2 * x.T @ (x @ w))
    >>> report = compare_gradients({"mean": mean, "sum": total}, reference="mean")
    >>> report.outcome, report.diagnosis.kind, report.culprit
    (<Outcome.FORWARD_DIFFERS: 'forward differs'>, 'reduction', None)
    """
    _require_cases(cases)
    against = _reference(cases, reference)
    policy = _validated(policy)
    _require_mappings(mapping, [name for name in cases if name != against])
    started = time.perf_counter()
    sides = {name: observe(case, name) for name, case in cases.items()}
    return parity(sides, against, mapping, policy, started=started)


def parity(
    sides: Mapping[str, Side],
    reference: str,
    mapping: Mappings = "auto",
    policy: VerdictPolicy | None = None,
    *,
    started: float | None = None,
) -> ParityReport:
    """Hold sides, run here or stored, against one of them; arguments as of `compare_gradients`."""
    started = time.perf_counter() if started is None else started
    policy = _validated(policy)
    against = sides[reference]
    pairs = tuple(
        _pair(against, side, _mapping(mapping, against, side), policy)
        for name, side in sides.items()
        if name != reference
    )
    outcome = max((pair.outcome for pair in pairs), key=lambda one: one.severity)
    contradicted = any(side.contradicted for side in sides.values())
    return ParityReport(
        verdict=worst_verdict([*(pair.verdict for pair in pairs), *_own_verdicts(sides)]),
        outcome=Outcome.CONTRADICTED if contradicted and outcome.severity < Outcome.CONTRADICTED.severity else outcome,
        reference=reference,
        sides={name: _said_of_itself(side) for name, side in sides.items()},
        pairs=pairs,
        seconds=time.perf_counter() - started,
        notes=_notes(sides),
    )


def _pair(reference: Side, other: Side, mapping: ParameterMap, policy: VerdictPolicy) -> Pair:
    carried = Carried.over(reference, mapping)
    found = hold(reference, other, carried, policy)
    if found.rounded:
        other = at(other, {name: carried.values[name] for name in found.rounded}) or other
        found = hold(reference, other, carried, policy)
    moved = (
        f"cost and gradients of `{other.name}` are taken at the values of `{reference.name}`; its own are rounded",
    )
    unjudged = Unjudged.among(reference, other, carried)
    found = unjudged.lowered(found)
    explained = explain(reference, other, carried, found, policy)
    return Pair(
        side=other.name,
        outcome=found.outcome,
        verdict=found.verdict,
        cost_difference=found.cost.difference,
        cost_resolution=found.cost.resolution,
        cost_verdict=found.cost_verdict,
        rows=found.rows,
        diagnosis=explained.cause,
        tried=explained.tried,
        notes=(
            *unjudged.notes,
            *(moved if other.asked_at else ()),
            *_pair_notes(found, explained),
        ),
    )


def _pair_notes(found: Difference, explained: Explained) -> tuple[str, ...]:
    missing = reasons(found.rows)
    notes = [f"not compared: {', '.join(f'`{name}` ({why})' for name, why in missing.items())}"] if missing else []
    if explained.cause is None and (found.outcome is Outcome.FORWARD_DIFFERS or found.is_off):
        limit = f", where the search stops at {MOST_TRIED}" if explained.tried >= MOST_TRIED else ""
        notes.append(f"none of the known mistakes explains it; {explained.tried} were undone{limit}")
    return tuple(notes)


def _own_verdicts(sides: Mapping[str, Side]) -> list[Verdict]:
    """Evidence against a side's gradient counts; that it cannot be resolved is no difference between sides."""
    return [verdict for side in sides.values() for verdict in side.verdicts.values() if verdict.is_evidence]


def _said_of_itself(side: Side) -> SideReport:
    return SideReport(side.name, side.backend, side.cost, side.contradicted, side.report)


def _notes(sides: Mapping[str, Side]) -> tuple[str, ...]:
    notes = []
    for side in sides.values():
        unsure = [name for name, verdict in side.verdicts.items() if verdict is Verdict.INCONCLUSIVE]
        if unsure:
            notes.append(f"finite differences cannot judge {', '.join(f'`{n}`' for n in unsure)} of `{side.name}`")
        if side.carried:
            listed = ", ".join(f"`{name}` ({reason})" for name, reason in side.carried.items())
            notes.append(f"not compared of `{side.name}`: {listed}")
    return tuple(notes)


def _mapping(mapping: Mappings, reference: Side, other: Side) -> ParameterMap:
    given = mapping.get(other.name, "auto") if isinstance(mapping, Mapping) else mapping
    if isinstance(given, ParameterMap):
        return given
    if given == "auto":
        return _inferred(_named(reference), _named(other))
    return ParameterMap.from_toml(os.fspath(given))


def _inferred(source: dict[str, Array], target: dict[str, Array]) -> ParameterMap:
    """The mapping by values; what is then left of both by names and shapes, since its values were not carried over."""
    found = infer_mapping(source, target)
    used = {term.source for entry in found.entries.values() for term in entry.terms}
    left = {name: array for name, array in source.items() if name not in used}
    open_ones = {name: array for name, array in target.items() if name not in found.entries}
    if not left or not open_ones:
        return found
    more = infer_mapping(left, open_ones)
    alike = _alike(more, left, open_ones)
    unresolved = {name: why for name, why in more.unresolved.items() if name not in alike}
    return ParameterMap({**found.entries, **more.entries, **alike}, unresolved)


def _alike(found: ParameterMap, source: dict[str, Array], target: dict[str, Array]) -> dict[str, MapEntry]:
    """What is open and has the shape and the name of a source, or is said to have most of its values: a few differ."""
    free = set(source) - {term.source for entry in found.entries.values() for term in entry.terms}
    entries: dict[str, MapEntry] = {}
    for name, why in found.unresolved.items():
        shape = target[name].shape
        partners = [one for one in source if one in free and source[one].shape == shape]
        partner = next((one for one in partners if one == name or f"values are in `{one}`" in why), None)
        if partner is not None:
            free.remove(partner)
            entries[name] = MapEntry.of(partner, tuple(range(len(shape))), found_by="names")
    return entries


def _named(side: Side) -> dict[str, Array]:
    """A side's values in the parameters' own precision, as far as NumPy has it: that is what was carried over."""
    own = {name: _OWN.get(side.dtypes[name]) for name in side.values}
    return {name: array if own[name] is None else array.astype(own[name]) for name, array in side.values.items()}


_OWN = {"float32": np.float32, "float16": np.float16, "complex64": np.complex64, "bfloat16": np.float32}
"""bfloat16, which NumPy lacks, is held exactly by float32."""


def _validated(policy: object) -> VerdictPolicy:
    if policy is None:
        return VerdictPolicy()
    if not isinstance(policy, VerdictPolicy):
        msg = f"`policy={policy!r}`: pass a VerdictPolicy, e.g. VerdictPolicy(correct=1e-9), or None"
        raise InvalidInputError(msg)
    return policy


def _require_cases(cases: object) -> None:
    if not isinstance(cases, Mapping):
        msg = (
            f"`cases` of compare_gradients is {type(cases).__name__}; pass a dict from name to GradientCase, "
            'e.g. {"old": case_a, "new": case_b}'
        )
        raise InvalidInputError(msg)
    for name, case in cases.items():
        if not isinstance(name, str) or not isinstance(case, GradientCase):
            kinds = f"{type(name).__name__} to {type(case).__name__}"
            msg = f"`cases[{name!r}]` of compare_gradients goes from {kinds}; pass names and GradientCases"
            raise InvalidInputError(msg)
    if len(cases) < 2:
        msg = (
            f"`cases` of compare_gradients has {len(cases)} case(s), and two are needed to compare; add the other side"
        )
        raise InvalidInputError(msg)


def _reference(cases: Mapping[str, GradientCase], reference: object) -> str:
    if reference is None:
        return next(iter(cases))
    if not isinstance(reference, str) or reference not in cases:
        known = ", ".join(map(repr, cases))
        msg = f"`reference={reference!r}` of compare_gradients is none of the cases; pass one of {known}"
        raise InvalidInputError(msg)
    return reference


def _require_mappings(mapping: object, others: list[str]) -> None:
    given = mapping if isinstance(mapping, Mapping) else dict.fromkeys(others, mapping)
    for name, one in given.items():
        if name not in others:
            msg = f"`mapping[{name!r}]` of compare_gradients is for no other side; pass one of {', '.join(others)}"
            raise InvalidInputError(msg)
        if not isinstance(one, str | os.PathLike | ParameterMap):
            msg = (
                f"`mapping` of compare_gradients is {type(one).__name__} for `{name}`; pass 'auto', a ParameterMap, "
                "or the path of a TOML file that has one"
            )
            raise InvalidInputError(msg)

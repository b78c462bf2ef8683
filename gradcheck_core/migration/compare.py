"""Several implementations of one model compared with one of them."""

import time
from collections.abc import Mapping
from dataclasses import replace

from ..case import GradientCase
from ..errors import InvalidInputError
from ..report.verdict import Verdict, VerdictPolicy, worst_verdict
from .causes.search import MOST_TRIED, Explained, explain
from .mapping import ParameterMap
from .parity.carrying import CarriedSide
from .parity.mappings import Mappings as Mappings
from .parity.mappings import choose_mapping, require_mappings
from .parity.pairing import Difference, compare_side
from .parity.report import ParityReport, SideReport
from .parity.rows import Outcome, Pair, reasons
from .parity.side import Side, ask_at, observe

_MOST_NAMES = 8
"""In a note: a check of one parameter of a large model leaves out hundreds."""


def compare_gradients(
    cases: Mapping[str, GradientCase],
    *,
    reference: str | None = None,
    mapping: Mappings = "auto",
    policy: VerdictPolicy | None = None,
) -> ParityReport:
    """Compare implementations of one model with each other, with finite differences as the referee.

    First the values of the parameters are compared, then the costs, then the gradients; the first that differs is what
    is wrong. Each side's gradient is also checked against finite differences of its own cost. So two sides that agree
    and are both wrong do not pass, and if two differ, the report says which one is at fault. A gradient that could be
    judged on neither side is INCONCLUSIVE; one that neither side's options check is INSPECT at best.

    Parameters
    ----------
    cases : mapping of str to GradientCase
        Two or more, by the names that reports use, in any frameworks. Each is checked as `check_gradients` does, with
        its own options.
    reference : str, optional
        The name of the case that the others are compared with. None (default) is the first of them.
    mapping : "auto", ParameterMap, path, or mapping of str to these
        From the reference's parameters to those of the other side. "auto" (default) infers it, see `infer_mapping`; a
        path is that of a TOML file that `ParameterMap.to_toml` wrote. If there are several other sides, each may have
        its own, by name.
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
    If the costs differ, known mistakes of migrations are undone one at a time, up to 500 evaluations. One is named only
    if costs and gradients then agree.

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
    against = _choose_reference(cases, reference)
    policy = _validate_policy(policy)
    require_mappings(mapping, [name for name in cases if name != against])  # before the checks, which may take a while
    started = time.perf_counter()
    sides = {name: observe(case, name) for name, case in cases.items()}
    return compare_sides(sides, against, mapping, policy, started=started)


def compare_sides(
    sides: Mapping[str, Side],
    reference: str,
    mapping: Mappings = "auto",
    policy: VerdictPolicy | None = None,
    *,
    started: float | None = None,
) -> ParityReport:
    """Compare sides, run here or stored, with one of them; arguments as for `compare_gradients`."""
    started = time.perf_counter() if started is None else started
    policy = _validate_policy(policy)
    against = sides[reference]
    require_mappings(mapping, [name for name in sides if name != reference])
    pairs = tuple(
        _compare_pair(against, side, choose_mapping(mapping, against, side), policy)
        for name, side in sides.items()
        if name != reference
    )
    outcome = max((pair.outcome for pair in pairs), key=lambda one: one.severity)
    contradicted = any(side.contradicted for side in sides.values())
    # a verdict that is undecided does not make sides differ
    evidence = [verdict for side in sides.values() for verdict in side.verdicts.values() if verdict.is_evidence]
    return ParityReport(
        verdict=worst_verdict([*(pair.verdict for pair in pairs), *evidence]),
        outcome=Outcome.CONTRADICTED if contradicted and outcome.severity < Outcome.CONTRADICTED.severity else outcome,
        reference=reference,
        sides={
            name: SideReport(side.name, side.backend, side.cost, side.contradicted, side.report)
            for name, side in sides.items()
        },
        pairs=pairs,
        seconds=time.perf_counter() - started,
        notes=_note_sides(sides),
    )


def _compare_pair(reference: Side, other: Side, mapping: ParameterMap, policy: VerdictPolicy) -> Pair:
    carried = CarriedSide.over(reference, mapping)
    found = compare_side(reference, other, carried, policy)
    near = found.nearly_equal
    if near:
        other = ask_at(other, {name: carried.values[name] for name in near}) or other
        found = compare_side(reference, other, carried, policy)
    undecided, unchecked = _list_unjudged(reference, other, carried)
    found = _claim_no_more(found, undecided, unchecked)
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
            *_note_unjudged(undecided, unchecked),
            *_note_where_taken(reference, other, found),
            *_note_pair(found, explained),
        ),
    )


def _list_unjudged(reference: Side, other: Side, carried: CarriedSide) -> tuple[list[str], list[str]]:
    """The targets whose gradient was judged on neither side: those tried in vain, and those never asked for.

    One judged side is enough: what agrees with a gradient that was checked is checked too.
    """
    undecided: list[str] = []
    unchecked: list[str] = []
    for target in (name for name in other.values if name in carried.values):
        here = [other.verdicts.get(target)]
        there = [reference.verdicts.get(source) for source in carried.sources(target)]
        if any(all(one not in (None, Verdict.INCONCLUSIVE) for one in verdicts) for verdicts in (here, there)):
            continue
        (undecided if Verdict.INCONCLUSIVE in (*here, *there) else unchecked).append(target)
    return undecided, unchecked


def _claim_no_more(found: Difference, undecided: list[str], unchecked: list[str]) -> Difference:
    """What was found, without claiming more than was judged: gradients that agree can both be wrong."""
    known = [Verdict.INCONCLUSIVE] * bool(undecided) + [Verdict.INSPECT] * bool(unchecked)
    unsure = undecided and found.outcome is Outcome.AGREE
    return replace(
        found,
        verdict=worst_verdict([found.verdict, *known]),
        outcome=Outcome.UNDECIDED if unsure else found.outcome,
    )


def _note_unjudged(undecided: list[str], unchecked: list[str]) -> tuple[str, ...]:
    said = (
        (undecided, "finite differences could not judge the gradient of {} on either side"),
        (unchecked, "not checked by finite differences on either side: {}"),
    )
    return tuple(sentence.format(_list_names(names)) for names, sentence in said if names)


def _list_names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMES]) + more


def _note_where_taken(reference: Side, other: Side, found: Difference) -> tuple[str, ...]:
    if not other.asked_at:
        return ()
    more = any(row.values_are_off for row in found.rows)
    own = "differ slightly, but by more than rounding" if more else "are rounded"
    return (f"cost and gradients of `{other.name}` are taken at the values of `{reference.name}`; its own {own}",)


def _note_pair(found: Difference, explained: Explained) -> tuple[str, ...]:
    missing = reasons(found.rows)
    notes = [f"not compared: {', '.join(f'`{name}` ({why})' for name, why in missing.items())}"] if missing else []
    if explained.cause is None and (found.outcome is Outcome.FORWARD_DIFFERS or (found.is_off and explained.tried)):
        limit = f", where the search stops at {MOST_TRIED}" if explained.tried >= MOST_TRIED else ""
        notes.append(f"none of the known mistakes explains it; {explained.tried} were tried{limit}")
    return tuple(notes)


def _note_sides(sides: Mapping[str, Side]) -> tuple[str, ...]:
    notes = []
    for side in sides.values():
        unsure = [name for name, verdict in side.verdicts.items() if verdict is Verdict.INCONCLUSIVE]
        if unsure:
            notes.append(f"finite differences cannot judge {', '.join(f'`{n}`' for n in unsure)} of `{side.name}`")
        if side.carried:
            listed = ", ".join(f"`{name}` ({reason})" for name, reason in side.carried.items())
            notes.append(f"not compared of `{side.name}`: {listed}")
    return tuple(notes)


def _validate_policy(policy: object) -> VerdictPolicy:
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


def _choose_reference(cases: Mapping[str, GradientCase], reference: object) -> str:
    if reference is None:
        return next(iter(cases))
    if not isinstance(reference, str) or reference not in cases:
        known = ", ".join(map(repr, cases))
        msg = f"`reference={reference!r}` of compare_gradients is not one of the cases; pass one of {known}"
        raise InvalidInputError(msg)
    return reference

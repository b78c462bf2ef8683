"""The conductor: find the backend, gather evidence, judge, report."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from ..case import CheckOptions, GradientCase
from ..errors import InvalidInputError
from ..measure.evidence import Evidence, Findings
from ..protocol import registry
from ..protocol.backend import Backend, Capability
from ..report.gradient import GradientReport
from ..report.records import ParameterReport
from ..report.verdict import worst_verdict
from .diagnosing import Diagnosed, diagnose_all
from .gathering import InsistsOnItsPrecisionError, begin_session, gather, is_lower
from .illustrating import illustrate
from .judging import Assessment, assess_all, join_remarks
from .precision import check_native_gradient, in_native_precision


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """A check's report, and what it rests on."""

    report: GradientReport
    findings: Findings
    adapter: Backend
    options: CheckOptions


def check(case: GradientCase, backend: str | None, options: CheckOptions) -> Checked:
    """Check a case with validated options; of the case's own none are used."""
    started = time.perf_counter()
    _require_callable(case.cost, case.args)
    adapter = registry.load_backend(backend) if backend is not None else registry.infer_backend(case.params)
    _require_grads(case.grads, adapter)
    widened = options.precision != "native" and Capability.FLOAT64 in adapter.capabilities
    try:
        with begin_session("float64" if widened else "native", adapter, case, options) as session:
            findings = gather(session)
        if options.precision != "native" and is_lower(findings.layout):
            findings = check_native_gradient(findings, adapter, case, options)
    except InsistsOnItsPrecisionError as insisting:
        findings = in_native_precision(adapter, case, options, insisting)
    return Checked(_report(findings, adapter.name, options, started), findings, adapter, options)


def _report(findings: Findings, backend: str, options: CheckOptions, started: float) -> GradientReport:
    baseline = findings.baseline
    assessed = assess_all(findings.gathered.evidence, baseline.theta, baseline.cost.value, options.policy)
    pairs = _worst_of_each([(one.evidence, one.report) for one in assessed.each])
    found = Diagnosed({report.name: report for _, report in pairs})
    if any(report.verdict.is_evidence for _, report in pairs):
        found = diagnose_all(pairs, baseline.theta if options.order == 1 else None)
    return GradientReport(
        verdict=worst_verdict(report.verdict for _, report in pairs),
        difference=assessed.whole.difference,
        resolution=assessed.whole.resolution,
        cost=baseline.cost.value,
        parameters=found.parameters,
        method=findings.method,
        scheme=options.scheme,
        precision=findings.precision,
        backend=backend,
        evaluations=findings.evaluations,
        seconds=time.perf_counter() - started,
        certificate=findings.gathered.certificate,
        notes=_notes(findings, assessed, found),
        stopped=findings.stopped,
        order=options.order,
        first=found.first,
        pictures=illustrate(pairs, found.first, options.replay(backend)),
    )


def _notes(findings: Findings, assessed: Assessment, found: Diagnosed) -> tuple[str, ...]:
    """The notes of the report, the most important first."""
    stopped = [findings.stopped] if findings.stopped else []
    remarks = join_remarks(remark for one in assessed.each for remark in one.remarks)
    return (*stopped, *found.notes, *remarks, *findings.gathered.notes)


def _worst_of_each(assessed: Sequence[tuple[Evidence, ParameterReport]]) -> list[tuple[Evidence, ParameterReport]]:
    """For each parameter its worst report, with the evidence; it may have several, e.g. one for each direction."""
    several: dict[str, list[tuple[Evidence, ParameterReport]]] = {}
    for pair in assessed:
        several.setdefault(pair[1].name, []).append(pair)
    return [max(pairs, key=lambda pair: pair[1].rank()) if len(pairs) > 1 else pairs[0] for pairs in several.values()]


def _require_callable(cost: object, args: object) -> None:
    if not callable(cost):
        msg = (
            f"`cost` is of type {type(cost).__name__}, not a function; "
            "pass the function first and the parameters second: cost(params, *args)"
        )
        raise InvalidInputError(msg)
    if not isinstance(args, tuple):
        msg = f"`args` is {type(args).__name__}; pass a tuple, e.g. args=(x, y)"
        raise InvalidInputError(msg)


def _require_grads(grads: object, adapter: Backend) -> None:
    if grads is None and Capability.AUTODIFF not in adapter.capabilities:
        msg = (
            f"`grads` is missing: {adapter.name} has no automatic differentiation; pass your gradient as arrays in the "
            "structure of `params`, a flat vector, a mapping by name, or a callable grads(params, *args)"
        )
        raise InvalidInputError(msg)

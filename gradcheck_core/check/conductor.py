"""The conductor: find the backend, gather evidence, judge, report."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from ..case import CheckOptions, GradientCase
from ..errors import InvalidInputError
from ..measure.evidence import Evidence
from ..protocol import registry
from ..protocol.backend import Backend, Capability
from ..report.gradient import GradientReport
from ..report.records import ParameterReport
from ..report.verdict import worst_verdict
from .diagnosing import diagnosed
from .gathering import Findings
from .illustrating import illustrated
from .judging import assess_all, joined
from .precision import gather


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """A check's report, and what it rests on."""

    report: GradientReport
    findings: Findings
    adapter: Backend
    options: CheckOptions


def checked(case: GradientCase, backend: str | None, options: CheckOptions) -> Checked:
    """Check a case with validated options; of the case's own none are used.

    Raises
    ------
    InvalidInputError
        If the cost cannot be called, or there is no claim to check.
    """
    started = time.perf_counter()
    _require_callable(case.cost, case.args)
    adapter = registry.load_backend(backend) if backend is not None else registry.infer_backend(case.params)
    _require_grads(case.grads, adapter)
    findings = gather(adapter, case, options)
    return Checked(_report(findings, adapter.name, options, started), findings, adapter, options)


def _report(findings: Findings, backend: str, options: CheckOptions, started: float) -> GradientReport:
    baseline = findings.baseline
    assessed = assess_all(findings.gathered.evidence, baseline.theta, baseline.cost.value, options.policy)
    notes = joined(remark for one in assessed.each for remark in one.remarks)
    pairs = _worst_of_each((one.evidence, one.report) for one in assessed.each)
    found = diagnosed(pairs, baseline.theta if options.order == 1 else None)
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
        notes=(*([findings.stopped] if findings.stopped else []), *found.notes, *notes, *findings.gathered.notes),
        stopped=findings.stopped,
        order=options.order,
        first=found.first,
        pictures=illustrated(pairs, found.first, findings.gathered.curves, options.replay(backend)),
    )


def _worst_of_each(assessed: Iterable[tuple[Evidence, ParameterReport]]) -> list[tuple[Evidence, ParameterReport]]:
    """Of a parameter with several reports, e.g. one for each direction, the worst, with its evidence."""
    worst: dict[str, tuple[Evidence, ParameterReport]] = {}
    for pair in assessed:
        name = pair[1].name
        worst[name] = max(worst.get(name, pair), pair, key=lambda of: of[1].rank())
    return list(worst.values())


def _require_callable(cost: object, args: object) -> None:
    if not callable(cost):
        msg = f"`cost` is {type(cost).__name__}; pass the function first and the parameters second: cost(params, *args)"
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

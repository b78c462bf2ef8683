"""From claimed and numeric gradients with error bars to the records of the report."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ..evaluate.preflight import theta_scale
from ..measure.evidence import Evidence
from ..numerics.norms import norm
from ..protocol.layout import FloatVector, Parameter
from ..report.records import ParameterReport
from ..report.verdict import (
    Comparison,
    Judgement,
    NaturalScale,
    Verdict,
    VerdictPolicy,
    judge_parameter,
    natural_scale,
)

_EVIDENT = 64.0
"""Times its own error bar that a single entry has to be off by to count alone: bars are estimates."""

_TOO_SMALL = "gradient too small to be measured alone; judged on the scale of the whole gradient"
_ALL_TOO_SMALL = (
    "gradient too small to be measured, and so is the whole; judged on the scale of |J| over the size of theta"
)

Remark = tuple[str, str]
"""The name of a parameter or an entry, and a sentence about it."""


def compare(evidence: Sequence[Evidence]) -> Comparison:
    """The norms of some parameters' evidence together; infinite where a claim is not finite."""
    return together([_comparison(item) for item in evidence])


def together(each: Sequence[Comparison]) -> Comparison:
    """Comparisons of some parameters as one of all their entries, which may be too many to be joined."""
    return Comparison(
        discrepancy=norm(np.array([one.discrepancy for one in each])),
        error=norm(np.array([one.error for one in each])),
        claimed=norm(np.array([one.claimed for one in each])),
        numeric=norm(np.array([one.numeric for one in each])),
        cost_size=max((one.cost_size for one in each), default=0.0),
    )


def _comparison(item: Evidence) -> Comparison:
    claimed = norm(item.claimed)
    if not item.by_entries:  # numeric entries nearest to the claim are the claim's
        size = max(claimed, item.projected)  # where the claim is all zeros, this much is still there
        # One bar for all entries: adding the rounding to each would make an array as large as they are.
        error = norm(item.derivatives.error) + item.claim.rounding * math.sqrt(item.parameter.size)
        return Comparison(item.projected, error, claimed, size, item.derivatives.cost_size)
    numeric = item.numeric
    discrepancy = max(norm(numeric - item.claimed), item.projected)
    return Comparison(discrepancy, norm(item.error), claimed, norm(numeric), item.derivatives.cost_size)


@final
@dataclass(frozen=True, slots=True)
class Assessed:
    """One item of evidence, what is reported of it, and what is to be remarked."""

    evidence: Evidence
    report: ParameterReport
    remarks: tuple[Remark, ...]


@final
@dataclass(frozen=True, slots=True)
class Assessment:
    """Every item of evidence, judged, and the comparison of all of them together."""

    whole: Comparison
    each: tuple[Assessed, ...]


def assess_all(evidence: Sequence[Evidence], theta: FloatVector, cost: float, policy: VerdictPolicy) -> Assessment:
    """Judge every item of evidence; those too small to resolve alone are judged on the scale of the whole."""
    comparisons = [_comparison(item) for item in evidence]  # once: each goes through all entries
    whole = together(comparisons)
    scale = natural_scale(whole, cost, theta_scale(theta))
    judged = (
        Assessed(item, *assess(item, comparison, scale, policy))
        for item, comparison in zip(evidence, comparisons, strict=True)
    )
    return Assessment(whole, tuple(judged))


def assess(
    evidence: Evidence, comparison: Comparison, scale: NaturalScale, policy: VerdictPolicy
) -> tuple[ParameterReport, tuple[Remark, ...]]:
    """Judge one parameter and say what a reader should know about the judgement."""
    parameter = evidence.parameter
    bad = evidence.first_not_finite
    if bad is not None:
        report = _report(
            evidence, Verdict.BUG, float("inf"), 0.0, bad, _ranges(~np.isfinite(evidence.claimed), parameter)
        )
        return report, ((report.worst_entry, f"the claimed gradient is {evidence.claimed[bad]}"),)
    if not evidence.by_entries:
        judgement = judge_parameter(comparison, scale, policy)
        wrong = _merge(evidence.located, parameter) if not judgement.verdict.passed else ()
        report = _report(evidence, judgement.verdict, comparison.difference, comparison.resolution, None, wrong)
        return report, _remarks(judgement, comparison, parameter, scale)
    discrepancy = np.abs(evidence.numeric - evidence.claimed)
    scale = scale.at_least(evidence.natural)
    judgement = judge_parameter(comparison, scale, policy)
    if not judgement.verdict.is_evidence:
        # Single entries can be known well beside others that hide them in the whole. Entries about which nothing is
        # known, as beside an infinite slope, do not count then.
        evident, known = discrepancy > _EVIDENT * evidence.error, np.isfinite(evidence.error)
        alone = replace(
            comparison,
            discrepancy=norm(discrepancy[evident]),
            error=norm(evidence.error[evident]),
            claimed=norm(evidence.claimed[known]),
            numeric=norm(evidence.numeric[known]),
        )
        verdict = policy.judge(alone.difference, alone.resolution) if evident.any() else judgement.verdict
        judgement = Judgement(verdict, on_natural_scale=False) if verdict.is_evidence else judgement
    wrong = () if judgement.verdict.passed else _wrong_ranges(evidence, discrepancy, policy)
    report = _report(evidence, judgement.verdict, comparison.difference, comparison.resolution, evidence.worst, wrong)
    return report, _remarks(judgement, comparison, parameter, scale)


def _remarks(
    judgement: Judgement, comparison: Comparison, parameter: Parameter, scale: NaturalScale
) -> tuple[Remark, ...]:
    judged_so = judgement.on_natural_scale and math.isfinite(comparison.error)  # an infinite bar: it was not measured
    return ((parameter.name, _ALL_TOO_SMALL if scale.from_cost else _TOO_SMALL),) if judged_so else ()


def _merge(ranges: Iterable[tuple[int, int]], parameter: Parameter) -> tuple[tuple[int, int], ...]:
    """Ranges of numbers as those of the tensor's entries, neighbours as one."""
    numbers = 2 if parameter.is_complex else 1
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        before = merged.pop() if merged and merged[-1][1] * numbers >= start else (start // numbers, 0)
        merged.append((before[0], -(-stop // numbers)))
    return tuple(merged)


def join_remarks(remarks: Iterable[Remark]) -> tuple[str, ...]:
    """Join remarks to notes, one for each remark, with all the names that it is made about.

    Examples
    --------
    >>> join_remarks([("a", "is zero"), ("b", "is NaN"), ("c", "is zero")])
    ('`a`, `c`: is zero', '`b`: is NaN')
    """
    names: dict[str, list[str]] = {}
    for name, said in dict.fromkeys(remarks):
        names.setdefault(said, []).append(f"`{name}`")
    return tuple(f"{', '.join(of)}: {said}" for said, of in names.items())


def _report(
    evidence: Evidence,
    verdict: Verdict,
    difference: float,
    resolution: float,
    worst: int | None,
    wrong: tuple[tuple[int, int], ...],
) -> ParameterReport:
    parameter = evidence.parameter
    return ParameterReport(
        name=parameter.name,
        shape=parameter.shape,
        dtype=parameter.dtype,
        verdict=verdict,
        difference=difference,
        resolution=resolution,
        wrong=wrong,
        kinks=evidence.derivatives.kinks,
        **({} if worst is None else _at(evidence, worst)),
    )


def _at(evidence: Evidence, entry: int) -> dict[str, Any]:
    """What a report says of one entry."""
    return {
        "worst_index": evidence.parameter.index(entry),
        "part": evidence.parameter.part(entry),
        "analytic": float(evidence.claimed[entry]),
        "numeric": float(evidence.numeric[entry]),
        "error": float(evidence.error[entry]),
    }


def _wrong_ranges(evidence: Evidence, discrepancy: FloatVector, policy: VerdictPolicy) -> tuple[tuple[int, int], ...]:
    sizes = np.abs(evidence.claimed) + np.abs(evidence.numeric)
    wrong = (discrepancy > evidence.error) & (discrepancy > policy.inspect * sizes)
    for start, stop in evidence.located:
        wrong[start:stop] = True
    return _ranges(wrong, evidence.parameter)


def _ranges(wrong: npt.NDArray[np.bool_], parameter: Parameter) -> tuple[tuple[int, int], ...]:
    """Half-open ranges of the tensor's entries; a complex one is wrong where one of its parts is."""
    entries = wrong.reshape(-1, 2).any(axis=1) if parameter.is_complex else wrong
    edges = np.flatnonzero(np.diff(np.concatenate([[False], entries, [False]]).astype(np.int8)))
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))

"""From claimed and numeric gradients with error bars to the records of the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from .numerics.coordinates import Derivatives
from .protocol import FloatVector, Parameter
from .report import ParameterReport
from .second_look import Claimed
from .verdict import Comparison, Judgement, Verdict, VerdictPolicy, judge_parameter

_EVIDENT = 64.0
"""Times its own error bar that a single entry has to be off by to count alone: bars are estimates."""

_NATURAL_SCALE_NOTE = "`{}`: its gradient is too small to resolve by itself; judged on the scale of the whole gradient"


@final
@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about one parameter: its claimed entries and the numeric ones, and how exact both can be.

    `natural` is the size that they would have by nature, absolute, where more is known of it than of the gradient as a
    whole: second derivatives times a direction of theta's scale are of the gradient's own size.
    """

    parameter: Parameter
    claim: Claimed
    derivatives: Derivatives
    natural: float = 0.0

    @property
    def claimed(self) -> FloatVector:
        """The claimed entries."""
        return self.claim.values

    @property
    def numeric(self) -> FloatVector:
        """The numeric entries; on a kink the subgradient nearest to the claim."""
        return self.derivatives.nearest(self.claim.values)

    @property
    def error(self) -> FloatVector:
        """Error bars of the comparison, absolute: of the differences and of the dtype that the claim came in."""
        return self.derivatives.error + self.claim.rounding

    @property
    def first_not_finite(self) -> int | None:
        """The first entry whose claim is NaN or infinite, or None."""
        bad = np.flatnonzero(~np.isfinite(self.claimed))
        return int(bad[0]) if bad.size else None


def compare(evidence: Sequence[Evidence]) -> Comparison:
    """The norms of some parameters' evidence together; infinite where a claim is not finite."""
    numeric = np.concatenate([item.numeric for item in evidence])
    claimed = np.concatenate([item.claimed for item in evidence])
    error = np.concatenate([item.error for item in evidence])
    return Comparison(
        discrepancy=norm(numeric - claimed),
        error=norm(error),
        claimed=norm(claimed),
        numeric=norm(numeric),
        cost_size=max(item.derivatives.cost_size for item in evidence),
    )


def norm(vector: FloatVector) -> float:
    """The Euclidean norm, without overflow or underflow on the way; NaN counts as infinite."""
    largest = float(np.max(np.abs(vector), initial=0.0))
    if not np.isfinite(largest):
        return float("inf")
    return largest * float(np.linalg.norm(vector / largest)) if largest > 0 else 0.0


def theta_scale(theta: FloatVector) -> float:
    """The root mean square of theta, or 1 where all of it is zero."""
    return norm(theta) / math.sqrt(theta.size) or 1.0


def assess(evidence: Evidence, scale: float, policy: VerdictPolicy) -> tuple[ParameterReport, tuple[str, ...]]:
    """Judge one parameter and say what a reader should know about the judgement."""
    parameter = evidence.parameter
    bad = evidence.first_not_finite
    if bad is not None:
        report = _report(
            evidence, Verdict.BUG, float("inf"), 0.0, bad, _ranges(~np.isfinite(evidence.claimed), parameter)
        )
        return report, (f"`{report.worst_entry}`: the claimed gradient is {evidence.claimed[bad]}",)
    comparison = compare([evidence])
    discrepancy = np.abs(evidence.numeric - evidence.claimed)
    judgement = judge_parameter(comparison, max(scale, evidence.natural), policy)
    if not judgement.verdict.is_evidence:
        # Single entries can be known well beside others that hide them in the whole.
        evident = discrepancy > _EVIDENT * evidence.error
        alone = replace(comparison, discrepancy=norm(discrepancy[evident]), error=norm(evidence.error[evident]))
        verdict = policy.judge(alone.difference, alone.resolution) if evident.any() else judgement.verdict
        judgement = Judgement(verdict, on_natural_scale=False) if verdict.is_evidence else judgement
    beyond = np.maximum(discrepancy - evidence.error, 0.0)
    worst = int(np.argmax(beyond if beyond.any() else discrepancy))
    wrong = () if judgement.verdict.passed else _wrong_ranges(evidence, discrepancy, policy)
    report = _report(evidence, judgement.verdict, comparison.difference, comparison.resolution, worst, wrong)
    notes = (_NATURAL_SCALE_NOTE.format(parameter.name),) if judgement.on_natural_scale else ()
    return report, notes


def _report(
    evidence: Evidence,
    verdict: Verdict,
    difference: float,
    resolution: float,
    worst: int,
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
        worst_index=parameter.index(worst),
        analytic=float(evidence.claimed[worst]),
        numeric=float(evidence.numeric[worst]),
        error=float(evidence.error[worst]),
        wrong=wrong,
        kinks=evidence.derivatives.kinks,
        part=parameter.part(worst),
    )


def _wrong_ranges(evidence: Evidence, discrepancy: FloatVector, policy: VerdictPolicy) -> tuple[tuple[int, int], ...]:
    sizes = np.abs(evidence.claimed) + np.abs(evidence.numeric)
    return _ranges((discrepancy > evidence.error) & (discrepancy > policy.inspect * sizes), evidence.parameter)


def _ranges(wrong: npt.NDArray[np.bool_], parameter: Parameter) -> tuple[tuple[int, int], ...]:
    """Half-open ranges of the tensor's entries; a complex one is wrong where one of its parts is."""
    entries = wrong.reshape(-1, 2).any(axis=1) if parameter.is_complex else wrong
    edges = np.flatnonzero(np.diff(np.concatenate([[False], entries, [False]]).astype(np.int8)))
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))

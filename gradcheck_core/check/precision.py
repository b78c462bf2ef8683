"""In which precision a check is made: the formula in float64 where that is possible, then the native gradient."""

from dataclasses import replace

import numpy as np

from ..case import CheckOptions, GradientCase
from ..errors import InvalidInputError
from ..evaluate.evaluator import Evaluator
from ..evaluate.preflight import theta_scale
from ..evaluate.session import open_case
from ..measure.claims import differentiate
from ..measure.evidence import Claimed, Findings
from ..numerics.norms import norm
from ..protocol.backend import Backend, Capability, Problem
from ..protocol.layout import Gradient, Layout
from ..protocol.outputs import ROUNDINGS, is_below_float64, roundoff_of
from ..report.verdict import CANCELLING, natural_scale
from .gathering import InsistsOnItsPrecisionError, begin_session, gather
from .judging import compare

_SENSITIVE = 16.0
"""Times what one rounding of theta changes: a backward pass rounds at every operation."""


def in_native_precision(
    adapter: Backend, case: GradientCase, options: CheckOptions, insisting: InsistsOnItsPrecisionError
) -> Findings:
    """Gather the evidence in the parameters' own precision, since the cost raised in float64.

    If float64 was asked for, raise what the cost raised.
    """
    cause = insisting.__cause__
    if options.precision == "float64" and cause is not None:
        raise cause from None
    with begin_session("native", adapter, case, options) as session:
        findings = gather(session)
    return _note_precision(findings, f"the cost cannot be evaluated in float64 ({type(cause).__name__})", options)


def check_native_gradient(findings: Findings, adapter: Backend, case: GradientCase, options: CheckOptions) -> Findings:
    """Compare the native gradient with the float64 one, or check natively if the cost ignores the widened copies.

    Parameters of lower precision than float64 are checked in two steps: the formula in float64, then the native
    gradient against the float64 one within a bound scaled to its rounding. A backend without float64, and a cost that
    uses the caller's model instead of the widened copy that it is given, are checked in their own precision, with a
    note, or refused if float64 was asked for.
    """
    if Capability.FLOAT64 not in adapter.capabilities:
        return _note_precision(findings, f"{adapter.name} evaluates a model in its own precision", options)
    gathered = findings.gathered
    lower = {item.parameter.name for item in gathered.evidence if is_below_float64(item.parameter.dtype)}
    still = [name for name in gathered.unmoved if name in lower]
    if not (still or gathered.sensitivity):
        return findings
    with open_case("native", adapter, case, options.seed) as opened:
        evaluator = opened.evaluator()
        cost = evaluator.cost().value
        if still and _is_reached(opened.problem, evaluator, cost, still):
            reason = "the cost does not use the params it is given, but its own reference to them"
            with begin_session("native", adapter, case, options, opened) as session:
                return _note_precision(gather(session), reason, options)
        if not gathered.sensitivity:
            return findings
        opened.random_state.fix()
        native = differentiate(adapter, opened.problem, opened.contraction, options.mode, "native")
        return _compare_native(findings, native, cost, opened.problem.layout)


def _note_precision(findings: Findings, reason: str, options: CheckOptions) -> Findings:
    """Say why a check was made in the parameters' own precision, where that is below float64."""
    lower = [item.parameter for item in findings.gathered.evidence if is_below_float64(item.parameter.dtype)]
    if not lower:
        return findings
    if options.precision == "float64":
        msg = (
            f"`precision='float64'`: {reason}, and `{lower[0].name}` is {lower[0].dtype}; "
            "convert the model to float64, or pass precision='auto'"
        )
        raise InvalidInputError(msg)
    return _add_note(findings, f"{reason}; checked in {findings.precision}")


def _is_reached(problem: Problem, evaluator: Evaluator, cost: float, names: list[str]) -> bool:
    """Whether moving the caller's own parameters changes the cost, though moving the widened copies does not."""
    for i, parameter in enumerate(problem.layout.parameters):
        if parameter.name in names:
            present = problem.read(i)
            change = evaluator.cost_with({i: 1.01 * present + 0.01}, {i: present}) - cost
            if abs(change) > ROUNDINGS * roundoff_of(parameter.dtype) * abs(cost):
                return True
    return False


def _compare_native(findings: Findings, native: Gradient, cost: float, layout: Layout) -> Findings:
    """Compare the gradient in the parameters' own precision with the float64 one, which the differences confirmed."""
    evidence = findings.gathered.evidence
    computed_in = {p.name: _coarser(p.dtype, dtype) for p, dtype in zip(layout.parameters, native.dtypes, strict=True)}
    coarsest = max(map(roundoff_of, computed_in.values()))
    if not abs(cost - findings.baseline.cost.value) <= ROUNDINGS * coarsest * abs(cost):
        # e.g. dropout: generators draw other numbers in another precision
        note = "checked in float64; the native cost has another value, so the native gradient was not compared"
        return _add_note(findings, note)
    size = norm(np.concatenate([item.claimed for item in evidence]))
    # Where the whole gradient vanishes, what cancels has the size of |J| over theta's scale, and rounds as that does.
    scale = natural_scale(compare(evidence), findings.baseline.cost.value, theta_scale(findings.baseline.theta)).size
    by_name = {parameter.name: parameter for parameter in layout.parameters}
    held, off, largest = [], [], 0.0
    for item in evidence:
        name = item.parameter.name
        values = native.d_theta[by_name[name].range]
        # What one layer rounds passes through all others, also where a layer computes below its parameters' dtype.
        bound = ROUNDINGS * coarsest * (norm(item.claimed) + CANCELLING * scale)
        rounded_more = coarsest / roundoff_of(item.parameter.dtype)
        bound += _SENSITIVE * rounded_more * findings.gathered.sensitivity[name]
        distance = norm(values - item.claimed)
        largest = max(largest, distance / size if size else 0.0)
        if distance <= bound:
            held.append(item)
            continue
        off.append(name)
        held.append(replace(item, claim=Claimed(values, bound / np.sqrt(values.size)), by_entries=True))
    dtypes = ", ".join(sorted({dtype for dtype in computed_in.values() if is_below_float64(dtype)}))
    if off:
        listed = ", ".join(f"`{name}`" for name in off)
        note = f"right in float64, but the {dtypes} gradient of {listed} is off by more than rounding explains"
    else:
        note = f"checked in float64; the {dtypes} gradient agrees with it to {largest:.0e}, within its rounding"
    return _add_note(replace(findings, gathered=replace(findings.gathered, evidence=tuple(held))), note)


def _coarser(one: str, other: str) -> str:
    return max(one, other, key=roundoff_of)


def _add_note(findings: Findings, note: str) -> Findings:
    """The findings with one more note, before all others."""
    gathered = findings.gathered
    return replace(findings, gathered=replace(gathered, notes=(note, *gathered.notes)))

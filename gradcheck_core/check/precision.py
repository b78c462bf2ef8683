"""In which precision a check is made: the formula in float64 where that is possible, then the native gradient."""

from dataclasses import replace

import numpy as np

from ..case import CheckOptions, GradientCase
from ..errors import InvalidInputError
from ..evaluate.preflight import theta_scale
from ..evaluate.session import opened
from ..measure.claims import differentiate
from ..measure.evidence import Claimed
from ..numerics.norms import norm
from ..protocol.backend import Backend, Capability
from ..protocol.outputs import is_below_float64, roundoff_of
from ..report.verdict import natural_scale
from .gathering import Findings, InsistsOnItsPrecisionError, gather_in
from .judging import compare

_ROUNDING = 64.0
"""Unit roundoffs of its own norm that a native gradient may be off by, and an eighth of that of the whole one's, and
roundoffs that a native cost may change by where nothing but rounding changes it."""

_SENSITIVE = 16.0
"""Times what one rounding of theta changes: a backward pass rounds at every operation."""


def gather(adapter: Backend, case: GradientCase, options: CheckOptions) -> Findings:
    """Gather the evidence in the precision asked for, or in float64 where that is possible.

    Parameters of lower precision are checked in two steps: the formula in float64, then the native gradient against
    the float64 one within a bound scaled to its rounding. A cost that cannot be evaluated in float64, or that reaches
    the caller's model instead of the widened copy that it is handed, is checked in its own precision, with a note.

    Raises
    ------
    InvalidInputError
        If float64 was asked for and is not possible.
    """
    if options.precision == "native":
        return gather_in("native", adapter, case, options)
    if Capability.FLOAT64 not in adapter.capabilities:
        return _native(adapter, case, options, f"{adapter.name} evaluates a model in its own precision")
    try:
        findings = gather_in("float64", adapter, case, options)
    except InsistsOnItsPrecisionError as insisting:
        if options.precision == "float64" and insisting.__cause__ is not None:
            raise insisting.__cause__ from None
        reason = f"the cost cannot be evaluated in float64 ({type(insisting.__cause__).__name__})"
        return _native(adapter, case, options, reason)
    gathered = findings.gathered
    lower = {item.parameter.name for item in gathered.evidence if is_below_float64(item.parameter.dtype)}
    still = [name for name in gathered.unmoved if name in lower]
    if still and _reached_natively(adapter, case, options, still):
        return _native(
            adapter, case, options, "the cost does not use the params it is given, but its own reference to them"
        )
    return _with_native_gradient(findings, adapter, case, options) if gathered.sensitivity else findings


def _native(adapter: Backend, case: GradientCase, options: CheckOptions, reason: str) -> Findings:
    findings = gather_in("native", adapter, case, options)
    lower = [item.parameter for item in findings.gathered.evidence if is_below_float64(item.parameter.dtype)]
    if not lower:
        return findings
    if options.precision == "float64":
        msg = (
            f"`precision='float64'`: {reason}, and `{lower[0].name}` is {lower[0].dtype}; "
            "convert the model to float64, or pass precision='auto'"
        )
        raise InvalidInputError(msg)
    return _noted(findings, f"{reason}; checked in {findings.precision}")


def _reached_natively(adapter: Backend, case: GradientCase, options: CheckOptions, names: list[str]) -> bool:
    """Whether moving the caller's own parameters changes the cost, though moving the widened copies does not."""
    with opened("native", adapter, case, options.seed) as native:
        problem, evaluator = native.problem, native.evaluator
        cost = evaluator.cost().value
        for i, parameter in enumerate(problem.layout.parameters):
            if parameter.name in names:
                present = problem.read(i)
                change = evaluator.cost_moved({i: 1.01 * present + 0.01}, {i: present}) - cost
                if abs(change) > _ROUNDING * roundoff_of(parameter.dtype) * abs(cost):
                    return True
    return False


def _with_native_gradient(findings: Findings, adapter: Backend, case: GradientCase, options: CheckOptions) -> Findings:
    """Hold the gradient in the parameters' own precision against the float64 one, which the differences confirmed."""
    with opened("native", adapter, case, options.seed) as natively:
        cost = natively.evaluator.cost().value
        natively.random_state.fix()
        native = differentiate(adapter, natively.problem, natively.contraction, options.mode, "native")
        layout = natively.problem.layout
    evidence = findings.gathered.evidence
    computed_in = {p.name: _coarser(p.dtype, dtype) for p, dtype in zip(layout.parameters, native.dtypes, strict=True)}
    coarsest = max(map(roundoff_of, computed_in.values()))
    if not abs(cost - findings.baseline.cost.value) <= _ROUNDING * coarsest * abs(cost):
        # e.g. dropout: generators draw other numbers in another precision
        note = "checked in float64; natively the cost has another value, so its native gradient was not compared"
        return _noted(findings, note)
    size = norm(np.concatenate([item.claimed for item in evidence]))
    # Where the whole gradient vanishes, what cancels has the size of |J| over theta's scale, and rounds as that does.
    scale = natural_scale(compare(evidence), findings.baseline.cost.value, theta_scale(findings.baseline.theta)).size
    by_name = {parameter.name: parameter for parameter in layout.parameters}
    held, off, largest = [], [], 0.0
    for item in evidence:
        name = item.parameter.name
        values = native.d_theta[by_name[name].range]
        # What one layer rounds passes through all others, also where a layer computes below its parameters' dtype.
        bound = _ROUNDING * coarsest * (norm(item.claimed) + scale / 16)
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
    return _noted(replace(findings, gathered=replace(findings.gathered, evidence=tuple(held))), note)


def _coarser(one: str, other: str) -> str:
    return max(one, other, key=roundoff_of)


def _noted(findings: Findings, note: str) -> Findings:
    """The findings with one more note, before all others."""
    gathered = findings.gathered
    return replace(findings, gathered=replace(gathered, notes=(note, *gathered.notes)))

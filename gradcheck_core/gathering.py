"""From a case to the evidence about its gradient: claimed and numeric derivatives, side by side."""

from dataclasses import dataclass, replace
from functools import partial
from typing import final

import numpy as np

from . import claims, preflight, registry, selection
from .assessment import Evidence
from .case import GradientCase
from .errors import GradcheckError, InvalidInputError
from .evaluator import Evaluator
from .numerics.coordinates import Derivatives, central_differences
from .numerics.steps import default_steps
from .options import CheckOptions
from .outputs import Contraction, roundoff_of
from .preflight import Baseline
from .progress import ProgressBar
from .protocol import Backend, Capability, Gradient, Layout, Parameter, Problem
from .randomness import HostRandomState

_PREFLIGHT_EVALUATIONS = 2


@final
@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found out before anything is judged."""

    baseline: Baseline
    evidence: tuple[Evidence, ...]
    evaluations: int
    precision: str
    notes: tuple[str, ...]


def gather(adapter: Backend, case: GradientCase, options: CheckOptions) -> Findings:
    """Gather in float64 where that is asked for and possible, else in the parameters' own precision."""
    if options.precision == "native" or Capability.FLOAT64 not in adapter.capabilities:
        return _gather(adapter, case, options, "native")
    try:
        return _gather(adapter, case, options, "float64")
    except _InsistsOnItsPrecisionError as insisting:
        findings = _gather(adapter, case, options, "native")
        reason = type(insisting.__cause__).__name__
        note = f"the cost cannot be evaluated in float64 ({reason}); checked in its own precision"
        return replace(findings, notes=(note, *findings.notes))


class _InsistsOnItsPrecisionError(Exception):
    """A cost of lower precision raised, perhaps for being evaluated in float64."""


def _gather(adapter: Backend, case: GradientCase, options: CheckOptions, precision: str) -> Findings:
    with (
        adapter.open(case.cost, case.params, case.args, precision, options.seed) as problem,
        HostRandomState(options.seed) as random_state,
    ):
        lower = [p for p in problem.layout.parameters if roundoff_of(p.dtype) > roundoff_of("float64")]
        if lower and options.precision == "float64" and precision == "native":
            msg = (
                f"`precision='float64'`: {adapter.name} evaluates parameters in their own precision, and "
                f"`{lower[0].name}` is {lower[0].dtype}; convert the model to float64, or pass precision='auto'"
            )
            raise InvalidInputError(msg)
        try:
            return _gather_from(problem, random_state, case, options, precision)
        except GradcheckError:
            raise
        except Exception as error:
            if lower and options.precision == "auto" and precision == "float64":
                raise _InsistsOnItsPrecisionError from error
            raise


def _gather_from(
    problem: Problem, random_state: HostRandomState, case: GradientCase, options: CheckOptions, precision: str
) -> Findings:
    layout = problem.layout
    chosen = selection.select(layout, options.include, options.exclude)
    total = _PREFLIGHT_EVALUATIONS + 2 * sum(layout.parameters[i].size for i in chosen)
    _require_budget(total, options.max_evaluations)
    contraction = Contraction(options.seed)
    with ProgressBar(total, options.progress) as bar:
        evaluator = Evaluator(problem, contraction, random_state, bar.advance)
        random_state.fix()
        baseline = preflight.establish(problem, evaluator, random_state, _roundoff(layout, precision))
        random_state.fix()
        claim = _claim(case, problem, contraction, baseline)
        preflight.require_unchanged(problem, evaluator, baseline.theta)
        evidence = tuple(
            Evidence(
                parameter=layout.parameters[i],
                claimed=claim.d_theta[layout.parameters[i].range],
                derivatives=_sweep(evaluator, i, layout.parameters[i], baseline, options.epsilon),
                claimed_dtype=claim.dtypes[i],
            )
            for i in chosen
        )
        preflight.require_unchanged(problem, evaluator, baseline.theta)
    notes = (*claim.notes, *_unmoved_note(evidence), *_unchecked_notes(layout, chosen))
    return Findings(baseline, evidence, evaluator.evaluations, _precision_used(layout, precision), notes)


def _claim(case: GradientCase, problem: Problem, contraction: Contraction, baseline: Baseline) -> Gradient:
    if case.grads is None:
        return problem.gradient(contraction.weights)
    if baseline.cost.outputs > 1:
        msg = (
            f"`cost` returned {baseline.cost.outputs} numbers, and `grads` can only be the gradient of one; "
            "return a scalar, e.g. the sum, or leave `grads` out where the backend has automatic differentiation"
        )
        raise InvalidInputError(msg)
    claimed = case.grads(problem.params(), *case.args) if callable(case.grads) else case.grads
    return claims.lay_out(claimed, problem.layout, registry.to_numpy)


def _sweep(
    evaluator: Evaluator, position: int, parameter: Parameter, baseline: Baseline, epsilon: float | None
) -> Derivatives:
    present = baseline.theta[parameter.range]
    steps = default_steps(present, baseline.roundoff) if epsilon is None else np.full(parameter.size, epsilon)
    return central_differences(
        partial(evaluator.costs_at, position, present),
        np.arange(parameter.size),
        plus=evaluator.representable(position, present + steps),
        minus=evaluator.representable(position, present - steps),
        roundoff=baseline.roundoff,
    )


def _require_budget(needed: int, budget: int | None) -> None:
    if budget is not None and needed > budget:
        msg = (
            f"`max_evaluations={budget}`: every coordinate takes two evaluations, {needed} in all; "
            "raise it, or choose fewer parameters with `include=`"
        )
        raise InvalidInputError(msg)


def _roundoff(layout: Layout, precision: str) -> float:
    return max(roundoff_of("float64" if precision == "float64" else p.dtype) for p in layout.parameters)


def _precision_used(layout: Layout, precision: str) -> str:
    if precision == "float64":
        return precision
    return ", ".join(sorted({parameter.dtype for parameter in layout.parameters}))


def _unmoved_note(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    if any(item.derivatives.numeric.any() for item in evidence) or not any(item.claimed.any() for item in evidence):
        return ()
    return ("no perturbation changed the cost: does it use the params that it is given as its first argument?",)


def _unchecked_notes(layout: Layout, chosen: tuple[int, ...]) -> tuple[str, ...]:
    held = [parameter.name for i, parameter in enumerate(layout.parameters) if i not in chosen]
    listed = [f"`{name}` (left out)" for name in held]
    listed += [f"`{leaf.name}` ({leaf.reason})" for leaf in layout.carried]
    return (f"not checked: {', '.join(listed)}",) if listed else ()

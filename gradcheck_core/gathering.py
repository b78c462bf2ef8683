"""From a case to the evidence about its gradient: claimed and numeric derivatives, side by side."""

from dataclasses import dataclass, replace
from typing import final

from . import claims, preflight, registry, selection
from .assessment import Evidence
from .case import GradientCase
from .errors import GradcheckError, InvalidInputError
from .evaluator import Evaluator
from .measuring import Claimed, expected_evaluations, least_evaluations, measure, measure_noise
from .observations import observations
from .options import CheckOptions
from .outputs import Contraction, roundoff_of
from .preflight import Baseline
from .progress import ProgressBar
from .protocol import Backend, Capability, Gradient, Layout, Problem
from .randomness import HostRandomState


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
    coordinates = sum(layout.parameters[i].size for i in chosen)
    _require_budget(coordinates, options.max_evaluations)
    contraction = Contraction(options.seed)
    with ProgressBar(expected_evaluations(coordinates), options.progress) as bar:
        evaluator = Evaluator(problem, contraction, random_state, options.max_evaluations, bar.advance)
        random_state.fix()
        baseline = preflight.establish(problem, evaluator, random_state, _roundoff(layout, precision))
        random_state.fix()
        claim = _claim(case, problem, contraction, baseline)
        preflight.require_unchanged(problem, evaluator, baseline.theta)
        noise = measure_noise(evaluator, baseline, layout, chosen)
        claimed = {i: Claimed.of(claim.d_theta[layout.parameters[i].range], claim.dtypes[i]) for i in chosen}
        derivatives = measure(evaluator, layout, baseline, claimed, noise, options.epsilon)
        preflight.require_unchanged(problem, evaluator, baseline.theta)
        preflight.require_repeated(evaluator, baseline)
    evidence = tuple(Evidence(layout.parameters[i], claimed[i], derivatives[i]) for i in chosen)
    notes = (*claim.notes, *observations(evidence, layout, noise, baseline, evaluator.not_finite))
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


def _require_budget(coordinates: int, budget: int | None) -> None:
    needed = least_evaluations(coordinates)
    if budget is not None and needed > budget:
        msg = (
            f"`max_evaluations={budget}`: every coordinate takes two evaluations, {needed} in all with those before "
            "and after; raise it, or choose fewer parameters with `include=`"
        )
        raise InvalidInputError(msg)


def _roundoff(layout: Layout, precision: str) -> float:
    return max(roundoff_of("float64" if precision == "float64" else p.dtype) for p in layout.parameters)


def _precision_used(layout: Layout, precision: str) -> str:
    if precision == "float64":
        return precision
    return ", ".join(sorted({parameter.dtype for parameter in layout.parameters}))

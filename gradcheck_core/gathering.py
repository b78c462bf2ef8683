"""From a case to the evidence about its gradient: claimed and numeric derivatives, side by side."""

from dataclasses import dataclass
from typing import final

import numpy as np

from . import claims, preflight, registry, selection
from .assessment import Evidence, norm
from .case import GradientCase
from .errors import GradcheckError, InvalidInputError
from .evaluator import Evaluator
from .measuring import Claimed, expected_evaluations, least_evaluations, measure, measure_noise
from .observations import observations
from .options import CheckOptions
from .outputs import Contraction, roundoff_of
from .preflight import Baseline
from .progress import ProgressBar
from .protocol import Backend, Gradient, Layout, Parameter, Problem
from .randomness import HostRandomState


@final
@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found out before anything is judged.

    Attributes
    ----------
    baseline : Baseline
        Theta and J.
    evidence : tuple of Evidence
        One for each checked parameter.
    evaluations : int
        Calls of the cost, besides those of automatic differentiation.
    precision : str
        In which the cost was evaluated.
    notes : tuple of str
        For the reader.
    sensitivity : dict
        By parameter, how much its float64 gradient changes, as a norm, when theta is rounded to the parameters' own
        precision; only where those are below float64 and the gradient is the backend's.
    unmoved : tuple of str
        Parameters that can be moved without any change of the cost.
    """

    baseline: Baseline
    evidence: tuple[Evidence, ...]
    evaluations: int
    precision: str
    notes: tuple[str, ...]
    sensitivity: dict[str, float]
    unmoved: tuple[str, ...]


class InsistsOnItsPrecisionError(Exception):
    """A cost of lower precision raised when it was evaluated in float64; the cause may be just that."""


def lower_precision(layout: Layout) -> tuple[Parameter, ...]:
    """The parameters whose own dtype is below float64."""
    return tuple(p for p in layout.parameters if roundoff_of(p.dtype) > roundoff_of("float64"))


def gather_in(precision: str, adapter: Backend, case: GradientCase, options: CheckOptions) -> Findings:
    """Open the case in one precision and gather the evidence.

    Raises
    ------
    InsistsOnItsPrecisionError
        If parameters of lower precision were evaluated in float64 and the cost raised.
    """
    with HostRandomState(options.seed) as random_state:
        try:
            problem = adapter.open(case.cost, case.params, case.args, precision, options.seed)
        except GradcheckError:
            raise
        except Exception as error:
            if precision == "float64":
                raise InsistsOnItsPrecisionError from error
            raise
        with problem:
            lower = lower_precision(problem.layout)
            try:
                return _gather_from(problem, random_state, case, options, precision)
            except GradcheckError:
                raise
            except Exception as error:
                if lower and precision == "float64":
                    raise InsistsOnItsPrecisionError from error
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
        sensitivity = _sensitivity(problem, case, contraction, claim, chosen) if precision == "float64" else {}
        preflight.require_unchanged(problem, evaluator, baseline.theta)
        noise = measure_noise(evaluator, baseline, layout, chosen, options.epsilon)
        claimed = {i: Claimed.of(claim.d_theta[layout.parameters[i].range], claim.dtypes[i]) for i in chosen}
        derivatives = measure(evaluator, layout, baseline, claimed, noise, options.epsilon)
        preflight.require_unchanged(problem, evaluator, baseline.theta)
        preflight.require_repeated(evaluator, baseline)
    evidence = tuple(Evidence(layout.parameters[i], claimed[i], derivatives[i]) for i in chosen)
    unmoved = tuple(layout.parameters[i].name for i in chosen if i not in evaluator.moving)
    notes = (*claim.notes, *observations(evidence, unmoved, layout, noise, baseline, evaluator.not_finite))
    used = _precision_used(layout, precision)
    return Findings(baseline, evidence, evaluator.evaluations, used, notes, sensitivity, unmoved)


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


def _sensitivity(
    problem: Problem, case: GradientCase, contraction: Contraction, claim: Gradient, chosen: tuple[int, ...]
) -> dict[str, float]:
    if case.grads is not None or not lower_precision(problem.layout):
        return {}
    parameters = problem.layout.parameters
    present = [problem.read(i) for i in range(len(parameters))]
    generator = np.random.default_rng(0)
    for i, values in enumerate(present):
        rounding = 2 * roundoff_of(parameters[i].dtype) * generator.choice([-1.0, 1.0], size=values.size)
        problem.write(i, slice(None), values * (1 + rounding))
    rounded = problem.gradient(contraction.weights).d_theta
    for i, values in enumerate(present):
        problem.write(i, slice(None), values)
    return {parameters[i].name: norm((rounded - claim.d_theta)[parameters[i].range]) for i in chosen}


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

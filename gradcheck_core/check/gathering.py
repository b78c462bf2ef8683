"""From a case to the evidence about its gradient: the problem is opened in one precision, and always closed."""

from dataclasses import dataclass, replace
from typing import final

from ..case import CheckOptions, GradientCase, select
from ..errors import GradcheckError
from ..evaluate import preflight
from ..evaluate.evaluator import Evaluator
from ..evaluate.limits import CERTIFICATE_EVALUATIONS, Limits, expected_evaluations, least_evaluations
from ..evaluate.preflight import Baseline
from ..evaluate.progress import ProgressBar
from ..evaluate.session import Session
from ..evaluate.sources import Answering
from ..measure.curves import trace
from ..measure.evidence import Gathered
from ..measure.exhaustive import gather_first_order
from ..measure.hessian import gather_second_order
from ..measure.projected.gather import gather_projected
from ..protocol.backend import Backend, Problem
from ..protocol.layout import Layout
from ..protocol.outputs import Contraction, is_below_float64, roundoff_of
from ..protocol.randomness import HostRandomState


@final
@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found out before anything is judged.

    Attributes
    ----------
    baseline : Baseline
        Theta and J.
    gathered : Gathered
        The evidence.
    evaluations : int
        Calls of the cost, besides those of automatic differentiation; with order=2 those of the gradient too.
    precision : str
        In which the cost was evaluated.
    method : str
        How the derivatives were taken.
    layout : Layout
        Of theta.
    stopped : str
        Which limit ended it before every coordinate or direction was measured; empty where none did.
    """

    baseline: Baseline
    gathered: Gathered
    evaluations: int
    precision: str
    method: str
    layout: Layout
    stopped: str = ""


class InsistsOnItsPrecisionError(Exception):
    """A cost of lower precision raised when it was evaluated in float64; the cause may be just that."""


def gather_in(precision: str, adapter: Backend, case: GradientCase, options: CheckOptions) -> Findings:
    """Open the case in one precision and gather the evidence.

    Raises
    ------
    InsistsOnItsPrecisionError
        If parameters of lower precision were evaluated in float64 and the cost raised.
    """
    with (
        Answering(adapter, case, options, precision) as answering,
        HostRandomState(options.seed) as random_state,
    ):
        try:
            problem = adapter.open(case.cost, case.params, case.args, precision, options.seed)
        except GradcheckError:
            raise
        except Exception as error:
            if precision == "float64":
                raise InsistsOnItsPrecisionError from error
            raise
        with problem:
            lower = any(is_below_float64(parameter.dtype) for parameter in problem.layout.parameters)
            try:
                return _gather_from(problem, random_state, answering, adapter, case, options, precision)
            except GradcheckError:
                raise
            except Exception as error:
                if lower and precision == "float64":
                    raise InsistsOnItsPrecisionError from error
                raise


def _gather_from(
    problem: Problem,
    random_state: HostRandomState,
    answering: Answering,
    adapter: Backend,
    case: GradientCase,
    options: CheckOptions,
    precision: str,
) -> Findings:
    layout = problem.layout
    chosen = select(layout, options.include, options.exclude)
    sizes = [layout.parameters[i].size for i in chosen]
    method = _method(options, sum(sizes))
    contraction = Contraction(options.seed)
    expected = _EXPECTED[method](sizes)
    expected = expected if options.max_evaluations is None else min(expected, options.max_evaluations)
    with ProgressBar(expected, options.progress) as bar:
        limits = Limits.starting_now(options.max_evaluations, options.max_seconds)
        evaluator = Evaluator(problem, contraction, random_state, limits, bar.advance)
        random_state.fix()
        baseline = preflight.establish(problem, evaluator, random_state, _roundoff(layout, precision))
        bar.announce(evaluator.seconds_each)
        evaluator.answer_from(answering.begin(layout, baseline))
        session = Session(
            adapter, case, options, precision, problem, evaluator, contraction, random_state, baseline, chosen
        )
        gathered = _GATHER[method](session)
        stopped = _stopped(options, method) if evaluator.ran_out else ""
        if options.order == 1:
            gathered = replace(gathered, curves=trace(session, gathered.evidence, gathered.noise))
        preflight.require_unchanged(problem, baseline.theta)
        preflight.require_repeated(evaluator, baseline)
    gathered = replace(gathered, notes=(*gathered.notes, *answering.notes))
    return Findings(
        baseline, gathered, evaluator.evaluations, _precision_used(layout, precision), method, layout, stopped
    )


_GATHER = {"exhaustive": gather_first_order, "projected": gather_projected, "directions": gather_second_order}

_EXPECTED = {
    "exhaustive": expected_evaluations,
    "projected": lambda sizes: CERTIFICATE_EVALUATIONS,
    "directions": expected_evaluations,
}

_MOST_EXHAUSTIVE = 10_000
"""Coordinates up to which each is measured: decided by counts alone, so that a check goes the same way everywhere."""


def _method(options: CheckOptions, coordinates: int) -> str:
    if options.order == 2:
        return "directions"
    if options.method != "auto":
        return options.method
    most = options.max_evaluations
    affordable = most is None or least_evaluations(coordinates) <= most
    return "exhaustive" if coordinates <= _MOST_EXHAUSTIVE and affordable else "projected"


def _stopped(options: CheckOptions, method: str) -> str:
    given = {"max_evaluations": options.max_evaluations, "max_seconds": options.max_seconds}
    limits = " or ".join(f"`{name}={value}`" for name, value in given.items() if value is not None)
    fewer = ", or pass method='projected'" if method == "exhaustive" and options.scheme == "central" else ""
    return f"stopped at {limits} before everything was measured; raise it{fewer}"


def _roundoff(layout: Layout, precision: str) -> float:
    return max(roundoff_of("float64" if precision == "float64" else p.dtype) for p in layout.parameters)


def _precision_used(layout: Layout, precision: str) -> str:
    if precision == "float64":
        return precision
    return ", ".join(sorted({parameter.dtype for parameter in layout.parameters}))

"""From a case to the evidence about its gradient: a session in one precision, and what is measured in it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..case import CheckOptions, GradientCase, select
from ..errors import GradcheckError
from ..evaluate import preflight
from ..evaluate.journal import Journal
from ..evaluate.limits import CERTIFICATE_EVALUATIONS, Limits, expected_evaluations, least_evaluations
from ..evaluate.session import Opened, Session, open_case
from ..evaluate.sources import prepare_sources
from ..measure.evidence import Findings, Gathered
from ..measure.exhaustive import gather_first_order
from ..measure.hessian import gather_second_order
from ..measure.projected.gather import gather_projected
from ..protocol.backend import Backend
from ..protocol.layout import Layout
from ..protocol.outputs import is_below_float64, roundoff_of

if TYPE_CHECKING:
    from ..evaluate.progress import ProgressBar

_LONG = 20.0
"""Seconds from which a check says beforehand how long it will take."""

_MOST_EXHAUSTIVE = 10_000
"""Coordinates up to which each is measured: decided by counts alone, so that a check goes the same way everywhere."""

_GATHER: dict[str, Callable[[Session], Gathered]] = {
    "exhaustive": gather_first_order,
    "projected": gather_projected,
    "directions": gather_second_order,
}


class InsistsOnItsPrecisionError(Exception):
    """A cost of lower precision raised when it was evaluated in float64; the cause may be just that."""


@contextmanager
def begin_session(
    precision: str, adapter: Backend, case: GradientCase, options: CheckOptions, opened: Opened | None = None
) -> Iterator[Session]:
    """Open the case in one precision, unless it is open, and evaluate it twice at theta.

    Everything that is opened here is closed, whatever happens. Raises InsistsOnItsPrecisionError if parameters of lower
    precision were evaluated in float64 and the cost raised.
    """
    with ExitStack() as stack:
        begin, journal = None, None
        if options.n_jobs != 1 or options.journal is not None or options.max_seconds is not None:
            # Before the problem is opened: a case that cannot travel, and another check's journal, are refused first.
            begin, journal = stack.enter_context(prepare_sources(adapter, case, options, precision))
        problem = opened
        try:
            if problem is None:
                problem = stack.enter_context(open_case(precision, adapter, case, options.seed))
            session = _start(problem, stack, precision, adapter, case, options, journal)
            if begin is not None:
                begin(session.layout, session.baseline, session.evaluator)
            yield session
        except GradcheckError:
            raise
        except Exception as error:
            if precision == "float64" and (problem is None or is_lower(problem.problem.layout)):
                raise InsistsOnItsPrecisionError from error
            raise


def _start(
    opened: Opened,
    stack: ExitStack,
    precision: str,
    adapter: Backend,
    case: GradientCase,
    options: CheckOptions,
    journal: Journal | None,
) -> Session:
    """Evaluate an open case at theta; the progress bar is left with the stack."""
    layout = opened.problem.layout
    chosen = select(layout, options.include, options.exclude)
    expected = _expected_evaluations(options, [layout.parameters[i].size for i in chosen])
    bar = _progress_bar(expected, options.progress)
    if bar is not None:
        stack.enter_context(bar)
    limits = Limits.starting_now(options.max_evaluations, options.max_seconds)
    evaluator = opened.evaluator(limits, None if bar is None else bar.advance)
    opened.random_state.fix()
    held_in = ["float64"] if precision == "float64" else [p.dtype for p in layout.parameters]
    roundoff = max(map(roundoff_of, held_in))
    baseline = preflight.establish(opened.problem, evaluator, opened.random_state, roundoff)
    _announce(expected, baseline.seconds, options.progress)
    return Session(
        adapter=adapter,
        case=case,
        options=options,
        precision=precision,
        problem=opened.problem,
        evaluator=evaluator,
        contraction=opened.contraction,
        random_state=opened.random_state,
        baseline=baseline,
        chosen=chosen,
        journal=journal,
    )


def gather(session: Session) -> Findings:
    """Measure, by the method that was asked for, and evaluate once more at theta."""
    options, layout, evaluator = session.options, session.layout, session.evaluator
    method = _method(options, sum(layout.parameters[i].size for i in session.chosen))
    gathered = _GATHER[method](session)
    stopped = _say_what_stopped(options, method) if evaluator.tally.ran_out else ""
    preflight.require_unchanged(session.problem, session.baseline.theta)
    preflight.require_repeated(evaluator, session.baseline)
    if session.journal is not None:
        gathered = replace(gathered, notes=(*gathered.notes, *session.journal.notes))
    dtypes = ", ".join(sorted({parameter.dtype for parameter in layout.parameters}))
    precision = "float64" if session.precision == "float64" else dtypes
    return Findings(session.baseline, gathered, evaluator.evaluations, precision, method, layout, stopped)


def is_lower(layout: Layout) -> bool:
    """Whether any parameter is of lower precision than float64."""
    return any(is_below_float64(parameter.dtype) for parameter in layout.parameters)


def _method(options: CheckOptions, coordinates: int) -> str:
    if options.order == 2:
        return "directions"
    if options.method != "auto":
        return options.method
    most = options.max_evaluations
    affordable = most is None or least_evaluations(coordinates) <= most
    return "exhaustive" if coordinates <= _MOST_EXHAUSTIVE and affordable else "projected"


def _expected_evaluations(options: CheckOptions, sizes: list[int]) -> int:
    projected = _method(options, sum(sizes)) == "projected"
    expected = CERTIFICATE_EVALUATIONS if projected else expected_evaluations(sizes)
    return expected if options.max_evaluations is None else min(expected, options.max_evaluations)


def _progress_bar(expected: int, shown: bool | None) -> "ProgressBar | None":
    """None where nobody would see it: it is made for a terminal only, unless it was asked for."""
    if shown is False or (shown is None and not (sys.stderr and sys.stderr.isatty())):
        return None
    from ..evaluate.progress import ProgressBar

    return ProgressBar(expected, shown)


def _announce(expected: int, seconds_each: float, shown: bool | None) -> None:
    if shown is not False and expected * seconds_each > _LONG:
        from ..evaluate.progress import announce

        announce(expected, seconds_each, shown)


def _say_what_stopped(options: CheckOptions, method: str) -> str:
    given = {"max_evaluations": options.max_evaluations, "max_seconds": options.max_seconds}
    limits = " or ".join(f"`{name}={value}`" for name, value in given.items() if value is not None)
    fewer = ", or pass method='projected'" if method == "exhaustive" and options.scheme == "central" else ""
    return f"stopped at {limits} before everything was measured; raise it{fewer}"

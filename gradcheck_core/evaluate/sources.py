"""Where the answers of one check come from: this process or a pool, and a journal in front of either."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import final

from ..case import CheckOptions, GradientCase
from ..protocol.backend import Backend
from ..protocol.layout import Layout
from .evaluator import Evaluator
from .journal import Journal
from .preflight import Baseline
from .requests import MOST_AT_A_TIME, Part, Request, Source, power_of_two

UNIT_SECONDS = 1.0
"""How much work a killed process loses at most, about, and how late a check ends after its time."""

Begin = Callable[[Layout, Baseline, Evaluator], None]
"""Connects an evaluator to its source once J is known."""


@contextmanager
def prepare_sources(
    adapter: Backend, case: GradientCase, options: CheckOptions, precision: str
) -> Iterator[tuple[Begin, Journal | None]]:
    """Prepare the sources of one check in one precision, before its problem is opened.

    So a case that cannot travel, and the journal of another check, are refused before anything is evaluated.
    """
    with ExitStack() as opened:
        open_pool = None
        if options.n_jobs != 1:
            from .pool import prepare  # joblib takes as long to import as all the rest of the core

            open_pool = prepare(adapter, case, options, precision)
        journal = None
        if options.journal is not None:
            deciding = options.collect_deciding()
            journal = opened.enter_context(Journal(options.journal, adapter.name, deciding, precision))

        def begin(layout: Layout, baseline: Baseline, evaluator: Evaluator) -> None:
            source: Source = InUnits(evaluator).answers
            if open_pool is not None:
                source = opened.enter_context(open_pool(baseline, evaluator))
            if journal is not None:
                source = journal.begin(layout, baseline, evaluator, source)
            evaluator.answer_from(source)

        yield begin, journal


@final
class InUnits:
    """Evaluates in this process, in units that take about a second each.

    A unit is at most four times as large as the last one: the first evaluations can be faster than the rest.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._most = 1

    def answers(self, request: Request) -> Iterator[Part]:
        start = 0
        while start < request.size:
            stop = min(start + self._most, request.size)
            began = time.perf_counter()
            yield start, self._evaluator.evaluate(request.part(start, stop))
            each = max((time.perf_counter() - began) / (stop - start), 1e-9)
            self._most = power_of_two(min(4 * (stop - start), int(UNIT_SECONDS / each), MOST_AT_A_TIME))
            start = stop

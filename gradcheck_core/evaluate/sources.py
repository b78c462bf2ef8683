"""Where the answers of one check come from: this process or a pool, and a journal in front of either."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self, final

from ..case import CheckOptions, GradientCase
from ..protocol.backend import Backend
from ..protocol.layout import Layout
from .journal import UNIT_SECONDS, Journal
from .preflight import Baseline
from .requests import InProcess, InUnits, Source


@final
class Answering:
    """The sources of one check in one precision.

    They are prepared before the problem is opened: a case that cannot travel, and the journal of another check, are
    refused before anything is evaluated. `begin` follows once J is known.
    """

    def __init__(self, adapter: Backend, case: GradientCase, options: CheckOptions, precision: str) -> None:
        self._options = options
        self._opened = ExitStack()
        self._open_pool = None
        if options.n_jobs != 1:
            from .pool import prepare  # joblib takes as long to import as all the rest of the core

            self._open_pool = prepare(adapter, case, options, precision)
        self._journal: Journal | None = None
        if options.journal is not None:
            self._journal = self._opened.enter_context(
                Journal(options.journal, adapter.name, options.collect_deciding(), precision)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def begin(self, layout: Layout, baseline: Baseline) -> Source:
        """The source of all answers, now that J at theta is known."""
        in_one_go = self._journal is None and self._options.max_seconds is None
        source: Source = InProcess() if in_one_go else InUnits(UNIT_SECONDS)
        if self._open_pool is not None:
            source = self._opened.enter_context(self._open_pool(baseline))
        if self._journal is None:
            return source
        self._journal.begin(layout, baseline, source)
        return self._journal

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the report."""
        dropped = 0 if self._journal is None else self._journal.dropped
        if not dropped:
            return ()
        return (
            f"{dropped} lines of the journal answered what this check did not ask, as after a change of the claimed "
            "gradient or of gradcheck; they were replaced",
        )

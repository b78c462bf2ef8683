"""A progress bar for checks that take longer than a second."""

import datetime
import sys
import time
from types import TracebackType
from typing import Self, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PATIENCE = 1.0
"""Seconds before the bar appears: a check that is over by then needs none."""

_WINDOW = 30.0
"""Seconds of the recent past from which the remaining time is estimated."""


@final
class ProgressBar:
    """Counts evaluations; after a second it shows how many are done and, from their pace, the time that remains.

    It is shown always (True), never (False), or on a terminal (None).
    """

    def __init__(self, total: int, shown: bool | None) -> None:
        console = _console(shown)
        self._wanted = console.is_terminal if shown is None else shown
        self._bar = Progress(
            TextColumn("checking"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("evaluations,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=sys.stderr.isatty(),
            speed_estimate_period=_WINDOW,
        )
        self._task = self._bar.add_task("checking", total=total)
        self._visible_from = time.monotonic() + PATIENCE
        self._pending = 0
        self._next_update = self._visible_from

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar.live.is_started:
            self._bar.advance(self._task, self._pending)
            self._bar.stop()

    def advance(self, count: int) -> None:
        """Count evaluations. Cheap: the bar itself is touched ten times a second."""
        self._pending += count
        if not self._wanted or (now := time.monotonic()) < self._next_update:
            return
        if not self._bar.live.is_started:
            self._bar.start()
        self._bar.advance(self._task, self._pending)
        self._pending = 0
        self._next_update = now + 0.1


def announce(total: int, seconds_each: float, shown: bool | None) -> None:
    """Say how long a check will take at most, given the seconds that one evaluation takes."""
    _console(shown).print(
        f"gradcheck: about {total:,} evaluations of {1e3 * seconds_each:.2g} ms each: "
        f"{datetime.timedelta(seconds=round(total * seconds_each))}, or less if several are made at once",
        highlight=False,
    )


def _console(shown: bool | None) -> Console:
    return Console(stderr=True, force_terminal=True if shown else None)

"""The lines at the end of a test run that say what was checked."""

from collections import Counter
from dataclasses import dataclass
from typing import final

import pytest

from .records import Record


@final
@dataclass(frozen=True, slots=True)
class _Seen:
    test: str
    record: Record


@final
class Summary:
    """Gathers the checks of all tests; of those that ran in other processes too, since it reads their reports."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks from a test's last report, which has those of all its phases."""
        if report.when == "teardown":
            self._seen += [_Seen(report.nodeid, record) for record in Record.all_of(report.user_properties)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the lines, where there was a check."""
        if not self._seen:
            return
        terminalreporter.section("gradient checks")
        for line in self._lines():
            terminalreporter.write_line(line)

    def _lines(self) -> list[str]:
        records = [seen.record for seen in self._seen]
        verdicts = Counter(record.verdict for record in records)
        tests = len({seen.test for seen in self._seen})
        evaluations = sum(record.evaluations for record in records)
        seconds = sum(record.seconds for record in records)
        worst = max(self._seen, key=lambda seen: seen.record.difference)
        slowest = max(self._seen, key=lambda seen: seen.record.seconds)
        return [
            f"{_counted(len(records), 'check')} in {_counted(tests, 'test')}: "
            + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
            f"{_counted(evaluations, 'evaluation')} in {seconds:.2f} s",
            f"worst difference {worst.record.difference:.1e} ({worst.record.verdict}): {worst.test}",
            f"slowest {slowest.record.seconds:.2f} s, {_counted(slowest.record.evaluations, 'evaluation')}: "
            f"{slowest.test}",
        ]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

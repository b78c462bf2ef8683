"""The lines at the end of a test run that say what was checked."""

from collections import Counter
from dataclasses import dataclass
from typing import final

import pytest

from .records import Record


@final
@dataclass(frozen=True, slots=True)
class _TestedRecord:
    test: str
    record: Record


@final
class Summary:
    """Gathers the checks of all tests from their reports, so tests that ran in other processes count too."""

    def __init__(self) -> None:
        self._seen: list[_TestedRecord] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks from a test's last report, which has those of every phase."""
        if report.when == "teardown":
            self._seen += [_TestedRecord(report.nodeid, record) for record in Record.all_of(report.user_properties)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the lines, if anything was checked."""
        if not self._seen:
            return
        terminalreporter.section("gradient checks")
        for line in self._write_lines():
            terminalreporter.write_line(line)

    def _write_lines(self) -> list[str]:
        records = [seen.record for seen in self._seen]
        verdicts = Counter(record.verdict for record in records)
        tests = len({seen.test for seen in self._seen})
        evaluations = sum(record.evaluations for record in records)
        seconds = sum(record.seconds for record in records)
        worst = max(self._seen, key=lambda seen: seen.record.difference)
        slowest = max(self._seen, key=lambda seen: seen.record.seconds)
        return [
            f"{_count(len(records), 'check')} in {_count(tests, 'test')}: "
            + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
            f"{_count(evaluations, 'evaluation')} in {seconds:.2f} s",
            f"worst difference {worst.record.difference:.1e} ({worst.record.verdict}): {worst.test}",
            f"slowest {slowest.record.seconds:.2f} s, {_count(slowest.record.evaluations, 'evaluation')}: "
            f"{slowest.test}",
        ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

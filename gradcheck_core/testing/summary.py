"""The lines at the end of a test run that say what was checked."""

from collections import Counter
from typing import final

import pytest

from .records import Record


@final
class Summary:
    """Gathers the checks of all tests from their reports, so tests that ran in other processes count too."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, Record]] = []  # with the test's node id

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks from a test's last report, which has those of every phase."""
        if report.when == "teardown":
            self._seen += [(report.nodeid, record) for record in Record.all_of(report.user_properties)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the lines, if anything was checked."""
        if not self._seen:
            return
        terminalreporter.section("gradient checks")
        for line in self._write_lines():
            terminalreporter.write_line(line)

    def _write_lines(self) -> list[str]:
        tests, records = zip(*self._seen, strict=True)
        verdicts = Counter(record.verdict for record in records)
        evaluations = sum(record.evaluations for record in records)
        seconds = sum(record.seconds for record in records)
        worst_test, worst = max(self._seen, key=lambda seen: seen[1].difference)
        slowest_test, slowest = max(self._seen, key=lambda seen: seen[1].seconds)
        return [
            f"{_count(len(records), 'check')} in {_count(len(set(tests)), 'test')}: "
            + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
            f"{_count(evaluations, 'evaluation')} in {seconds:.2f} s",
            f"worst difference {worst.difference:.1e} ({worst.verdict}): {worst_test}",
            f"slowest {slowest.seconds:.2f} s, {_count(slowest.evaluations, 'evaluation')}: {slowest_test}",
        ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

"""A test that asks for checks: its name, its options from the command line, and what it keeps of each check."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from ..errors import GradientCheckError
from ..report.files import file_name
from .records import Property, Record

if TYPE_CHECKING:
    from ..migration.parity.report import ParityReport
    from ..report.gradient import GradientReport


@final
@dataclass(frozen=True, slots=True)
class Asker:
    """A test that asks for checks, with the backend and the seed of those that do not pass one."""

    test: str  # its node id
    properties: list[Property]  # the test's user properties; each check adds some
    backend: str | None
    seed: int
    pages: Path | None  # the folder for pages, if any are wanted
    command: str  # runs the test again

    def options(self, given: dict[str, object]) -> dict[str, object]:
        """Add the command line's seed and backend to the options of a check that does not pass them."""
        return {"seed": self.seed, "backend": self.backend, **given}

    def keep(self, record: Record, report: "GradientReport | ParityReport", again: str) -> None:
        """Record a check, write its page if one is wanted, and raise if it did not pass.

        The error is the report and the command that repeats the check: `command` with `again` behind it.
        """
        __tracebackhide__ = True
        number = len(Record.all_of(self.properties)) + 1
        self.properties.extend(record.as_properties(number))
        if self.pages is not None:
            self.pages.mkdir(parents=True, exist_ok=True)
            report.to_html(self.pages / f"{file_name(self.test)}.{number}.html")
        if not report.passed:
            message = f"{report}\n\nReplay: {self.command}{again}"
            raise GradientCheckError(message)

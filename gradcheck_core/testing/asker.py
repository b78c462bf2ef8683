"""A test that asks for checks: what it is called, what the command line says, and what it keeps of each check."""

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
    """The test that asks, and what the command line says.

    Attributes
    ----------
    test : str
        Its node id.
    properties : list
        Its user properties, to which each check adds.
    backend : str or None
        For checks that name none.
    seed : int
        For checks that name none.
    pages : Path or None
        The directory for pages.
    command : str
        Runs the test again.
    """

    test: str
    properties: list[Property]
    backend: str | None
    seed: int
    pages: Path | None
    command: str

    def options(self, given: dict[str, object]) -> dict[str, object]:
        """The options of a check: those given, and the command line's where it names none."""
        return {"seed": self.seed, "backend": self.backend, **given}

    def keep(self, record: Record, report: "GradientReport | ParityReport", again: str) -> None:
        """Add a check to those of the test, write its page if one is wanted, and raise if it did not pass.

        Raises
        ------
        GradientCheckError
            Whose text is the report, and the command that repeats the check; `again` is what that needs besides.
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

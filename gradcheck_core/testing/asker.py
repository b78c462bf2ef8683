"""A test that asks for checks: what it is called, what the command line says, and what it keeps of each check."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import gradcheck_core

from .records import Property, Record

if TYPE_CHECKING:
    from gradcheck_core import GradientReport, ParityReport

_LONGEST = 120
"""Characters of a file's name before its digest; file systems allow 255 bytes."""


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
            raise gradcheck_core.GradientCheckError(message)


def file_name(text: str) -> str:
    """A text as part of a file's name; another text has another one."""
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")
    if plain == text and len(text) <= _LONGEST:
        return text
    # what was replaced or cut off may be all that tells two texts apart
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    return f"{plain[-_LONGEST:].strip('-.')}-{digest}"

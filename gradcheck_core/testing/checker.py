"""What the fixtures hand to a test: a check that asserts, records itself, and says how to run it again."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import gradcheck_core

from .records import Property, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_core import GradientReport

_LONGEST = 120
"""Characters of a page's name before its digest; file systems allow 255 bytes."""


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
    replay : str
        The command that runs the test again, but for the seed.
    """

    test: str
    properties: list[Property]
    backend: str | None
    seed: int
    pages: Path | None
    replay: str

    def keep(self, record: Record) -> int:
        """Add a record to the test's; gives its number, counted from 1."""
        number = len(Record.all_of(self.properties)) + 1
        self.properties.extend(record.as_properties(number))
        return number

    def page(self, number: int) -> Path | None:
        """Where the page of a check goes, or None where none is wanted."""
        if self.pages is None:
            return None
        self.pages.mkdir(parents=True, exist_ok=True)
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.test)
        # what was replaced or cut off may be all that tells two tests apart
        digest = hashlib.blake2b(f"{self.test} {number}".encode(), digest_size=4).hexdigest()
        return self.pages / f"{plain[-_LONGEST:].strip('-.')}-{number}-{digest}.html"


@final
class Checker:
    """``gradcheck(cost, params, grads=None, **options)``: takes what `check_gradients` takes, and asserts.

    Options that are left out come from the command line: the seed, and the backend where one is named.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def __call__(
        self, cost: "Callable[..., object]", params: object, grads: object = None, **options: Any
    ) -> "GradientReport":
        """Check a gradient.

        Returns
        -------
        GradientReport
            Of a check that passed.

        Raises
        ------
        GradientCheckError
            Whose text is the report, and the command that repeats the check.
        """
        __tracebackhide__ = True
        asker = self._asker
        given = {"seed": asker.seed, "backend": asker.backend, **options}
        report = gradcheck_core.check_gradients(cost, params, grads, **given)
        number = asker.keep(
            Record(
                report.verdict.value,
                report.difference,
                report.resolution,
                report.backend,
                report.evaluations,
                report.seconds,
            )
        )
        page = asker.page(number)
        if page is not None:
            report.to_html(page)
        if not report.passed:
            message = f"{report}\n\nReplay: {asker.replay} --gradcheck-seed={given['seed']}"
            raise gradcheck_core.GradientCheckError(message)
        return report

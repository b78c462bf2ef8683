"""The result of a comparison: a frozen record that can say itself as text, as plain values and as a page."""

from dataclasses import dataclass
from typing import Any, final

from ...report.base import finite, to_plain
from ...report.extras import require_report_extra
from .records import ParityRecord
from .records import SideReport as SideReport
from .text import render_text

FORMAT_VERSION = 1
"""Of `ParityReport.to_dict`; grows when a key changes its meaning or goes."""


@final
@dataclass(frozen=True, slots=True)
class ParityReport(ParityRecord):
    """The outcome of a comparison. `str(report)` is the text for a person, `to_dict` and `to_json` are for programs.

    Attributes
    ----------
    verdict : Verdict
        The worst of the pairs', and BUG where finite differences contradict a side.
    outcome : Outcome
        What differs first.
    reference : str
        The name of the side that the others were compared with.
    sides : mapping of str to SideReport
        What each says of itself, the reference too.
    pairs : tuple of Pair
        Each other side against the reference.
    seconds : float
        Wall-clock time of the whole comparison.
    notes : tuple of str
        What else a reader should know.
    """

    def __str__(self) -> str:
        return render_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with stable keys; numbers that are not finite become strings."""
        return {
            "format_version": FORMAT_VERSION,
            "verdict": self.verdict.value,
            "passed": self.passed,
            "outcome": self.outcome.value,
            "reference": self.reference,
            "cost_difference": finite(self.cost_difference),
            "forward_agrees": self.forward_agrees,
            "culprit": self.culprit,
            "diagnosis": to_plain(self.diagnosis),
            "rows": [row.to_dict() for row in self.rows],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "sides": {
                name: {
                    "backend": side.backend,
                    "cost": finite(side.cost),
                    "contradicted": list(side.contradicted),
                    "report": None if side.report is None else side.report.to_dict(),
                }
                for name, side in self.sides.items()
            },
            "seconds": self.seconds,
            "notes": list(self.notes),
        }

    def _page(self) -> str:
        require_report_extra("to_html")
        # Jinja2 and matplotlib are an extra, and take longer to import than most checks
        from .page import parity_page

        return parity_page(self)

"""The result of a comparison as frozen records; no computation here beyond picking the worst."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, final

from ...report.base import Report, finite
from ...report.extras import require_report_extra
from ...report.gradient import GradientReport
from ...report.verdict import Verdict
from .rows import LikelyCause, Outcome, Pair, ParityRow, reasons
from .text import render_text

FORMAT_VERSION = 1
"""Of `ParityReport.to_dict`; grows when a key changes its meaning or goes."""


@final
@dataclass(frozen=True, slots=True)
class SideReport:
    """What one side says of itself.

    Attributes
    ----------
    name, backend : str
        The side's name, and the framework that computed it.
    cost : float
        J at its values.
    contradicted : tuple of str
        Its parameters of which finite differences contradict the gradient.
    report : GradientReport or None
        What they say in full; None for a stored side.
    """

    name: str
    backend: str
    cost: float
    contradicted: tuple[str, ...] = ()
    report: GradientReport | None = None


@final
@dataclass(frozen=True, slots=True)
class ParityReport(Report):
    """The outcome of a comparison. `str(report)` is the text for a person, `to_dict` and `to_json` are for programs.

    Attributes
    ----------
    verdict : Verdict
        The worst of the pairs', and BUG where finite differences contradict a side.
    outcome : Outcome
        What differs first.
    reference : str
        The name of the side that the others were held against.
    sides : mapping of str to SideReport
        What each says of itself, the reference too.
    pairs : tuple of Pair
        Each other side against the reference.
    seconds : float
        Wall-clock time of the whole comparison.
    notes : tuple of str
        What else a reader should know.
    """

    verdict: Verdict
    outcome: Outcome
    reference: str
    sides: Mapping[str, SideReport]
    pairs: tuple[Pair, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "sides", MappingProxyType(dict(self.sides)))

    @property
    def sentence(self) -> str:
        """What was found, in one sentence for a person."""
        if self.is_off:
            return "It passes, but something differs by more than rounding."
        return self.outcome.sentence

    @property
    def is_off(self) -> bool:
        """Whether everything passes, and yet values, costs or gradients differ by more than rounding."""
        return self.outcome is Outcome.AGREE and any(pair.is_off for pair in self.pairs)

    @property
    def worst(self) -> Pair:
        """The pair with the worst outcome and, among those, the worst verdict."""
        return max(self.pairs, key=lambda pair: (pair.outcome.severity, pair.verdict.severity))

    @property
    def rows(self) -> tuple[ParityRow, ...]:
        """By pair and parameter."""
        return tuple(row for pair in self.pairs for row in pair.rows)

    @property
    def cost_difference(self) -> float:
        """The largest relative difference of a cost from the reference's."""
        return max(pair.cost_difference for pair in self.pairs)

    @property
    def forward_agrees(self) -> bool:
        """Whether every cost agrees with the reference's."""
        return all(pair.forward_agrees for pair in self.pairs)

    @property
    def culprit(self) -> str | None:
        """The side whose gradient finite differences contradict; None where it is none, or more than one."""
        contradicted = [side.name for side in self.sides.values() if side.contradicted]
        return contradicted[0] if len(contradicted) == 1 else None

    @property
    def diagnosis(self) -> LikelyCause | None:
        """The likely cause of the worst pair's difference."""
        return self.worst.diagnosis

    @property
    def unresolved(self) -> Mapping[str, str]:
        """The parameters that were not compared, each with why."""
        return reasons(self.rows)

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
            "diagnosis": None if self.diagnosis is None else asdict(self.diagnosis),
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

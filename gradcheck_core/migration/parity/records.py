"""What a comparison found, as frozen records; no computation here beyond picking the worst."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

from ...report.base import Report
from ...report.gradient import GradientReport
from ...report.verdict import Verdict
from .rows import LikelyCause, Outcome, Pair, ParityRow, reasons


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
        Its parameters whose gradient finite differences contradict.
    report : GradientReport or None
        Their report; None for a stored side.
    """

    name: str
    backend: str
    cost: float
    contradicted: tuple[str, ...] = ()
    report: GradientReport | None = None


@dataclass(frozen=True, slots=True)
class ParityRecord(Report):
    """What a comparison found; `ParityReport` has the fields' meanings, and can say itself."""

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
        """The side whose gradient finite differences contradict; None if there is none, or more than one."""
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

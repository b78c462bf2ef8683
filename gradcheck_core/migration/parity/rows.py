"""What a comparison of one side with the reference says, by parameter and in all."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

from ...report.base import to_plain
from ...report.verdict import Verdict

_BEYOND = 16.0
"""A difference this many times its resolution is a real one, however small: deep models round more often."""


def is_beyond_rounding(difference: float, resolution: float) -> bool:
    """Whether something differs by more than rounding, even if it is in the band of agreement."""
    return difference > _BEYOND * resolution


@final
class Outcome(enum.StrEnum):
    """What went wrong in a migration."""

    AGREE = "agree"
    UNDECIDED = "undecided"
    CONTRADICTED = "contradicted"
    GRADIENTS_DIFFER = "gradients differ"
    FORWARD_DIFFERS = "forward differs"
    VALUES_DIFFER = "values differ"

    @property
    def sentence(self) -> str:
        """What it means, in one sentence for a person."""
        return _SENTENCES[self]

    @property
    def severity(self) -> int:
        """Rank from best (0) to worst; what comes earlier in a model explains what comes later, and outranks it."""
        return list(Outcome).index(self)


_SENTENCES = {
    Outcome.AGREE: "Values, costs and gradients agree.",
    Outcome.UNDECIDED: "No difference was found, but not everything could be compared.",
    Outcome.CONTRADICTED: "The sides agree with each other, but finite differences contradict them.",
    Outcome.GRADIENTS_DIFFER: "The costs agree, but the gradients differ.",
    Outcome.FORWARD_DIFFERS: "The values agree, but the costs differ: the models are different functions.",
    Outcome.VALUES_DIFFER: "The values of the parameters differ: not all were carried over.",
}


@final
@dataclass(frozen=True, slots=True)
class LikelyCause:
    """What explains a difference, found by undoing it.

    Attributes
    ----------
    kind : str
        Which of the known mistakes; the page on migration lists them.
    sentence : str
        It, for a person.
    evidence : str
        What was undone and what came of it, with numbers.
    """

    kind: str
    sentence: str
    evidence: str


@final
@dataclass(frozen=True, slots=True)
class ParityRow:
    """One parameter of one side against the reference.

    Attributes
    ----------
    side : str
        Whose parameter it is.
    source : tuple of str
        The reference's names; empty where none is known.
    target : str
        The side's name; empty for a parameter of the reference that the mapping does not use.
    axes : tuple of int
        The permutation that carries the one onto the other.
    value_difference, value_resolution : float
        Relative, in [0, 1]; NaN if nothing was compared.
    gradient_difference, gradient_resolution : float
        The same of the gradients.
    verdict : Verdict
        The worse of both.
    values_verdict, gradient_verdict : Verdict
        Of each alone.
    why : str
        Why it was not compared; empty if it was.
    """

    side: str
    source: tuple[str, ...]
    target: str
    axes: tuple[int, ...]
    value_difference: float
    value_resolution: float
    gradient_difference: float
    gradient_resolution: float
    verdict: Verdict
    values_verdict: Verdict
    gradient_verdict: Verdict
    why: str = ""

    @property
    def name(self) -> str:
        """The side's name for it, or the reference's if the side has none."""
        return self.target or ", ".join(self.source)

    @property
    def values_are_off(self) -> bool:
        """Whether the values differ by more than rounding, and more than CORRECT allows."""
        return self.values_verdict is not Verdict.CORRECT and self.value_difference > self.value_resolution

    @property
    def gradients_are_off(self) -> bool:
        """Whether the gradients do."""
        correct = self.gradient_verdict is Verdict.CORRECT
        return not correct and is_beyond_rounding(self.gradient_difference, self.gradient_resolution)

    def rank(self) -> tuple[int, float]:
        """How bad it is: the verdict's severity first, then the larger difference."""
        return self.verdict.severity, 0.0 if self.why else max(self.value_difference, self.gradient_difference)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dict(to_plain(self))


def reasons(rows: Iterable[ParityRow]) -> dict[str, str]:
    """The reasons why parameters were not compared, by name; joined if both sides have the name."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.why and row.why not in found.get(row.name, []):
            found.setdefault(row.name, []).append(row.why)
    return {name: "; ".join(why) for name, why in found.items()}


def is_slightly_off(
    outcome: Outcome, verdict: Verdict, cost_difference: float, cost_resolution: float, rows: tuple[ParityRow, ...]
) -> bool:
    """Whether everything passes, and yet values, costs or gradients differ by more than rounding."""
    if outcome is not Outcome.AGREE or verdict is not Verdict.INSPECT:
        return False
    costs_apart = is_beyond_rounding(cost_difference, cost_resolution)
    return costs_apart or any(row.values_are_off or row.gradients_are_off for row in rows)


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """One side against the reference.

    Attributes
    ----------
    side : str
        The side's name.
    outcome : Outcome
        What differs first.
    verdict : Verdict
        The worst of the costs' and of the rows'.
    cost_difference, cost_resolution : float
        ``|a - b| / (|a| + |b|)`` of the costs, and what rounding and noise could make of it.
    cost_verdict : Verdict
        Of the costs.
    rows : tuple of ParityRow
        By parameter.
    diagnosis : LikelyCause or None
        What explains the difference, if something that was tried does.
    tried : int
        How many explanations were tried.
    notes : tuple of str
        What else a reader should know.
    """

    side: str
    outcome: Outcome
    verdict: Verdict
    cost_difference: float
    cost_resolution: float
    cost_verdict: Verdict
    rows: tuple[ParityRow, ...]
    diagnosis: LikelyCause | None = None
    tried: int = 0
    notes: tuple[str, ...] = ()

    @property
    def forward_agrees(self) -> bool:
        """Whether the costs agree."""
        return self.cost_verdict.passed and self.outcome is not Outcome.FORWARD_DIFFERS

    @property
    def is_off(self) -> bool:
        """Whether everything passes, and yet values, costs or gradients differ by more than rounding."""
        return is_slightly_off(self.outcome, self.verdict, self.cost_difference, self.cost_resolution, self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {key: value for key, value in to_plain(self).items() if key != "rows"}

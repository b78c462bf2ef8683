"""The result of a comparison as frozen records; no computation here beyond picking the worst."""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

from ..errors import GradientCheckError
from ..rendering.parity_text import render_html, render_text
from ..report import GradientReport, finite
from ..verdict import Verdict

FORMAT_VERSION = 1
"""Of `ParityReport.to_dict`; grows when a key changes its meaning or goes."""


@final
class Outcome(enum.StrEnum):
    """Which of the things that can go wrong in a migration it is."""

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
        """Rank from best (0): what comes earlier in a model explains what comes later, and outranks it."""
        return list(Outcome).index(self)


_SENTENCES = {
    Outcome.AGREE: "Values, costs and gradients agree.",
    Outcome.UNDECIDED: "Nothing was found to differ, but not everything could be compared.",
    Outcome.CONTRADICTED: "The sides agree with each other, and finite differences contradict them.",
    Outcome.GRADIENTS_DIFFER: "The costs agree, and the gradients differ.",
    Outcome.FORWARD_DIFFERS: "The values agree, and the costs differ: the models are different functions.",
    Outcome.VALUES_DIFFER: "The values of the parameters differ: they were not carried over.",
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
        Relative, in [0, 1]; NaN where nothing was compared.
    gradient_difference, gradient_resolution : float
        The same of the gradients.
    verdict : Verdict
        The worse of both.
    values_verdict, gradient_verdict : Verdict
        Each by itself.
    why : str
        Why it was not compared; empty where it was.
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
        """How a reader knows it: the side's name, or the reference's where the side has none."""
        return self.target or ", ".join(self.source)

    def rank(self) -> tuple[int, float]:
        """How bad it is: the verdict's severity first, then the larger difference."""
        return self.verdict.severity, max(self.value_difference, self.gradient_difference)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "side": self.side,
            "source": list(self.source),
            "target": self.target,
            "axes": list(self.axes),
            "value_difference": finite(self.value_difference),
            "value_resolution": finite(self.value_resolution),
            "gradient_difference": finite(self.gradient_difference),
            "gradient_resolution": finite(self.gradient_resolution),
            "verdict": self.verdict.value,
            "values_verdict": self.values_verdict.value,
            "gradient_verdict": self.gradient_verdict.value,
            "why": self.why,
        }


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
        What explains the difference, where something that was tried does.
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        cause = self.diagnosis
        return {
            "side": self.side,
            "outcome": self.outcome.value,
            "verdict": self.verdict.value,
            "cost_difference": finite(self.cost_difference),
            "cost_resolution": finite(self.cost_resolution),
            "cost_verdict": self.cost_verdict.value,
            "diagnosis": None
            if cause is None
            else {"kind": cause.kind, "sentence": cause.sentence, "evidence": cause.evidence},
            "tried": self.tried,
            "notes": list(self.notes),
        }


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
class ParityReport:
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

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only mapping cannot be pickled; its contents can.
        values = [getattr(self, each.name) for each in fields(self)]
        return type(self), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    @property
    def passed(self) -> bool:
        """Whether the verdict is CORRECT or INSPECT."""
        return self.verdict.passed

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
        return {row.name: row.why for row in self.rows if row.why}

    def __str__(self) -> str:
        return render_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with stable keys; numbers that are not finite become strings."""
        cause = self.diagnosis
        return {
            "format_version": FORMAT_VERSION,
            "verdict": self.verdict.value,
            "passed": self.passed,
            "outcome": self.outcome.value,
            "reference": self.reference,
            "cost_difference": finite(self.cost_difference),
            "forward_agrees": self.forward_agrees,
            "culprit": self.culprit,
            "diagnosis": None
            if cause is None
            else {"kind": cause.kind, "sentence": cause.sentence, "evidence": cause.evidence},
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

    def to_json(self) -> str:
        """`to_dict` as strict JSON, indented by two spaces."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_html(self, path: str | Path) -> None:
        """Write the report as one self-contained HTML page."""
        Path(path).write_text(render_html(self), encoding="utf-8")

    def raise_if_failed(self) -> None:
        """Raise if the comparison did not pass.

        Raises
        ------
        GradientCheckError
            With the report as its message.
        """
        if not self.passed:
            message = f"\n{self}"
            raise GradientCheckError(message)

"""Gradients that agree, but that finite differences judged on neither side: agreement alone proves nothing."""

from dataclasses import dataclass, replace
from typing import Self, final

from ...report.verdict import Verdict, worst_verdict
from .carrying import CarriedSide
from .pairing import Difference
from .rows import Outcome
from .side import Side

_MOST_NAMES = 8
"""In a note: a check of one parameter of a large model leaves out hundreds."""


@final
@dataclass(frozen=True, slots=True)
class Unjudged:
    """Targets whose gradient was judged neither on their own side nor, by their sources, on the reference's.

    One judged side is enough: what agrees with a gradient that was checked is checked too.

    Attributes
    ----------
    undecided : tuple of str
        Those that a check tried to judge in vain.
    unchecked : tuple of str
        Those that neither check was asked to judge.
    """

    undecided: tuple[str, ...]
    unchecked: tuple[str, ...]

    @classmethod
    def among(cls, reference: Side, other: Side, carried: CarriedSide) -> Self:
        """Those of all targets that the mapping pairs."""
        undecided: list[str] = []
        unchecked: list[str] = []
        for target in other.values:
            if target not in carried.values:
                continue
            here = [other.verdicts.get(target)]
            there = [reference.verdicts.get(source) for source in carried.sources(target)]
            if _all_judged(here) or _all_judged(there):
                continue
            (undecided if Verdict.INCONCLUSIVE in (*here, *there) else unchecked).append(target)
        return cls(tuple(undecided), tuple(unchecked))

    def lower(self, found: Difference) -> Difference:
        """What was found, without claiming more than was judged."""
        known = [Verdict.INCONCLUSIVE] * bool(self.undecided) + [Verdict.INSPECT] * bool(self.unchecked)
        unsure = self.undecided and found.outcome is Outcome.AGREE
        return replace(
            found,
            verdict=worst_verdict([found.verdict, *known]),
            outcome=Outcome.UNDECIDED if unsure else found.outcome,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """For a person."""
        said = (
            (self.undecided, "finite differences could not judge the gradient of {} on either side"),
            (self.unchecked, "not checked by finite differences on either side: {}"),
        )
        return tuple(sentence.format(_listed(names)) for names, sentence in said if names)


def _all_judged(verdicts: list[Verdict | None]) -> bool:
    return all(verdict not in (None, Verdict.INCONCLUSIVE) for verdict in verdicts)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMES]) + more

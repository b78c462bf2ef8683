"""The page of a comparison, made of the same parts as that of one check."""

from dataclasses import dataclass
from typing import final

from ...report.pages import Pictured, notes, page, pictured
from .records import ParityRecord, SideReport
from .rows import Pair
from .text import choose_next_step, describe_contradicted, describe_gradient


@final
@dataclass(frozen=True, slots=True)
class _Side:
    """A row of the table of sides; the reference has no pair."""

    report: SideReport
    pair: Pair | None
    gradient: str


@final
@dataclass(frozen=True, slots=True)
class _PicturedSide:
    """A side whose own gradient is wrong, with pictures of it."""

    name: str
    pictured: tuple[Pictured, ...]


def parity_page(report: ParityRecord) -> str:
    """The page of one comparison."""
    pairs = {pair.side: pair for pair in report.pairs}
    return page(
        "parity.html.j2",
        f"gradcheck: {report.verdict.value}",
        report=report,
        next=choose_next_step(report),
        contradicted=[describe_contradicted(side) for side in report.sides.values() if side.contradicted],
        sides=[_Side(side, pairs.get(name), describe_gradient(side).plain) for name, side in report.sides.items()],
        rows=sorted(report.rows, key=lambda row: row.rank(), reverse=True),
        pictured_sides=[
            _PicturedSide(side.name, tuple(pictured(side.report, f"side-{number}-")))
            for number, side in enumerate(report.sides.values())
            if side.contradicted and side.report is not None
        ],
        **notes((*report.notes, *(note for pair in report.pairs for note in pair.notes))),
    )

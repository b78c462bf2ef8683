"""The page of a comparison, made of the same parts as that of one check."""

from ...report.pages import draw_parameters, notes, page
from .records import ParityRecord
from .text import choose_next_step, describe_contradicted, describe_gradient


def parity_page(report: ParityRecord) -> str:
    """The page of one comparison."""
    pairs = {pair.side: pair for pair in report.pairs}
    return page(
        "parity.html.j2",
        f"gradcheck: {report.verdict.value}",
        report=report,
        next=choose_next_step(report),
        contradicted=[describe_contradicted(side) for side in report.sides.values() if side.contradicted],
        # the reference has no pair
        sides=[
            {"report": side, "pair": pairs.get(name), "gradient": describe_gradient(side).plain}
            for name, side in report.sides.items()
        ],
        rows=sorted(report.rows, key=lambda row: row.rank(), reverse=True),
        pictured_sides=[
            {"name": side.name, "pictured": tuple(draw_parameters(side.report, f"side-{number}-"))}
            for number, side in enumerate(report.sides.values())
            if side.contradicted and side.report is not None
        ],
        **notes((*report.notes, *(note for pair in report.pairs for note in pair.notes))),
    )

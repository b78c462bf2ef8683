"""A comparison as text: what differs, each side's cost, the likely cause, the worst parameters."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...report.text import STYLES, label_paragraph, plain, shorten
from ...report.verdict import Verdict
from ...report.words import printable, safe
from .records import ParityRecord, SideReport
from .rows import Pair, ParityRow

_MOST_ROWS = 12
_MOST_NOTES = 4
_MOST_NAMES = 3
_LONGEST = 20
"""Longest name in the table, where every parameter has two."""

_NEXT = {
    "agree": "nothing to do. The sides agree to within the resolution.",
    "undecided": (
        "name the missing parameters in the mapping (mapping=, a TOML file); where differences could not judge, lower "
        "the noise of the costs or allow more evaluations."
    ),
    "contradicted": (
        "agreement proves nothing here, since both sides differ from finite differences; start with the worst "
        "parameter of a side's own report, `report.sides[...].report`."
    ),
    "gradients differ": (
        "the forward computation is the same; look at the backward code of the side that finite differences "
        "contradict, at the worst parameter first."
    ),
    "forward differs": "compare what the sides compute layer by layer; a gradient is only worth comparing after that.",
    "values differ": "carry the values over first (`ParameterMap.apply`), or correct the mapping; then compare again.",
}


def render_text(report: ParityRecord) -> str:
    """The comparison for a person, 80 columns wide, without colour."""
    return plain(layout(report))


def layout(report: ParityRecord, everything: bool = False) -> RenderableType:
    """The comparison as something a rich console prints; `everything`: all parameters and notes, however many."""
    headline = Text.assemble((report.verdict.value, STYLES[report.verdict]), f"  {report.sentence}")
    parts: list[RenderableType] = [headline, "", _sides(report), ""]
    cause = report.diagnosis
    if cause is not None:
        parts.append(label_paragraph("Likely cause", printable(f"{cause.sentence} ({cause.kind}).")))
        parts.append(label_paragraph("Evidence", printable(f"{cause.evidence}.")))
    wrong = [side for side in report.sides.values() if side.contradicted]
    parts += [label_paragraph("Contradicted", describe_contradicted(side)) for side in wrong]
    parts += [*([""] if len(parts) > 4 else []), _rows(report, everything), _describe_resolution(report), ""]
    parts.append(label_paragraph("Next", choose_next_step(report)))
    notes = [*report.notes, *(note for pair in report.pairs for note in pair.notes)]
    most = len(notes) if everything else _MOST_NOTES
    parts += [label_paragraph("Note", printable(shorten(note, everything))) for note in notes[:most]]
    if len(notes) > most:
        parts.append(label_paragraph("Note", f"and {len(notes) - most} more in `report.notes` and `report.pairs`"))
    return Group(*parts)


def choose_next_step(report: ParityRecord) -> str:
    """What a reader should do."""
    if report.is_off:
        return "the difference is small, but more than rounding: decide whether its cause is intended."
    if report.outcome.value == "forward differs" and report.unresolved:
        return "first pair or carry over what was not compared (see the notes): that alone can make the costs differ."
    if report.outcome.value == "gradients differ" and not any(side.contradicted for side in report.sides.values()):
        return _next_without_culprit(report)
    if report.outcome.value == "forward differs" and report.diagnosis is not None:
        return "fix the likely cause, then compare again: one mistake can hide another."
    return _NEXT[report.outcome.value]


def _next_without_culprit(report: ParityRecord) -> str:
    """Both sides' gradients are right for what they differentiate, so they differentiate by other things."""
    if not all(side.report is not None and side.report.passed for side in report.sides.values()):
        return "finite differences could not judge both sides; allow more evaluations, or lower the noise of the costs."
    feeds: dict[str, list[str]] = {}
    for row in report.rows:
        for source in row.source if row.verdict.is_evidence else ():
            feeds.setdefault(source, []).append(row.target)
    tied = [f"`{source}` feeds {', '.join(f'`{one}`' for one in ones)}" for source, ones in feeds.items() if ones[1:]]
    said = f"; here {safe('; '.join(tied[:_MOST_NAMES]))}" if tied else ""
    return (
        "finite differences contradict neither side, so look at the mapping: if one source feeds several targets, as "
        f"a weight tied on one side only, its gradient is the sum of theirs and cannot be carried over{said}."
    )


def _sides(report: ParityRecord) -> Table:
    table = _table(("side", "framework"), ("cost", "difference", "resolution"), "its gradient")
    pairs = {pair.side: pair for pair in report.pairs}
    for name, side in report.sides.items():
        table.add_row(
            Text(safe(name)),
            Text(safe(side.backend)),
            Text(f"{side.cost:.12g}"),
            *_describe_cost(pairs.get(name)),
            describe_gradient(side),
        )
    return table


def _describe_cost(pair: Pair | None) -> tuple[Text, Text]:
    if pair is None:
        return Text("reference", style="dim"), Text("")
    return Text(f"{pair.cost_difference:.1e}", style=STYLES[pair.cost_verdict]), Text(f"{pair.cost_resolution:.1e}")


def describe_gradient(side: SideReport) -> Text:
    """What finite differences say of a side's own gradient."""
    if side.contradicted:
        return Text("wrong", style=STYLES[Verdict.BUG])
    if side.report is None:
        return Text("not checked", style="dim")
    return Text(side.report.verdict.value, style=STYLES[side.report.verdict])


def describe_contradicted(side: SideReport) -> str:
    """The parameters of a side that they contradict."""
    listed = ", ".join(f"`{safe(name)}`" for name in side.contradicted[:_MOST_NAMES])
    left = len(side.contradicted) - _MOST_NAMES
    more = f" and {left} more" if left > 0 else ""
    return f"`{safe(side.name)}` by finite differences of its own cost: the gradient of {listed}{more}."


def _describe_resolution(report: ParityRecord) -> Text:
    every = [row.gradient_resolution for row in report.rows if not row.why]
    # 1 is that of a gradient of zeros, which has no size to be relative to; of the others it says nothing
    found = [resolution for resolution in every if resolution < 1] or every
    return Text(f"Resolution of the gradients: {max(found):.1e} or finer." if found else "", style="dim")


def _rows(report: ParityRecord, everything: bool) -> Table:
    table = _table(("parameter", "from"), ("values", "gradients"), "verdict")
    several = len(report.pairs) > 1
    ranked = sorted(report.rows, key=ParityRow.rank, reverse=True)
    most = len(ranked) if everything else _MOST_ROWS
    for row in ranked[:most]:
        table.add_row(*_row(row, several))
    if len(ranked) > most:
        table.add_row(Text(f"and {len(ranked) - most} more, none worse", style="dim"))
    return table


def _row(row: ParityRow, several: bool) -> tuple[Text, ...]:
    name = safe(row.target or "-", _LONGEST)
    name = f"{safe(row.side, _LONGEST // 2)}: {name}" if several else name
    permuted = f" {list(row.axes)}" if row.axes != tuple(range(len(row.axes))) else ""
    source = f"{safe(' + '.join(row.source) or '-', _LONGEST)}{permuted}"
    verdict = Text(row.verdict.value, style=STYLES[row.verdict])
    if row.why:
        return Text(name), Text(source), Text(""), Text(""), verdict
    numbers = (row.value_difference, row.gradient_difference)
    return Text(name), Text(source), *(Text(f"{number:.1e}") for number in numbers), verdict


def _table(names: tuple[str, ...], numbers: tuple[str, ...], last: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right")
    table.add_column(last)
    return table

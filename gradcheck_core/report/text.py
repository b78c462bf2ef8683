"""A report as text: the verdict first, then the worst parameters, then what to do next."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from ..protocol.layout import entry_name
from ..protocol.randomness import HostRandomState
from .records import GradientRecord, ParameterReport
from .verdict import Verdict
from .words import printable, safe, say_count

with HostRandomState(0):  # rich draws from Python's generator when it is imported
    from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text

STYLES = {
    Verdict.CORRECT: "bold green",
    Verdict.INSPECT: "bold yellow",
    Verdict.INCONCLUSIVE: "bold magenta",
    Verdict.SUSPECT: "bold red",
    Verdict.BUG: "bold red",
}

_WIDTH = 80
_HEIGHT = 38
"""A screen of forty lines, less the name of the case above and a line below."""

_MOST_UNSEEN = 5
_LONGEST_NOTE = 240

_NEXT = {
    Verdict.CORRECT: "nothing to do. The {} is correct to within the resolution.",
    Verdict.INSPECT: (
        "if you need more certainty, check a float64 copy of the model, or a smaller cost (fewer examples, no large "
        "constant): the resolution column shows what limits the check."
    ),
    Verdict.SUSPECT: (
        "look at the worst entry first. If the cost bends sharply there, pass a smaller step (epsilon=): an error of "
        "the finite differences shrinks with it, a mistake in the {} does not."
    ),
    Verdict.BUG: (
        "compare the code that computes this {0} with the formula at the worst entry. If the {0} is deliberately not "
        "the derivative (stop-gradient, clipping), leave the parameter out with exclude=."
    ),
    Verdict.INCONCLUSIVE: (
        "lower the noise of the cost (float64, fewer terms, no large constant), or move the parameters to where the "
        "gradient is larger than rounding noise."
    ),
}

_NEXT_SMALL = (
    "something small may be wrong, such as a constant rounded to float32 (see `gradcheck explain INSPECT`). Look at "
    "{} first."
)

_NEXT_STOPPED = "raise the limit named in the first note; what was measured before it was reached is valid."

_NEXT_DIAGNOSED = (
    "fix the likely mistake named above, then check again: one mistake can hide another. If the {} is deliberately "
    "not the derivative (stop-gradient, clipping), leave the parameter out with exclude=."
)


def render_text(report: GradientRecord) -> str:
    """The report for a person, 80 columns wide, without colour."""
    return plain(layout(report))


def plain(content: RenderableType) -> str:
    """Anything that a rich console prints as text, 80 columns wide, without colour."""
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(content)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


_AMOUNTS = ((20, 6), (15, 6), (10, 6), (8, 5), (6, 4), (5, 3), (3, 2), (2, 1))
"""Rows of the table and notes, from most to fewest: the first that fit on a screen are shown."""


@final
@dataclass(frozen=True, slots=True)
class _Screen:
    """As much of a report as a screen holds, whatever its width; the worst comes first."""

    report: GradientRecord

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        amounts = [_compose(self.report, rows, notes) for rows, notes in _AMOUNTS]
        fitting = (shown for shown in amounts if len(console.render_lines(shown, options)) <= _HEIGHT)
        yield next(fitting, amounts[-1])


def layout(report: GradientRecord, everything: bool = False) -> RenderableType:
    """The report as something a rich console prints: one screen of it, or all parameters and notes, however many."""
    if everything:
        return _compose(report, len(report.parameters), len(report.notes), in_full=True)
    return _Screen(report)


def _compose(report: GradientRecord, rows: int, most_notes: int, *, in_full: bool = False) -> RenderableType:
    certificate = certificate_in_words(report)
    method = Text(
        (f"{certificate}\n" if certificate else "")
        + f"{describe_measuring(report)};\n"
        + f"{say_count(report.evaluations, 'evaluation', 'evaluations')}, {report.seconds:.2g} s.\n"
        + f"Over all parameters: difference {report.difference:.1e}, resolution {report.resolution:.1e}."
    )
    notes = [printable(shorten(note, in_full)) for note in report.notes[:most_notes]]
    if len(report.notes) > most_notes:
        notes.append(f"and {len(report.notes) - most_notes} more in `report.notes`")
    paragraphs = (label_paragraph("Next", what_next(report)), *(label_paragraph("Note", note) for note in notes))
    return Group(_headline(report), "", _table(report, rows), "", method, "", *paragraphs)


def shorten(note: str, everything: bool) -> str:
    """A note, cut off where it is very long and not everything is wanted."""
    if everything or len(note) <= _LONGEST_NOTE:
        return note
    return f"{note[:_LONGEST_NOTE]}… ({len(note) - _LONGEST_NOTE} more characters in `report.notes`)"


def _headline(report: GradientRecord) -> RenderableType:
    lines: RenderableType = Text.assemble(
        (report.verdict.value, STYLES[report.verdict]), f"  {headline_sentence(report)}"
    )
    if all(parameter.verdict.passed for parameter in report.parameters.values()):
        return lines
    worst = report.worst
    if worst.diagnosis is not None:
        lines = Group(lines, Text(printable(worst.diagnosis.sentence), style="bold"))
    if math.isnan(worst.analytic) and math.isnan(worst.numeric):
        return lines  # no entry was measured on its own
    entry = _name_worst(worst)
    where = Text(f"worst entry: {entry}, claimed {worst.analytic:.6g}, numeric {worst.numeric:.6g} ± {worst.error:.1g}")
    return Group(lines, where)


def _name_worst(parameter: ParameterReport) -> str:
    return entry_name(safe(parameter.name), parameter.worst_index, parameter.part)


def _table(report: GradientRecord, most_rows: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("parameter", overflow="fold")
    table.add_column("shape")
    table.add_column("difference", justify="right")
    table.add_column("resolution", justify="right")
    table.add_column("verdict")
    likely = any(parameter.diagnosis is not None for parameter in report.parameters.values())
    if likely:
        table.add_column("likely")
    everything = rank_parameters(report)
    for parameter in everything[:most_rows]:
        table.add_row(
            Text(safe(parameter.name)),
            Text(str(parameter.shape)),
            Text(f"{parameter.difference:.1e}"),
            Text(f"{parameter.resolution:.1e}"),
            Text(parameter.verdict.value, style=STYLES[parameter.verdict]),
            *([parameter.diagnosis.kind if parameter.diagnosis else ""] if likely else []),
        )
    if len(everything) > most_rows:
        table.add_row(Text(f"and {len(everything) - most_rows} more, none worse", style="dim"))
    return table


def rank_parameters(report: GradientRecord) -> list[ParameterReport]:
    """All parameters, worst first; of the wrong ones the one to look at first before all others."""
    first = report.worst.name
    return sorted(
        report.parameters.values(),
        key=lambda parameter: (-parameter.verdict.severity, parameter.name != first, -parameter.difference),
    )


def headline_sentence(report: GradientRecord) -> str:
    """What the verdict means, of the gradient or of whatever was checked."""
    return report.verdict.of(_SUBJECTS[report.order])


def what_next(report: GradientRecord) -> str:
    """What a reader should do."""
    if report.worst.diagnosis is not None:
        advice = _NEXT_DIAGNOSED
    elif report.stopped and report.verdict is Verdict.INCONCLUSIVE:
        advice = _NEXT_STOPPED
    elif report.verdict is Verdict.INSPECT and report.worst.difference > report.worst.resolution:
        return _NEXT_SMALL.format(f"`{_name_worst(report.worst)}`")
    else:
        advice = _NEXT[report.verdict]
    return advice.format(_SUBJECTS[report.order])


def describe_measuring(report: GradientRecord) -> str:
    """What was measured, how, in which precision and where."""
    count = sum(math.prod(parameter.shape) for parameter in report.parameters.values())
    entries = say_count(count, "entry", "entries")
    if report.method == "projected":
        drawn = report.certificate
        directions = (
            "random directions"
            if drawn is None
            else f"{say_count(drawn.directions, 'random direction', 'random directions')} (seed {drawn.seed})"
        )
        how = f"{entries} moved together along {directions}"
    elif report.order == 2:
        how = f"Hessian-vector products of {entries} by central differences of the gradient"
    else:
        how = f"{say_count(count, 'derivative', 'derivatives')} by {_HOW[report.scheme]}"
    return f"{how} in {report.precision} on {report.backend}"


def certificate_in_words(report: GradientRecord) -> str:
    """What random directions say about every parameter; empty where there is no certificate."""
    certificate = report.certificate
    if certificate is None:
        return ""
    if len(certificate.unseen) == len(report.parameters):
        return "No bound can be given: every claimed gradient is too small to measure an error relative to it."
    rest = (
        "apart from the entries reported wrong, "
        if any(parameter.wrong for parameter in report.parameters.values())
        else ""
    )
    return (
        f"With {100 * certificate.confidence:.6g} % confidence, {rest}no parameter's gradient is off by more than "
        f"{certificate.bound:.1e} of its norm.{_describe_unseen(certificate.unseen)}"
    )


def _describe_unseen(unseen: Sequence[str]) -> str:
    if not unseen:
        return ""
    named = ", ".join(f"`{safe(name)}`" for name in unseen[:_MOST_UNSEEN])
    more = f" and {len(unseen) - _MOST_UNSEEN} more" if len(unseen) > _MOST_UNSEEN else ""
    return f" This does not cover {named}{more}: its claimed gradient is too small beside the others."


_SUBJECTS = {1: "gradient", 2: "Hessian-vector product"}

_HOW = {"central": "central differences", "complex": "complex steps"}


def label_paragraph(label: str, text: str) -> RenderableType:
    """A paragraph beside its label."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    grid.add_row(Text(f"{label}:"), Text(text))
    return grid

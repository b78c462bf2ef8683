"""`gradcheck record`, `verify` and `compare`: one model in two implementations."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..migration.compare import compare_sides
from ..migration.interpreter import Errand, record_elsewhere
from ..migration.parity.report import ParityReport
from ..migration.parity.side import observe
from ..migration.parity.text import layout
from ..migration.snapshots import snapshot_file
from ..migration.snapshots.inputs import digest_args
from ..migration.snapshots.snapshot import add_snapshot_notes, make_side, take_snapshot, verify_snapshot
from ..migration.snapshots.stored import Snapshot
from ..report.words import printable
from .checks import print_report
from .common import (
    ExitCode,
    choose_exit_code,
    complain,
    interruptible,
    load_one_case,
    make_console,
    print_json,
    print_line,
    show,
)
from .options import Checking, Map, Output, Resumable, Target, spread


@spread
def record_command(
    target: Target,
    snap: Annotated[Path, typer.Option("-o", "--output", metavar="SNAP", help="The file, e.g. net.safetensors.")],
    *,
    even_if_wrong: Annotated[
        bool, typer.Option("--even-if-wrong", help="Record a gradient even if the differences contradict it.")
    ] = False,
    checking: Resumable,
    output: Output,
) -> None:
    """Check a case and keep its parameters, gradient and cost in one file."""
    case = load_one_case(target, checking.given())
    with interruptible(checking.journal):
        snapshot = take_snapshot(case)
        written = even_if_wrong or not snapshot.contradicted
        if written:
            snapshot_file.write(snap, snapshot)
    report = snapshot.report
    assert report is not None  # `take_snapshot` always asks
    if output.as_json:
        print_json({"case": case.name, "snapshot": str(snap) if written else None, **report.to_dict()})
    else:
        print_report(case, report, output)
    if not written:
        complain(
            f"{snap}: not recorded, since finite differences contradict the gradient, and a wrong one cannot be a "
            "reference; correct it, or pass --even-if-wrong"
        )
    elif not output.quiet and not output.as_json:
        make_console().print(Text(f"recorded in {snap}"), soft_wrap=True)
    output.write_page(report)
    raise typer.Exit(choose_exit_code([report]))


@spread
def verify_command(
    snapshot: Annotated[Path, typer.Argument(metavar="SNAP", help="What `gradcheck record` wrote.")],
    target: Target,
    *,
    mapping: Map = "auto",
    checking: Resumable,
    output: Output,
) -> None:
    """Compare a case, in any framework, with a snapshot."""
    case = load_one_case(target, checking.given())
    with interruptible(checking.journal):
        report = verify_snapshot(snapshot, case, mapping=mapping)
    raise typer.Exit(_say(report, output))


@spread
def compare_command(
    first: Annotated[str, typer.Argument(metavar="A.py[::NAME]", help="The reference: a GradientCase.")],
    second: Annotated[str, typer.Argument(metavar="B.py[::NAME]", help="The case to compare with it.")],
    *,
    python_a: Annotated[str | None, typer.Option(metavar="PY", help="Python for A; default: this one.")] = None,
    python_b: Annotated[str | None, typer.Option(metavar="PY", help="Python for B; default: this one.")] = None,
    mapping: Map = "auto",
    checking: Checking,
    output: Output,
) -> None:
    """Compare two implementations of one model; each can run in a Python of its own."""
    names = {"A": first, "B": second} if first != second else {"A": f"{first} [A]", "B": f"{second} [B]"}
    targets, pythons = {"A": first, "B": second}, {"A": python_a, "B": python_b}
    options = checking.given()
    arguments = tuple(f"--{name.replace('_', '-')}={value}" for name, value in options.items())
    started = time.perf_counter()
    with interruptible():
        stored = _record([Errand(names[s], targets[s], p, arguments) for s, p in pythons.items() if p is not None])
        cases = {names[s]: load_one_case(targets[s], options) for s, python in pythons.items() if python is None}
        sides = {
            name: make_side(stored[name], name) if name in stored else observe(cases[name], name)
            for name in names.values()
        }
        inputs = [stored[name].inputs if name in stored else digest_args(cases[name].args) for name in names.values()]
        report = add_snapshot_notes(compare_sides(sides, names["A"], mapping, started=started), stored, *inputs)
    raise typer.Exit(_say(report, output))


def _record(errands: list[Errand]) -> dict[str, Snapshot]:
    """Record each side that has a Python of its own; on a terminal, show how long each has run."""
    columns = (SpinnerColumn(finished_text="done"), TextColumn("{task.description}"), TimeElapsedColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        tasks = {
            errand.side: progress.add_task(escape(f"{errand.side} with {errand.python}"), total=1) for errand in errands
        }
        return record_elsewhere(errands, lambda errand: progress.update(tasks[errand.side], completed=1))


def _say(report: ParityReport, output: Output) -> ExitCode:
    if output.as_json:
        print_json(report.to_dict())
    elif output.quiet:
        cause = "" if report.diagnosis is None else f" Likely cause: {report.diagnosis.kind}."
        culprit = "" if report.culprit is None else f" Contradicted: `{report.culprit}`."
        print_line(report.verdict, f"{report.sentence}{printable(cause + culprit)}")
    else:
        show(layout(report, everything=output.verbose))
    output.write_page(report)
    return choose_exit_code([report])

"""`gradcheck record`, `verify` and `compare`: a model in one framework and in another."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..migration.interpreter import Errand, record_elsewhere
from ..migration.parity.compare import Mappings, parity
from ..migration.parity.report import ParityReport
from ..migration.parity.side import observe
from ..migration.parity.text import layout
from ..migration.snapshots import snapshot_file
from ..migration.snapshots.inputs import digested
from ..migration.snapshots.snapshot import side_of, take, told, verify_snapshot
from ..migration.snapshots.stored import Snapshot
from ..report.text import STYLES
from ..report.words import printable
from .checks import print_report
from .common import (
    ExitCode,
    complain,
    console,
    exit_code,
    given,
    interruptible,
    one_case,
    print_json,
    show,
    write_html,
)
from .options import AsJson, Backend, BothBackends, Confidence, Html, Jobs, Map, Method, Quiet, Resume, Target, Verbose


def record_command(
    target: Target,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SNAP", help="The file, e.g. net.safetensors.")],
    even_if_wrong: Annotated[
        bool, typer.Option("--even-if-wrong", help="Also a gradient that the differences contradict; it says so.")
    ] = False,
    backend: Backend = None,
    method: Method = None,
    confidence: Confidence = None,
    n_jobs: Jobs = None,
    resume: Resume = None,
    as_json: AsJson = False,
    html: Html = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check a case and keep its parameters, gradient and cost in one file."""
    case = one_case(target, given(backend=backend, method=method, confidence=confidence, n_jobs=n_jobs, journal=resume))
    with interruptible(resume):
        snapshot = take(case)
        written = even_if_wrong or not snapshot.contradicted
        if written:
            snapshot_file.write(output, snapshot)
    report = snapshot.report
    assert report is not None  # `take` always asks
    if as_json:
        print_json({"case": case.name, "snapshot": str(output) if written else None, **report.to_dict()})
    else:
        print_report(case, report, quiet, verbose)
    if not written:
        complain(
            f"{output}: not recorded, since finite differences contradict the gradient: a wrong one is no reference; "
            "mend it, or pass --even-if-wrong"
        )
    elif not quiet and not as_json:
        console().print(Text(f"recorded in {output}"), soft_wrap=True)
    write_html(report, html)
    raise typer.Exit(exit_code([report]))


def verify_command(
    snapshot: Annotated[Path, typer.Argument(metavar="SNAP", help="What `gradcheck record` wrote.")],
    target: Target,
    mapping: Map = None,
    backend: Backend = None,
    method: Method = None,
    confidence: Confidence = None,
    n_jobs: Jobs = None,
    resume: Resume = None,
    as_json: AsJson = False,
    html: Html = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Hold a case, in whatever framework, against a snapshot."""
    case = one_case(target, given(backend=backend, method=method, confidence=confidence, n_jobs=n_jobs, journal=resume))
    with interruptible(resume):
        report = verify_snapshot(snapshot, case, mapping=_mapping(mapping))
    raise typer.Exit(_said(report, as_json, html, quiet, verbose))


def compare_command(
    first: Annotated[str, typer.Argument(metavar="A.py[::NAME]", help="The reference: a GradientCase.")],
    second: Annotated[str, typer.Argument(metavar="B.py[::NAME]", help="What is held against it.")],
    python_a: Annotated[str | None, typer.Option(metavar="PY", help="The Python to run A with; default: this.")] = None,
    python_b: Annotated[str | None, typer.Option(metavar="PY", help="The Python to run B with; default: this.")] = None,
    mapping: Map = None,
    backend: BothBackends = None,
    method: Method = None,
    confidence: Confidence = None,
    n_jobs: Jobs = None,
    as_json: AsJson = False,
    html: Html = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Hold two implementations of one model against each other, each in a Python of its own where one is named."""
    names = {"A": first, "B": second} if first != second else {"A": f"{first} [A]", "B": f"{second} [B]"}
    targets, pythons = {"A": first, "B": second}, {"A": python_a, "B": python_b}
    options = given(backend=backend, method=method, confidence=confidence, n_jobs=n_jobs)
    arguments = tuple(f"--{name.replace('_', '-')}={value}" for name, value in options.items())
    started = time.perf_counter()
    with interruptible():
        stored = _recorded([Errand(names[s], targets[s], p, arguments) for s, p in pythons.items() if p is not None])
        cases = {names[s]: one_case(targets[s], options) for s, python in pythons.items() if python is None}
        sides = {
            name: side_of(stored[name], name) if name in stored else observe(cases[name], name)
            for name in names.values()
        }
        inputs = [stored[name].inputs if name in stored else digested(cases[name].args) for name in names.values()]
        report = told(parity(sides, names["A"], _mapping(mapping), started=started), stored, *inputs)
    raise typer.Exit(_said(report, as_json, html, quiet, verbose))


def _recorded(errands: list[Errand]) -> dict[str, Snapshot]:
    """What the sides with a Python of their own recorded; on a terminal it shows how long each has been at it."""
    columns = (SpinnerColumn(finished_text="done"), TextColumn("{task.description}"), TimeElapsedColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        tasks = {
            errand.side: progress.add_task(escape(f"{errand.side} with {errand.python}"), total=1) for errand in errands
        }
        return record_elsewhere(errands, lambda errand: progress.update(tasks[errand.side], completed=1))


def _mapping(path: Path | None) -> Mappings:
    return "auto" if path is None else path


def _said(report: ParityReport, as_json: bool, html: Path | None, quiet: bool, verbose: bool) -> ExitCode:
    if as_json:
        print_json(report.to_dict())
    elif quiet:
        line = Text.assemble((report.verdict.value, STYLES[report.verdict]), f" {report.sentence}{_whose(report)}")
        console().print(line, soft_wrap=True)
    else:
        show(layout(report, everything=verbose))
    write_html(report, html)
    return exit_code([report])


def _whose(report: ParityReport) -> str:
    """What one line still has room for: the kind of the likely cause, and the side at fault."""
    cause = "" if report.diagnosis is None else f" Likely cause: {report.diagnosis.kind}."
    culprit = "" if report.culprit is None else f" Contradicted: `{report.culprit}`."
    return printable(cause + culprit)

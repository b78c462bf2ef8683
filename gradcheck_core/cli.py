"""The command `gradcheck`."""

import json
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .case import GradientCase
from .check import check_gradients
from .demo.show import show
from .errors import GradcheckError, InvalidInputError
from .loading import load_cases
from .registry import BackendInfo, backends, load_backend
from .rendering.text import STYLES, layout, safe
from .report import GradientReport
from .verdict import Verdict


class ExitCode(IntEnum):
    """What the command tells the shell."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INTERRUPTED = 130


app = typer.Typer(
    name="gradcheck",
    help="Is this gradient right, and if not, where? For NumPy, PyTorch, TensorFlow and JAX.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("demo")
def demo_command() -> None:
    """Check a small network on real data: by hand in NumPy, with a mistake, and in every installed framework."""
    with _interruptible():
        as_expected = show(_console())
    raise typer.Exit(ExitCode.PASSED if as_expected else ExitCode.FAILED)


@app.command("backends")
def backends_command(
    load: Annotated[bool, typer.Option("--load", help="Import each one and say whether it works.")] = False,
) -> None:
    """List the known frameworks, and why one is not available."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("backend", "version", "shipped by", "status"):
        table.add_column(heading)
    for info in backends():
        table.add_row(*map(Text, (safe(info.name), info.version, info.distribution, _status(info, load))))
    console = _console()
    console.print(table)
    if not load:
        console.print("\nNone was imported; `gradcheck backends --load` imports each and says whether it works.")


@app.command("run")
def run_command(
    target: Annotated[str, typer.Argument(metavar="FILE[::NAME]", help="A file of GradientCases, or one of them.")],
    backend: Annotated[str | None, typer.Option(help="Name of the backend; default: inferred.")] = None,
    method: Annotated[str | None, typer.Option(help="auto, exhaustive or projected; default: the case's.")] = None,
    confidence: Annotated[
        float | None, typer.Option(help="Of a certificate by random directions; default: the case's, or 0.999.")
    ] = None,
    n_jobs: Annotated[int | None, typer.Option(help="Processes, -1 for one a core; default: the case's, or 1.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="JOURNAL", help="Keep a journal here, and go on from it; one case only.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of reports.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page; one case only.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="One line for each case.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every parameter and note, however many.")] = False,
) -> None:
    """Check the gradients of a file's cases."""
    given = {
        "backend": backend,
        "method": method,
        "confidence": confidence,
        "n_jobs": n_jobs,
        "journal": resume,
    }
    options = {name: value for name, value in given.items() if value is not None}
    cases = load_cases(target)
    for option, value, what in (("--html", html, "writes one report"), ("--resume", resume, "goes on with one check")):
        if value is not None and len(cases) > 1:
            message = f"{option} {what}, but {target} has {len(cases)} cases; name one: {target}::NAME"
            raise typer.BadParameter(message, param_hint=option)
    reports = []
    with _interruptible("" if resume is None else f"; go on with: gradcheck run {target} --resume {resume}"):
        for case in cases:
            reports.append(_run(case, options))
            if not as_json:
                _print(case, reports[-1], quiet, verbose)
    if as_json:
        named = [{"case": case.name, **report.to_dict()} for case, report in zip(cases, reports, strict=True)]
        sys.stdout.write(json.dumps(named, indent=2, allow_nan=False) + "\n")
    if html is not None:
        try:
            reports[0].to_html(html)
        except OSError as error:
            message = f"--html: the report cannot be written to {html}: {error.strerror}"
            raise InvalidInputError(message) from error
    raise typer.Exit(_exit_code(reports))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="gradcheck")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else ExitCode.USAGE
    except GradcheckError as error:
        _complain("\n".join([str(error), *getattr(error, "__notes__", ())]))
    except Exception:  # raised by the user's file or cost: its own traceback says more than we could
        traceback.print_exc()
    return ExitCode.USAGE


@contextmanager
def _interruptible(advice: str = "") -> Iterator[None]:
    """Leave with the shell's code for an interrupt; typer would call it a failure."""
    try:
        yield
    except KeyboardInterrupt:
        _complain(f"interrupted; your parameters are as they were{advice}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _run(case: GradientCase, options: dict[str, Any]) -> GradientReport:
    return check_gradients(case.cost, case.params, case.grads, args=case.args, **{**case.options, **options})


def _print(case: GradientCase, report: GradientReport, quiet: bool, verbose: bool) -> None:
    console = _console()
    name = safe(case.name or "")
    if quiet:
        line = Text.assemble((report.verdict.value, STYLES[report.verdict]), f" {name}: ")
        console.print(
            line.append(f"difference {report.difference:.1e}, resolution {report.resolution:.1e}"), soft_wrap=True
        )
        return
    console.print(Text(name, style="bold"))
    console.print(layout(report, everything=verbose))
    console.print()


def _exit_code(reports: list[GradientReport]) -> ExitCode:
    if all(report.passed for report in reports):
        return ExitCode.PASSED
    failed = any(report.verdict in (Verdict.BUG, Verdict.SUSPECT) for report in reports)
    return ExitCode.FAILED if failed else ExitCode.INCONCLUSIVE


def _status(info: BackendInfo, load: bool) -> str:
    if not info.available:
        return info.reason
    if not load:
        return "available"
    try:
        load_backend(info.name)
    except GradcheckError as error:
        return str(error)
    return "works"


def _console() -> Console:
    return Console(soft_wrap=False, highlight=False)


def _complain(message: str) -> None:
    Console(stderr=True, highlight=False).print(Text.assemble(("gradcheck: ", "bold red"), message), soft_wrap=True)

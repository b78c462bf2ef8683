"""`gradcheck run`: one gradient by itself."""

from typing import Annotated

import typer
from rich.text import Text

from ..case import GradientCase
from ..check.api import check_case
from ..report.gradient import GradientReport
from ..report.plots import plots, require_plot_format
from ..report.text import STYLES, layout
from ..report.words import safe
from .common import console, exit_code, given, interruptible, overridden, print_json, show, write_html
from .loading import load_cases
from .options import AsJson, Backend, Confidence, Html, Jobs, Method, Plot, PlotFormat, Quiet, Resume, Verbose


def run_command(
    target: Annotated[str, typer.Argument(metavar="FILE[::NAME]", help="A file of GradientCases, or one of them.")],
    backend: Backend = None,
    method: Method = None,
    confidence: Confidence = None,
    n_jobs: Jobs = None,
    resume: Resume = None,
    as_json: AsJson = False,
    html: Html = None,
    plot: Plot = None,
    plot_format: PlotFormat = "svg",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check the gradients of a file's cases."""
    options = given(backend=backend, method=method, confidence=confidence, n_jobs=n_jobs, journal=resume)
    cases = load_cases(target)
    require_plot_format(plot_format)
    of_one = (
        ("--html", html, "writes one report"),
        ("--plot", plot, "draws one report"),
        ("--resume", resume, "goes on with one check"),
    )
    for option, value, what in of_one:
        if value is not None and len(cases) > 1:
            message = f"{option} {what}, but {target} has {len(cases)} cases; name one: {target}::NAME"
            raise typer.BadParameter(message, param_hint=option)
    reports = []
    with interruptible(resume):
        for case in cases:
            reports.append(check_case(overridden(case, options)).report)
            if not as_json:
                print_report(case, reports[-1], quiet, verbose)
    if as_json:
        print_json([{"case": case.name, **report.to_dict()} for case, report in zip(cases, reports, strict=True)])
    write_html(reports[0], html)
    if plot is not None:
        plots(reports[0], plot, plot_format)
    raise typer.Exit(exit_code(reports))


def print_report(case: GradientCase, report: GradientReport, quiet: bool, verbose: bool) -> None:
    """Print one check's report, or its line."""
    screen, name = console(), safe(case.name or "")
    if quiet:
        line = Text.assemble((report.verdict.value, STYLES[report.verdict]), f" {name}: ")
        screen.print(
            line.append(f"difference {report.difference:.1e}, resolution {report.resolution:.1e}"), soft_wrap=True
        )
        return
    screen.print(Text(name, style="bold"))
    show(layout(report, everything=verbose))
    screen.print()

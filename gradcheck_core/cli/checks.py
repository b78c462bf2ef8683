"""`gradcheck run`: check gradients against finite differences of their costs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ..case import GradientCase
from ..check.api import check_case
from ..report.gradient import GradientReport
from ..report.plots import plots, require_plot_format
from ..report.text import layout
from ..report.words import safe
from .common import choose_exit_code, interruptible, make_console, override, print_json, print_line, show
from .loading import load_cases
from .options import Output, Resumable, needs_report_extra, spread


@spread
def run_command(
    target: Annotated[str, typer.Argument(metavar="FILE[::NAME]", help="A file of GradientCases, or one of them.")],
    *,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", callback=needs_report_extra, help="Write the pictures into this folder; one case only."
        ),
    ] = None,
    plot_format: Annotated[str, typer.Option(help="Format of the pictures: svg or png.")] = "svg",
    checking: Resumable,
    output: Output,
) -> None:
    """Check the gradients of a file's cases."""
    cases = load_cases(target)
    require_plot_format(plot_format)
    for option, value in {"--html": output.html, "--plot": plot, "--resume": checking.journal}.items():
        if value is not None and len(cases) > 1:
            message = f"{option} is for one case, but {target} has {len(cases)} cases; name one: {target}::NAME"
            raise typer.BadParameter(message, param_hint=option)
    reports = []
    with interruptible(checking.journal):
        for case in cases:
            reports.append(check_case(override(case, checking.given())).report)
            if not output.as_json:
                print_report(case, reports[-1], output)
    if output.as_json:
        print_json([{"case": case.name, **report.to_dict()} for case, report in zip(cases, reports, strict=True)])
    output.write_page(reports[0])
    if plot is not None:
        plots(reports[0], plot, plot_format)
    raise typer.Exit(choose_exit_code(reports))


def print_report(case: GradientCase, report: GradientReport, output: Output) -> None:
    """Print one check's report, or its line."""
    name = safe(case.name or "")
    if output.quiet:
        numbers = f"difference {report.difference:.1e}, resolution {report.resolution:.1e}"
        print_line(report.verdict, f"{name}: {numbers}")
        return
    make_console().print(Text(name, style="bold"))
    show(layout(report, everything=output.verbose))
    make_console().print()

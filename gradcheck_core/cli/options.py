"""The arguments and options that several commands take, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

from ..report.extras import require_report_extra


def _needs_report_extra(parameter: typer.CallbackParam, value: Path | None) -> Path | None:
    """Before anything is evaluated: a check can take hours, and its report would be lost."""
    if value is not None:
        require_report_extra(parameter.opts[0])
    return value


# which case
Target = Annotated[str, typer.Argument(metavar="FILE[::NAME]", help="A GradientCase, or a function that returns one.")]
Map = Annotated[
    Path | None, typer.Option("--map", metavar="MAP.toml", help="Which parameter is which; default: inferred.")
]

# how it is checked, over the options of the case itself
Backend = Annotated[str | None, typer.Option(help="Name of the backend; default: inferred.")]
BothBackends = Annotated[
    str | None, typer.Option("--backend", help="Name of the backend of both sides; default: each case's, or inferred.")
]
Method = Annotated[str | None, typer.Option(help="auto, exhaustive or projected; default: the case's.")]
Confidence = Annotated[
    float | None, typer.Option(help="Of a certificate by random directions; default: the case's, or 0.999.")
]
Jobs = Annotated[int | None, typer.Option(help="Processes, -1 for one a core; default: the case's, or 1.")]
Resume = Annotated[
    Path | None, typer.Option(metavar="JOURNAL", help="Keep a journal here, and go on from it; one case only.")
]

# what is written
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Html = Annotated[
    Path | None,
    typer.Option(callback=_needs_report_extra, help="Write the report as a page with pictures; one case only."),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", callback=_needs_report_extra, help="Write the pictures into this folder; one case only."
    ),
]
PlotFormat = Annotated[str, typer.Option(help="Of the pictures: svg or png.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="One line for each case.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Every parameter and note, however many.")]

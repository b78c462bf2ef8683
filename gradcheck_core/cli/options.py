"""The arguments and options that several commands take, each declared once."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, final

import typer

from ..report.base import Report
from ..report.extras import require_report_extra

Target = Annotated[str, typer.Argument(metavar="FILE[::NAME]", help="A GradientCase, or a function that returns one.")]
Map = Annotated[
    str,
    typer.Option("--map", metavar="MAP.toml", show_default=False, help="Which parameter is which; default: inferred."),
]


def needs_report_extra(parameter: typer.CallbackParam, value: Path | None) -> Path | None:
    """Ask for the extra before anything is evaluated: a check can take hours, and its report would be lost."""
    if value is not None:
        require_report_extra(parameter.opts[0])
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """How cases are checked. An option that is not given is left to the case."""

    backend: Annotated[str | None, typer.Option(help="Name of the backend; default: the case's, or inferred.")] = None
    method: Annotated[str | None, typer.Option(help="auto, exhaustive or projected; default: the case's.")] = None
    confidence: Annotated[
        float | None, typer.Option(help="Confidence of the bound by random directions; default: the case's, or 0.999.")
    ] = None
    n_jobs: Annotated[int | None, typer.Option(help="Processes, -1 for one per core; default: the case's, or 1.")] = (
        None
    )

    def given(self) -> dict[str, Any]:
        """The options that were given, with the names that `check_gradients` has for them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable(Checking):
    """How one case is checked, with a journal from which an interrupted check goes on."""

    journal: Annotated[
        Path | None,
        typer.Option("--resume", metavar="JOURNAL", help="Keep a journal here, and continue from it; one case only."),
    ] = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is written of the result."""

    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False
    html: Annotated[
        Path | None,
        typer.Option(callback=needs_report_extra, help="Write the report as a page with pictures; one case only."),
    ] = None
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print one line for each case.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print every parameter and note.")] = False

    def write_page(self, report: Report) -> None:
        """Write the page, if one was asked for."""
        if self.html is not None:
            report.to_html(self.html)


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Make each field of the dataclasses among a command's parameters an option of its own, as typer reads them."""
    taken = inspect.signature(command).parameters.values()
    groups: dict[str, Any] = {each.name: each.annotation for each in taken if is_dataclass(each.annotation)}

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{each.name: values.pop(each.name) for each in fields(group)})
        command(**values)

    own = [each for each in taken if each.name not in groups]
    shared = [each for group in groups.values() for each in inspect.signature(group).parameters.values()]
    every = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *shared)]
    with_options.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    return with_options

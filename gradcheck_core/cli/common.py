"""What the commands share: exit codes, loading of cases, and printing."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any, final

from rich.console import Console, RenderableType
from rich.text import Text

from ..case import GradientCase
from ..errors import InvalidInputError
from ..report.base import Report
from ..report.text import STYLES
from ..report.verdict import Verdict
from .loading import load_cases


class ExitCode(IntEnum):
    """The outcome of a command, for the shell."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INTERRUPTED = 130


def load_one_case(target: str, options: Mapping[str, Any]) -> GradientCase:
    """Load the one case that a target names, with the command's options before its own."""
    cases = load_cases(target)
    if len(cases) > 1:
        listed = ", ".join(f"{target}::{case.name}" for case in cases)
        msg = f"{target} has {len(cases)} cases, and one is needed; name it: {listed}"
        raise InvalidInputError(msg)
    return override(cases[0], options)


def override(case: GradientCase, options: Mapping[str, Any]) -> GradientCase:
    """Put the command's options before those of a case."""
    return replace(case, options={**case.options, **options})


def print_json(value: object) -> None:
    """Print plain values as strict JSON."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def choose_exit_code(reports: Iterable[Report]) -> ExitCode:
    """Choose the exit code of the worst report; evidence of a mistake is worse than a lack of evidence."""
    reports = list(reports)
    if all(report.passed for report in reports):
        return ExitCode.PASSED
    failed = any(report.verdict.is_evidence for report in reports)
    return ExitCode.FAILED if failed else ExitCode.INCONCLUSIVE


@final
class InterruptedCommandError(Exception):
    """A command was interrupted; if there is a journal, the same command goes on from it."""

    def __init__(self, journal: Path | None) -> None:
        super().__init__()
        self.journal = journal


@contextmanager
def interruptible(journal: Path | None = None) -> Iterator[None]:
    """Raise `InterruptedCommandError` for a KeyboardInterrupt, which typer would report as a failure."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedCommandError(journal) from None


def print_line(verdict: Verdict, text: str) -> None:
    """Print a verdict and what one line says of it, however long."""
    make_console().print(Text.assemble((verdict.value, STYLES[verdict]), f" {text}"), soft_wrap=True)


def make_console() -> Console:
    """Make the console that results are printed on."""
    return Console(soft_wrap=False, highlight=False)


def show(result: RenderableType) -> None:
    """Print a result. Not on a terminal, leave out the spaces that fill its lines."""
    screen = make_console()
    if screen.is_terminal:
        screen.print(result)
        return
    with screen.capture() as captured:
        screen.print(result)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def complain(message: str) -> None:
    """Say on stderr what went wrong."""
    Console(stderr=True, highlight=False).print(Text.assemble(("gradcheck: ", "bold red"), message), soft_wrap=True)

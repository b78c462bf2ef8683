"""The command `gradcheck`."""

import contextlib
import shlex
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..errors import GradcheckError, InvalidInputError
from ..protocol.registry import BackendInfo, backends, load_backend
from ..report.text import label_paragraph
from ..report.words import safe
from .checks import run_command
from .common import ExitCode, InterruptedCommandError, complain, interruptible, make_console, show
from .demo.show import show_demo
from .explanations import EXPLANATIONS
from .migrating import compare_command, record_command, verify_command

app = typer.Typer(
    name="gradcheck",
    help="Is this gradient right, and if not, where? For NumPy, PyTorch, TensorFlow and JAX.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_OWN = (str(Path(__file__).parents[1]), str(Path(typer.__file__).parent), contextlib.__file__, "<frozen ")
"""Frames of these files tell the author of a case nothing; `contextlib` stands between two of ours."""


def _print_version(wanted: bool) -> None:
    if wanted:
        make_console().print(f"gradcheck {metadata.version('gradcheck')}")
        raise typer.Exit


@app.callback()
def _of_every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command("demo")
def demo_command() -> None:
    """Check a small network on real data: by hand in NumPy, with a mistake, and in every installed framework."""
    with interruptible():
        as_expected = show_demo()
    raise typer.Exit(ExitCode.PASSED if as_expected else ExitCode.FAILED)


@app.command("backends")
def backends_command(
    load: Annotated[bool, typer.Option("--load", help="Import each one and say whether it works.")] = False,
) -> None:
    """List the known frameworks, and say why any is not available."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("backend", "version", "shipped by", "status"):
        table.add_column(heading)
    for info in backends():
        table.add_row(*map(Text, (safe(info.name), info.version, info.distribution, _describe_status(info, load))))
    show(table)
    if not load:
        show("\nNothing was imported; `gradcheck backends --load` imports each and says whether it works.")


@app.command("explain")
def explain_command(
    what: Annotated[str, typer.Argument(metavar="VERDICT|DIAGNOSIS", help="The word from a report: BUG, scaled, ...")],
) -> None:
    """Say what a verdict or a diagnosis means, where it comes from and what to do."""
    names = {name.lower(): name for name in EXPLANATIONS}
    if what.lower() not in names:
        message = f"{what} is neither a verdict nor a diagnosis; known are {', '.join(EXPLANATIONS)}"
        raise InvalidInputError(message)
    name = names[what.lower()]
    text = EXPLANATIONS[name]
    cause, cure = label_paragraph("Where it comes from", text.cause), label_paragraph("What to do", text.cure)
    show(Group(Text(name, style="bold"), Text(text.means), "", cause, "", cure))


app.command("run")(run_command)
app.command("record")(record_command)
app.command("verify")(verify_command)
app.command("compare")(compare_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(args=given, prog_name="gradcheck")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else ExitCode.USAGE
    except InterruptedCommandError as stop:
        advice = "" if stop.journal is None else f"; continue with: {shlex.join(['gradcheck', *given])}"
        complain(f"interrupted; your parameters are unchanged{advice}")
        return ExitCode.INTERRUPTED
    except GradcheckError as error:
        complain("\n".join([str(error), *getattr(error, "__notes__", ())]))
    except Exception as error:  # the user's file or cost raised it, so its own traceback says most
        traceback.print_exception(error.with_traceback(_cut_ours(error.__traceback__)))
        if isinstance(error, ModuleNotFoundError):
            complain(
                f"the module `{error.name}` is not installed for {sys.executable}; install it there. "
                "`gradcheck compare` can run either side in another Python: --python-a, --python-b"
            )
    return ExitCode.USAGE


def _cut_ours(trace: TracebackType | None) -> TracebackType | None:
    """Cut the traceback to where the user's code begins; keep all of it if there is none."""
    frames = trace
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN):
        frames = frames.tb_next
    return frames or trace


def _describe_status(info: BackendInfo, load: bool) -> str:
    if not info.available:
        return info.reason
    if not load:
        return "available"
    try:
        load_backend(info.name)
    except GradcheckError as error:
        return str(error)
    return "works"

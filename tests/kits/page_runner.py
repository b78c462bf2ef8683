"""Runs a page of the documentation as its reader would: in an empty folder, block after block."""

import contextlib
import io
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import pages

FAILED = "the page says that this raises"


def run(page: str, framework: str, folder: Path) -> None:
    """Run all blocks of a page with a framework; an AssertionError says what is not as the page shows it."""
    namespace = {"__name__": "__main__"}
    if "keras" in sys.modules:
        # its names are numbered over the whole process, and a reader's process has made none yet
        sys.modules["keras"].utils.clear_session()
    with _importable(page, folder):
        for step in pages.steps(page, framework):
            printed = execute(step.block, namespace, folder)
            missing = "" if step.shown is None else pages.differences(step.shown, printed)
            assert not missing, f"{step.block} prints something else\n{missing}"


def execute(block: pages.Block, namespace: dict, folder: Path) -> str:
    """What a block prints; one with a name is written to its file."""
    if "file" in block.options:
        (folder / block.options["file"]).write_text(block.text, encoding="utf-8")
        return ""
    return _python(block, namespace, folder) if block.language == "python" else _shell(block, namespace, folder)


@contextlib.contextmanager
def _importable(page: str, folder: Path) -> Iterator[None]:
    """The page's files can be imported, whatever others of their names were imported before, and are then forgotten."""
    names = {Path(block.options["file"]).stem for block in pages.blocks(page) if "file" in block.options}
    others = {name: sys.modules.pop(name) for name in names & set(sys.modules)}
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in names & set(sys.modules):
            del sys.modules[name]
        sys.modules.update(others)


def _python(block: pages.Block, namespace: dict, folder: Path) -> str:
    # a file with the block at its line: tracebacks name the page's lines, and AutoGraph finds the source
    script = folder / f"{Path(block.page).stem}_{block.line}.py"
    script.write_text("\n" * block.line + block.text, encoding="utf-8")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        if "raises" not in block.options:
            exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), namespace)
            return printed.getvalue()
        try:
            exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), namespace)
        except Exception as error:  # whatever it is: its text is compared
            return printed.getvalue() + "".join(traceback.format_exception_only(error))
    msg = f"{block}: {FAILED}"
    raise AssertionError(msg)


def _shell(block: pages.Block, namespace: dict, folder: Path) -> str:
    """The commands, with this Python's programs first on the path."""
    own = {"PYTHONSAFEPATH", "COLUMNS"}  # the reader's files import each other, and terminals have 80 columns
    environment = {name: value for name, value in os.environ.items() if name not in own and "PYTEST" not in name}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    done = subprocess.run(
        ["sh", "-c", block.text], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    expected = int(block.options.get("exit", "0"))
    assert done.returncode == expected, f"{block} ends with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout

"""Sides that run in a Python of their own: frameworks that exclude each other never meet in one process."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import final

from ..errors import SnapshotError
from .snapshots.snapshot import load_snapshot
from .snapshots.stored import Snapshot

_LAST_LINES = 12
"""Of the output of a side that failed: enough for a traceback's last frames and its message."""

_EVERY = 0.05
"""Seconds between two looks at the processes: too short to be felt, too long to cost anything."""

_RECORDED = (0, 1, 3)
"""Exit codes of `gradcheck record --even-if-wrong` that wrote a file: right, wrong, undecided."""


@final
@dataclass(frozen=True, slots=True)
class Errand:
    """One side to be recorded elsewhere.

    `side` is its name in reports and errors, `target` a ``FILE::NAME`` relative to this process' folder, `python` the
    path or the command of an interpreter, and `options` are further arguments of `gradcheck record`.
    """

    side: str
    target: str
    python: str
    options: tuple[str, ...] = ()


def record_elsewhere(
    errands: Sequence[Errand], finished: Callable[[Errand], None] = lambda errand: None
) -> dict[str, Snapshot]:
    """Record every side in its own interpreter, all at once, and read what they recorded, by side.

    Each Python needs this package and what the side's file imports, and nothing else. Gradients are recorded whatever
    finite differences say of them. `finished` is called with each errand when its process has ended well.

    Raises SnapshotError if a Python cannot be run, has no gradcheck, or its side fails; naming side and Python, with
    its last lines.
    """
    with tempfile.TemporaryDirectory(prefix="gradcheck-") as folder, ExitStack() as stack:
        running = [_start(errand, Path(folder) / f"{i}.safetensors", stack) for i, errand in enumerate(errands)]
        waiting = list(running)
        while waiting:
            ended = [each for each in waiting if each.process.poll() is not None]
            for each in ended:
                each.require_snapshot()
                finished(each.errand)
            waiting = [each for each in waiting if each not in ended]
            time.sleep(_EVERY)
        return {each.errand.side: load_snapshot(each.output) for each in running}


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    errand: Errand
    output: Path
    process: subprocess.Popen[bytes]
    said: Path

    def require_snapshot(self) -> None:
        code = self.process.returncode
        if code in _RECORDED and self.output.is_file():
            return
        lines = self.said.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else ""
        if "No module named" in last and "gradcheck_core" in last:
            what = "an older gradcheck, which has no snapshots" if "__main__" in last else "no gradcheck"
            cure = f"{self.errand.python} -m pip install gradcheck=={metadata.version('gradcheck')}"
            msg = f"{_name_side(self.errand)} has {what}; install this one there: {cure}"
            raise SnapshotError(msg)
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        if code in _RECORDED:
            how = "wrote no snapshot"
        words = "\n".join(f"    {line}" for line in lines[-_LAST_LINES:]) or "    (it said nothing)"
        msg = f"{_name_side(self.errand)} {how}; it said last:\n{words}"
        raise SnapshotError(msg)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


_PATIENCE = 5.0
"""Seconds that a side has to end on its own when the other one failed or the user interrupts."""


def _start(errand: Errand, output: Path, stack: ExitStack) -> _Running:
    said = output.with_suffix(".txt")
    command = [errand.python, "-m", "gradcheck_core", "record", errand.target, "-o", str(output)]
    try:
        with said.open("wb") as log:
            process = subprocess.Popen(
                [*command, "--even-if-wrong", "--quiet", *errand.options],
                stdin=subprocess.DEVNULL,
                stdout=log,  # what the side's file prints can explain its failure too
                stderr=log,
            )
    except OSError as error:
        msg = f"{_name_side(errand)} cannot be run: {error.strerror or error}; pass the path of a Python"
        raise SnapshotError(msg) from error
    running = _Running(errand, output, process, said)
    stack.callback(running.stop)
    return running


def _name_side(errand: Errand) -> str:
    return f"the side `{errand.side}`: {errand.python}"

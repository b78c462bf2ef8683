"""The file of a journal: JSON lines, appended one by one, of which the last may be cut short."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from ..errors import InvalidInputError
from ..protocol.layout import FloatVector

FORMAT = "gradcheck journal"
"""The first key of the first line; its value is the version of the format."""

Line = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One line, and where in the file it begins."""

    line: Line
    offset: int


@final
class JournalFile:
    """Reads what is there, drops a last line that is not whole, and appends.

    A line is handed to the operating system before the next evaluation, so that nothing written is lost with the
    process.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or written, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.touch()
            self._file = path.open("r+b")
        except OSError as error:
            msg = f"`journal={str(path)!r}`: the file cannot be written ({error.strerror}); pass one that can"
            raise InvalidInputError(msg) from error
        try:
            self.entries = self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def append(self, line: Line) -> None:
        """Write one more line."""
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def cut(self, offset: int) -> None:
        """Drop everything from here on."""
        self._file.seek(offset)
        self._file.truncate()

    def _read(self) -> list[Entry]:
        entries: list[Entry] = []
        offset = 0
        for number, text in enumerate(self._file, start=1):
            line = _parsed(text)
            if line is None and text.endswith(b"\n"):
                msg = (
                    f"`journal={str(self._path)!r}`: line {number} is not a journal's; pass another file to start anew"
                )
                raise InvalidInputError(msg)
            if line is None:
                self._require_own(text)
                self.cut(offset)  # the process was killed while it wrote
                break
            if not entries and FORMAT not in line:
                self._require_own(text)
            entries.append(Entry(line, offset))
            offset += len(text)
        return entries

    def _require_own(self, text: bytes) -> None:
        """Never cut what is somebody else's file."""
        if self._file.tell() == len(text) and not text.startswith(f'{{"{FORMAT}"'.encode()):
            msg = f"`journal={str(self._path)!r}` is a file, but no journal; pass a new file's name, or a journal"
            raise InvalidInputError(msg)


def as_json(costs: FloatVector) -> list[float | str]:
    """Exactly these numbers: the shortest decimals that round to them, and names for those that JSON does not have."""
    return [cost if math.isfinite(cost) else str(cost) for cost in costs.tolist()]


def from_json(costs: list[float | str]) -> FloatVector:
    """The numbers again."""
    return np.array([float(cost) for cost in costs])


def _parsed(text: bytes) -> Line | None:
    """A whole line, or None."""
    if not text.endswith(b"\n"):
        return None
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None

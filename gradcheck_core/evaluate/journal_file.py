"""The file of a journal: JSON lines, appended one by one. The last may be cut short."""

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

_START = f'{{"{FORMAT}"'.encode()

Line = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One line, and where in the file it begins."""

    line: Line
    offset: int


@final
class JournalFile:
    """Reads the lines that are there, drops a last one that was cut short, and appends.

    Each line goes to the operating system before the next evaluation, so a killed process loses nothing written.
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
        """Close the file."""
        self._file.close()

    def append(self, line: Line) -> None:
        """Write one more line at the end."""
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def cut(self, offset: int) -> None:
        """Drop everything from an offset on."""
        self._file.seek(offset)
        self._file.truncate()

    def _read(self) -> list[Entry]:
        start = self._file.read(len(_START))
        if start not in (b"", _START):
            msg = f"`journal={str(self._path)!r}` is not a journal; pass the name of a new file, or a journal"
            raise InvalidInputError(msg)
        self._file.seek(0)
        entries: list[Entry] = []
        offset = 0
        for number, text in enumerate(self._file, start=1):
            if not text.endswith(b"\n"):
                self.cut(offset)  # the process was killed while it wrote
                break
            line = _parse(text)
            if line is None:
                msg = f"`journal={str(self._path)!r}`: line {number} is damaged; pass another file to start a new one"
                raise InvalidInputError(msg)
            entries.append(Entry(line, offset))
            offset += len(text)
        return entries


def as_json(costs: FloatVector) -> list[float | str]:
    """Exactly these numbers; NaN and infinities, which JSON lacks, by name."""
    return [cost if math.isfinite(cost) else str(cost) for cost in costs.tolist()]


def from_json(costs: list[float | str]) -> FloatVector:
    """The numbers that `as_json` was given."""
    return np.array([float(cost) for cost in costs])


def _parse(text: bytes) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None

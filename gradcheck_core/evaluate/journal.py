"""A journal of answered requests, from which an interrupted check goes on.

A check is deterministic: the same call makes the same requests again. Every answer is appended to the journal as it
comes, and a later run takes its answers from there as long as it makes the requests of the earlier one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, final

import numpy as np

from ..errors import InvalidInputError
from ..protocol import registry
from ..protocol.layout import Layout
from .evaluator import Evaluator
from .journal_file import FORMAT, Entry, JournalFile, Line, as_json, from_json
from .preflight import Baseline, agree_within_rounding
from .requests import Part, Request, Source

_VERSION = 1
"""Version of the file's format."""


@final
class Journal:
    """Answers from a journal as far as it goes, then from another source, whose answers are appended.

    A check that needs a second precision keeps the answers of both in one file. Raises InvalidInputError if the file is
    not a journal, or is the journal of another check. `options` are those that decide at which thetas J is evaluated.
    """

    def __init__(self, path: Path, backend: str, options: Mapping[str, Any], precision: str) -> None:
        self._path = path
        self._header = _header(backend, options)
        self._precision = precision
        self._file = JournalFile(path)
        self._number = 0
        self._answered: dict[int, list[Entry]] = {}
        self._opening: Line | None = None
        self._roundoff = 0.0
        self._unperturbed = 0.0
        self._verified: set[type[Request]] = set()
        self._dropped = 0
        try:
            self._take_over()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if isinstance(error, KeyboardInterrupt):
            error.add_note(
                f"gradcheck: the results so far are kept; to continue, make the same call with "
                f"journal={str(self._path)!r}"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the report."""
        if not self._dropped:
            return ()
        return (
            f"{self._dropped} lines of the journal did not fit this check, as after a change of the claimed "
            "gradient or of gradcheck; they were replaced",
        )

    def begin(self, layout: Layout, baseline: Baseline, evaluator: Evaluator, further: Source) -> Source:
        """The source of answers from the journal, then from a further one. Refuses the journal of another problem."""
        self._roundoff, self._unperturbed = baseline.roundoff, baseline.cost.value
        opening = {
            "precision": self._precision,
            "layout": _digest(repr([(p.name, p.shape, p.dtype) for p in layout.parameters]).encode()),
            "theta": _digest(baseline.theta.astype("<f8").tobytes()),
            "cost": baseline.cost.value,
        }
        if self._opening is None:
            self._file.append(opening)
            return partial(self._answer, evaluator, further)
        if self._opening["layout"] != opening["layout"]:
            self._refuse("the parameters' names, shapes or dtypes are different")
        if self._opening["theta"] != opening["theta"]:
            self._refuse("the parameters have different values")
        if not agree_within_rounding(self._opening["cost"], baseline.cost.value, baseline.roundoff):
            self._refuse(f"J at the params was {self._opening['cost']!r} and is {baseline.cost.value!r} now")
        return partial(self._answer, evaluator, further)

    def _answer(self, evaluator: Evaluator, further: Source, request: Request) -> Iterator[Part]:
        self._number += 1
        asked = request.fingerprint()
        known = self._known(asked)
        for entry in known:
            yield self._replay(entry.line, request, evaluator)
        for start, stop in _gaps(known, request.size):
            before = evaluator.evaluations
            for within, costs in further(request.part(start, stop)):
                self._file.append(
                    {
                        "precision": self._precision,
                        "request": self._number,
                        "asked": asked,
                        "start": start + within,
                        "evaluations": evaluator.evaluations - before,
                        "not batched": evaluator.not_batched,
                        "costs": as_json(costs),
                    }
                )
                before = evaluator.evaluations
                yield start + within, costs

    def _known(self, asked: str) -> list[Entry]:
        """What the journal has of the request that is being answered."""
        known = self._answered.pop(self._number, [])
        if known and known[0].line["asked"] != asked:
            # A changed claim changes which entries get a second look. From here on this is another run.
            self._dropped = len(known) + sum(map(len, self._answered.values()))
            self._file.cut(known[0].offset)
            self._answered.clear()
            return []
        return known

    def _replay(self, line: Line, request: Request, evaluator: Evaluator) -> Part:
        start, costs = int(line["start"]), from_json(line["costs"])
        recorded, evaluations = costs, int(line["evaluations"])
        kind = type(request)
        if kind not in self._verified:
            # The theta with the largest effect is evaluated again: a cost that agrees there is the recorded one.
            self._verified.add(kind)
            one = int(np.argmax(np.abs(np.nan_to_num(costs - self._unperturbed))))
            now = evaluator.evaluate(request.part(start + one, start + one + 1))
            self._require_same(float(costs[one]), float(now[0]))
            recorded, evaluations = np.delete(costs, one), evaluations - 1
        evaluator.count_answers(recorded, evaluations, line["not batched"])
        return start, costs

    def _require_same(self, recorded: float, now: float) -> None:
        size = max(abs(recorded), abs(self._unperturbed))
        if np.isfinite(recorded) and np.isfinite(now):
            same = agree_within_rounding(size, size + abs(now - recorded), self._roundoff)
        else:
            same = str(recorded) == str(now)
        if not same:
            self._refuse(f"J near the params was {recorded!r} and is {now!r} now: the cost or its data changed")

    def _take_over(self) -> None:
        """Take what the file has for this precision; a file without answers is started anew."""
        entries = self._file.entries
        answers = [entry for entry in entries if "request" in entry.line]
        if not answers:
            self._file.cut(0)
            self._file.append(self._header)
            return
        self._require_same_check(entries[0].line)
        mine = [entry for entry in entries[1:] if entry.line.get("precision") == self._precision]
        for entry in mine:
            if "request" in entry.line:
                self._answered.setdefault(int(entry.line["request"]), []).append(entry)
            else:
                self._opening = entry.line

    def _require_same_check(self, header: Line) -> None:
        if header[FORMAT] != _VERSION:
            self._refuse(f"its format is version {header[FORMAT]}, and this gradcheck writes version {_VERSION}")
        for key in ("gradcheck", "backend", "framework"):
            if header[key] != self._header[key]:
                what = {"framework": header["backend"]}.get(key, key)
                self._refuse(f"{what} was {header[key]} and is {self._header[key]} now")
        for name, value in self._header["options"].items():
            before = header["options"].get(name)
            if before != value:
                self._refuse(f"`{name}` was {before!r} and is {value!r} now")

    def _refuse(self, reason: str) -> NoReturn:
        msg = (
            f"`journal={str(self._path)!r}` belongs to another check: {reason}. To continue it, make the same call "
            "again; to start a new one, pass another file"
        )
        raise InvalidInputError(msg)


def _header(backend: str, options: Mapping[str, Any]) -> Line:
    framework = next((info.version for info in registry.backends() if info.name == backend), "")
    return {
        FORMAT: _VERSION,
        "gradcheck": version("gradcheck"),
        "backend": backend,
        "framework": framework,
        "options": dict(options),
    }


def _gaps(known: list[Entry], size: int) -> list[tuple[int, int]]:
    """The ranges of a request that are still to be answered."""
    missing = np.ones(size + 2, dtype=bool)
    missing[[0, -1]] = False
    for entry in known:
        start = int(entry.line["start"]) + 1
        missing[start : start + len(entry.line["costs"])] = False
    edges = np.flatnonzero(missing[1:] != missing[:-1])
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()

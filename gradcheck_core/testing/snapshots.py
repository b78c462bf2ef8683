"""What the fixture `gradient_snapshot` hands to a test."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, final

from ..errors import GradientCheckError, InvalidInputError, SnapshotError
from ..report.files import file_name
from .asker import Asker
from .records import Record

if TYPE_CHECKING:
    from ..case import GradientCase
    from ..migration.parity.report import ParityReport

FOLDER = "gradient_snapshots"
"""The folder beside the test's own file."""


@final
class Snapshots:
    """``gradient_snapshot(case, name=None)``: compares a `GradientCase` with the file kept for it, and asserts.

    The files are in the folder of the test's module; their name is the same for every backend.
    """

    def __init__(self, asker: Asker, folder: Path, name: str, record: bool) -> None:
        self._asker = asker
        self._folder = folder
        self._name = name
        self._record_first = record
        self._used: set[Path] = set()

    def __call__(self, case: "GradientCase", name: str | None = None) -> "ParityReport":
        """Verify a case against its snapshot; with ``--gradcheck-record``, write that first.

        Parameters
        ----------
        case : GradientCase
            A case in any framework.
        name : str, optional
            Tells several snapshots of one test apart. None (default): the test has one.

        Raises
        ------
        GradientCheckError
            If the case does not agree with its snapshot, or finite differences contradict it.
        SnapshotError
            If there is no snapshot, or it cannot be read.
        InvalidInputError
            If the test has used this name already.
        """
        __tracebackhide__ = True
        from ..migration.snapshots.snapshot import verify_snapshot  # not at the top, as in the fixture `gradcheck`

        path = self._folder / f"{file_name(self._name if name is None else f'{self._name}.{name}')}.safetensors"
        if path in self._used:
            msg = f"`gradient_snapshot`: this test has used {path.name} already; pass a name for each, name='encoder'"
            raise InvalidInputError(msg)
        self._used.add(path)
        case = replace(case, name=case.name or self._name, options=self._asker.options(dict(case.options)))
        if self._record_first:
            self._record(path, case)
        elif not path.is_file():
            msg = f"`gradient_snapshot`: there is no {path} yet; record it: {self._asker.command} --gradcheck-record"
            raise SnapshotError(msg)
        report = verify_snapshot(path, case)
        self._asker.keep(_summarize(report), report, f" --gradcheck-seed={case.options['seed']}")
        return report

    def _record(self, path: Path, case: "GradientCase") -> None:
        __tracebackhide__ = True
        from ..check.api import check_case
        from ..migration.snapshots.snapshot import record_snapshot

        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            record_snapshot(path, case)
        except GradientCheckError:
            report = check_case(case).report
            self._asker.keep(Record.of(report), report, f" --gradcheck-record --gradcheck-seed={case.options['seed']}")
            raise


def _summarize(report: "ParityReport") -> Record:
    case = next(side for side in report.sides.values() if side.name != report.reference)
    differences = [row.gradient_difference for row in report.rows if not math.isnan(row.gradient_difference)]
    resolutions = [row.gradient_resolution for row in report.rows if not math.isnan(row.gradient_resolution)]
    return Record(
        verdict=report.verdict.value,
        difference=max(differences, default=math.inf),
        resolution=max(resolutions, default=math.inf),
        backend=case.backend,
        evaluations=0 if case.report is None else case.report.evaluations,
        seconds=report.seconds,
    )

"""Snapshots: what one framework computed for a model, kept in a file to compare another framework with."""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from ...case import GradientCase
from ...errors import InvalidInputError
from ...protocol import registry
from ...report.verdict import Verdict, VerdictPolicy
from ..compare import Mappings, compare_sides
from ..parity.report import ParityReport
from ..parity.rows import LikelyCause, Outcome
from ..parity.side import Side, observe
from . import snapshot_file
from .inputs import Input, compare_inputs, digest_args, list_undigested
from .stored import Snapshot

SNAPSHOT, UNNAMED = "snapshot", "case"
"""What reports call the stored side, and a case without a name."""


def record_snapshot(path: str | os.PathLike[str], case: GradientCase) -> Snapshot:
    """Check a case's gradient, and keep parameters, gradient and cost in one file.

    Parameters
    ----------
    path : str or path
        Of the file, usually ``*.safetensors``. An existing file is replaced, and stays if anything goes wrong.
    case : GradientCase
        Its options are those of the check.

    Returns
    -------
    Snapshot
        What was written.

    Raises
    ------
    GradientCheckError
        If finite differences contradict the gradient, since a wrong one cannot be a reference. Nothing is written then.
    SnapshotError
        If the file cannot be written.

    Notes
    -----
    The file holds no time and no place: the same case, with the same versions of everything, makes the same bytes.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from gradcheck_core import GradientCase
    >>> case = GradientCase(lambda w: float(w @ w), np.ones(2), grads=np.full(2, 2.0), name="square")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     snapshot = record_snapshot(f"{folder}/square.safetensors", case)
    >>> snapshot.cost, snapshot.d_theta["theta"]
    (2.0, array([2., 2.]))
    """
    _require_case("record_snapshot", case)
    snapshot = take_snapshot(case)
    if snapshot.contradicted and snapshot.report is not None:
        snapshot.report.raise_if_failed()
    snapshot_file.write(path, snapshot)
    return snapshot


def load_snapshot(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot; nothing in the file is executed.

    Parameters
    ----------
    path : str or path
        A file that `record_snapshot` wrote.

    Returns
    -------
    Snapshot
        Parameters and gradient by name, the cost, and with what it was recorded.

    Raises
    ------
    SnapshotError
        If there is no such file, or it is empty, truncated, damaged, of a newer format, or not a snapshot.
    """
    return snapshot_file.read(path)


def verify_snapshot(
    path: str | os.PathLike[str],
    case: GradientCase,
    *,
    mapping: Mappings = "auto",
    policy: VerdictPolicy | None = None,
) -> ParityReport:
    """Compare a case, in any framework, with a snapshot.

    Parameters
    ----------
    path : str or path
        Of the snapshot.
    case : GradientCase
        It is checked by finite differences too, so that the report can say which side is at fault; with the seed of
        the snapshot, by which several outputs of a cost are contracted.
    mapping : "auto", ParameterMap or path
        From the snapshot's parameters to the case's, as for `compare_gradients`.
    policy : VerdictPolicy, optional
        The thresholds; None (default) is ``VerdictPolicy()``.

    Returns
    -------
    ParityReport
        Of the sides `snapshot`, the reference, and the case by its name.

    Raises
    ------
    SnapshotError
        If the file is not a snapshot that can be used.
    MappingError
        If the mapping does not fit the parameters.
    InvalidInputError
        If `check_gradients` refuses the case.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from gradcheck_core import GradientCase
    >>> right = GradientCase(lambda w: float(w @ w), np.ones(2), grads=np.full(2, 2.0))
    >>> wrong = GradientCase(lambda w: float(w @ w), np.ones(2), grads=np.full(2, 1.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = record_snapshot(f"{folder}/square", right)
    ...     report = verify_snapshot(f"{folder}/square", wrong)
    >>> report.verdict, report.culprit
    (<Verdict.BUG: 'BUG'>, 'case')
    """
    started = time.perf_counter()
    _require_case("verify_snapshot", case)
    snapshot = load_snapshot(path)
    case = replace(case, options={**case.options, "seed": snapshot.seed})
    name = case.name if case.name not in (None, SNAPSHOT) else UNNAMED
    sides = {SNAPSHOT: make_side(snapshot, SNAPSHOT), name: observe(case, name)}
    return add_snapshot_notes(
        compare_sides(sides, SNAPSHOT, mapping, policy, started=started),
        {SNAPSHOT: snapshot},
        snapshot.inputs,
        digest_args(case.args),
    )


def _require_case(function: str, case: object) -> None:
    if not isinstance(case, GradientCase):
        msg = f"`{function}(case=...)` is {type(case).__name__}; pass a GradientCase(cost, params, ...)"
        raise InvalidInputError(msg)


def add_snapshot_notes(
    report: ParityReport, snapshots: Mapping[str, Snapshot], recorded: tuple[Input, ...], present: tuple[Input, ...]
) -> ParityReport:
    """A report that also says whether the snapshots were edited, and whether the inputs are the same.

    Other inputs matter only if the costs differ: a migration may need another layout of the same data.
    """
    edited = tuple(
        f"the numbers of `{name}` were edited after it was recorded, so the check recorded with it does not count"
        for name, snapshot in snapshots.items()
        if snapshot.altered
    )
    report = replace(report, notes=(*edited, *report.notes))
    if report.outcome is not Outcome.FORWARD_DIFFERS:
        return report
    different = compare_inputs(recorded, present)
    if different and report.diagnosis is None:
        cause = LikelyCause("inputs", "the cost was given other inputs", "; ".join(different))
        return replace(report, pairs=tuple(replace(pair, diagnosis=cause) for pair in report.pairs))
    unknown = list_undigested((*recorded, *present))
    if unknown:
        different = (*different, f"whether these arguments are the same cannot be told: {', '.join(unknown)}")
    return replace(report, notes=(*report.notes, *different))


def take_snapshot(case: GradientCase) -> Snapshot:
    """A case's snapshot, whatever finite differences say of its gradient; the report in it tells."""
    side = observe(case, case.name or UNNAMED)
    return Snapshot(
        theta={name: values.astype(_choose_dtype(side.dtypes[name])) for name, values in side.values.items()},
        d_theta=side.gradients,
        precision="" if side.report is None else side.report.precision,
        name=case.name,
        seed=case.options.get("seed", 0),
        inputs=digest_args(case.args),
        versions=_versions(side.backend),
        report=side.report,
        **_list_shared(side),
    )


def make_side(snapshot: Snapshot, name: str) -> Side:
    """A snapshot as one side of a comparison; of numbers edited since, finite differences have said nothing."""
    return Side(
        name=name,
        values={key: _wide(values) for key, values in snapshot.theta.items()},
        gradients=snapshot.d_theta,
        report=None if snapshot.altered else snapshot.report,
        **_list_shared(snapshot),
        # these cannot be derivatives, whatever differences say
        verdicts={key: Verdict.BUG for key, grads in snapshot.d_theta.items() if not np.isfinite(grads).all()},
    )


def _list_shared(record: Side | Snapshot) -> dict[str, Any]:
    """What a side and a snapshot both have, under one name."""
    names = ("backend", "cost", "dtypes", "roundoff", "noise", "gradient_dtypes", "sizes", "carried")
    return {name: getattr(record, name) for name in names}


def _wide(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _choose_dtype(dtype: str) -> str:
    """The NumPy dtype to keep a parameter in; float32 for dtypes that NumPy lacks and float32 holds exactly."""
    if dtype.startswith(("bfloat16", "float8", "float4")):
        return "float32"
    return dtype if dtype in ("float16", "float32", "complex64", "complex128") else "float64"


def _versions(backend: str) -> dict[str, str]:
    framework = {info.name: info.version for info in registry.backends() if info.name == backend and info.version}
    packages = {name: metadata.version(name) for name in ("gradcheck", "numpy")}
    return {"python": platform.python_version(), **packages, **framework}

"""Gradient checking for NumPy, PyTorch, TensorFlow, JAX and any framework with an adapter.

Each public name is imported when it is first used, so that a name costs only what it needs. Type checkers read the
imports below; at run time the table after them says the same.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from .case import GradientCase as GradientCase
    from .check.api import assert_gradients as assert_gradients
    from .check.api import check_gradients as check_gradients
    from .check.textbook import gradient_checking as gradient_checking
    from .errors import BackendUnavailableError as BackendUnavailableError
    from .errors import GradcheckError as GradcheckError
    from .errors import GradientCheckError as GradientCheckError
    from .errors import InvalidBackendError as InvalidBackendError
    from .errors import InvalidInputError as InvalidInputError
    from .errors import MappingError as MappingError
    from .errors import MissingExtraError as MissingExtraError
    from .errors import NonDeterministicCostError as NonDeterministicCostError
    from .errors import NonFiniteCostError as NonFiniteCostError
    from .errors import SnapshotError as SnapshotError
    from .errors import UnknownBackendError as UnknownBackendError
    from .errors import WorkersLostError as WorkersLostError
    from .migration.compare import compare_gradients as compare_gradients
    from .migration.inference.infer import infer_mapping as infer_mapping
    from .migration.mapping import MapEntry as MapEntry
    from .migration.mapping import ParameterMap as ParameterMap
    from .migration.parity.report import ParityReport as ParityReport
    from .migration.parity.rows import LikelyCause as LikelyCause
    from .migration.parity.rows import Outcome as Outcome
    from .migration.parity.rows import ParityRow as ParityRow
    from .migration.snapshots.snapshot import load_snapshot as load_snapshot
    from .migration.snapshots.snapshot import record_snapshot as record_snapshot
    from .migration.snapshots.snapshot import verify_snapshot as verify_snapshot
    from .migration.snapshots.stored import Snapshot as Snapshot
    from .protocol.registry import BackendInfo as BackendInfo
    from .protocol.registry import backends as backends
    from .report.gradient import GradientReport as GradientReport
    from .report.plots import plots as plots
    from .report.records import Certificate as Certificate
    from .report.records import Diagnosis as Diagnosis
    from .report.records import ParameterReport as ParameterReport
    from .report.verdict import Verdict as Verdict
    from .report.verdict import VerdictPolicy as VerdictPolicy
else:
    __getattr__, __dir__, __all__ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "case": ["GradientCase"],
            "check.api": ["assert_gradients", "check_gradients"],
            "check.textbook": ["gradient_checking"],
            "errors": [
                "BackendUnavailableError",
                "GradcheckError",
                "GradientCheckError",
                "InvalidBackendError",
                "InvalidInputError",
                "MappingError",
                "MissingExtraError",
                "NonDeterministicCostError",
                "NonFiniteCostError",
                "SnapshotError",
                "UnknownBackendError",
                "WorkersLostError",
            ],
            "migration.inference.infer": ["infer_mapping"],
            "migration.mapping": ["MapEntry", "ParameterMap"],
            "migration.compare": ["compare_gradients"],
            "migration.parity.report": ["ParityReport"],
            "migration.parity.rows": ["LikelyCause", "Outcome", "ParityRow"],
            "migration.snapshots.snapshot": ["load_snapshot", "record_snapshot", "verify_snapshot"],
            "migration.snapshots.stored": ["Snapshot"],
            "protocol.registry": ["BackendInfo", "backends"],
            "report.gradient": ["GradientReport"],
            "report.plots": ["plots"],
            "report.records": ["Certificate", "Diagnosis", "ParameterReport"],
            "report.verdict": ["Verdict", "VerdictPolicy"],
        },
    )

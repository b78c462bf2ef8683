"""The snapshot itself, a frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...report.gradient import GradientReport
from .inputs import Input

FORMAT_VERSION = 1
"""Of the file; grows when a reader of an older version would misread a file of the new one."""


@final
@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model's parameters, its gradient and its cost, as one framework gave them.

    Attributes
    ----------
    theta : mapping of str to numpy.ndarray
        The checked parameters by name, in theta's order, in their own dtype where NumPy has it; bfloat16 and float8 in
        float32, which holds them exactly. Read-only.
    d_theta : mapping of str to numpy.ndarray
        The claimed gradient by the same names, of the same shapes; float64, complex ones complex128 (dJ/dx + i dJ/dy).
    cost : float
        J at theta.
    dtypes : mapping of str to str
        Of each parameter, as the framework names it.
    precision : str
        In which cost and gradient were evaluated, ``float64`` wherever that was possible.
    backend : str
        The framework's name.
    name : str or None
        The case's.
    seed : int
        Of the random states.
    inputs : tuple of Input
        Digests of the case's `args`.
    versions : mapping of str to str
        Of Python and of the packages that computed it.
    report : GradientReport or None
        What finite differences said of the gradient when it was recorded, without the seconds that it took; None if
        they were not asked.
    roundoff, noise, gradient_dtypes, sizes, carried
        As for `Side`: how exact cost and gradients are, the lengths of the arguments' axes, and what else the params
        hold.
    format_version : int
        Of the file that it came from.
    altered : bool
        Whether the file's numbers are not those that were recorded, so that the report is not about them.
    """

    theta: Mapping[str, npt.NDArray[Any]]
    d_theta: Mapping[str, npt.NDArray[Any]]
    cost: float
    dtypes: Mapping[str, str]
    precision: str
    backend: str
    name: str | None = None
    seed: int = 0
    inputs: tuple[Input, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    report: GradientReport | None = None
    roundoff: float = 2.0**-53
    noise: float = 0.0
    gradient_dtypes: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION
    altered: bool = False

    def __post_init__(self) -> None:
        for attribute in ("theta", "d_theta"):
            arrays = {name: _read_only(array) for name, array in getattr(self, attribute).items()}
            object.__setattr__(self, attribute, MappingProxyType(arrays))
        for attribute in ("dtypes", "versions", "gradient_dtypes", "carried"):
            object.__setattr__(self, attribute, MappingProxyType(dict(getattr(self, attribute))))

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The parameters whose gradient finite differences contradicted when it was recorded."""
        reports = {} if self.report is None else self.report.parameters
        return tuple(name for name, report in reports.items() if report.verdict.is_evidence)


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view

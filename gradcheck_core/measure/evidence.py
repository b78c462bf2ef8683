"""What was found out about a gradient: every record of it, before anything is judged."""

from dataclasses import dataclass, field
from typing import Self, final

import numpy as np
import numpy.typing as npt

from ..evaluate.preflight import Baseline
from ..numerics.coordinates import Derivatives
from ..protocol.layout import FloatVector, Gradient, Layout, Parameter
from ..protocol.outputs import roundoff_of
from ..report.records import Certificate

_CLAIM_ROUNDING = 4.0
"""Roundoffs of its largest entry that a right gradient, computed in its own dtype, is taken to be off by."""


@final
@dataclass(frozen=True, slots=True)
class Claimed:
    """A parameter's claimed entries and how far off they may be by the rounding of their own dtype, absolute."""

    values: FloatVector
    rounding: float

    @classmethod
    def of(cls, values: FloatVector, dtype: str) -> Self:
        """A claim that came in some dtype; float64 is taken as exact."""
        if roundoff_of(dtype) <= roundoff_of("float64"):
            return cls(values, 0.0)
        finite = np.abs(values[np.isfinite(values)])
        return cls(values, _CLAIM_ROUNDING * roundoff_of(dtype) * float(np.max(finite, initial=0.0)))

    def excess(self, found: Derivatives) -> FloatVector:
        """How many times its error bar each claim is away from what was measured, 0 where it is within.

        Infinite where nothing was measured.
        """
        away = np.abs(self.values - found.nearest(self.values))
        allowed = found.error + self.rounding
        with np.errstate(invalid="ignore", divide="ignore"):
            excess = np.where(away > allowed, away / allowed, 0.0)
        return np.where(np.isfinite(found.error), np.nan_to_num(excess, nan=0.0, posinf=np.finfo(float).max), np.inf)


@final
@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about one parameter: its claimed entries and the numeric ones, and how exact both can be.

    `natural` is the size that they would have by nature, absolute, where more is known of it than of the gradient as a
    whole: second derivatives times a direction of theta's scale are of the gradient's own size.
    Where entries were moved together and some measured, if any: `projected` is the norm of the discrepancy that
    directions show, absolute, `located` are ranges in which something is wrong, and `by_entries` is whether any entry
    was measured alone.
    """

    parameter: Parameter
    claim: Claimed
    derivatives: Derivatives
    natural: float = 0.0
    projected: float = 0.0
    located: tuple[tuple[int, int], ...] = ()
    by_entries: bool = True

    @property
    def claimed(self) -> FloatVector:
        """The claimed entries."""
        return self.claim.values

    @property
    def numeric(self) -> FloatVector:
        """The numeric entries; on a kink the subgradient nearest to the claim."""
        return self.derivatives.nearest(self.claim.values)

    @property
    def error(self) -> FloatVector:
        """Error bars of the comparison, absolute: of the differences and of the dtype that the claim came in."""
        return self.derivatives.error + self.claim.rounding

    @property
    def away(self) -> npt.NDArray[np.bool_]:
        """Which entries are claimed outside their error bar."""
        return np.asarray(~(np.abs(self.claimed - self.numeric) <= self.error))

    @property
    def worst(self) -> int:
        """The entry farthest from its claim: one that is not finite, else beyond the error bar, if any is."""
        return int(np.argmax(self.beyond)) if self.first_not_finite is None else self.first_not_finite

    @property
    def beyond(self) -> FloatVector:
        """How far each entry is from its claim beyond its error bar; how far it is where none is beyond."""
        discrepancy = np.abs(self.numeric - self.claimed)
        beyond = np.maximum(discrepancy - self.error, 0.0)
        return beyond if beyond.any() else discrepancy

    @property
    def first_not_finite(self) -> int | None:
        """The first entry whose claim is NaN or infinite, or None."""
        bad = np.flatnonzero(~np.isfinite(self.claimed))
        return int(bad[0]) if bad.size else None


@final
@dataclass(frozen=True, slots=True)
class Gathered:
    """Evidence, one item or several for each checked parameter, and what else was found out.

    `sensitivity` is by parameter how much its float64 gradient changes, as a norm, when theta is rounded to the
    parameters' own precision; only where that is below float64 and the gradient is the backend's. `unmoved` names the
    parameters that can be moved without any change of the cost. `claim` is the gradient that was checked, by all
    parameters; None where Hessian-vector products were. `noise` is that of the cost, absolute.
    """

    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]
    sensitivity: dict[str, float] = field(default_factory=dict)
    unmoved: tuple[str, ...] = ()
    certificate: Certificate | None = None
    claim: Gradient | None = None
    noise: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found out before anything is judged.

    `evaluations` are the calls of the cost, except those of automatic differentiation; with order=2 those of the
    gradient too. `stopped` says which limit ended it before everything was measured; it is empty where none did.
    """

    baseline: Baseline
    gathered: Gathered
    evaluations: int
    precision: str
    method: str
    layout: Layout
    stopped: str = ""

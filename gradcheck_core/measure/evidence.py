"""What was found out about a gradient: every record of it, before anything is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Self, final

import numpy as np

from ..evaluate.evaluator import Evaluator
from ..evaluate.preflight import Baseline
from ..numerics.coordinates import Derivatives, ParameterCost
from ..protocol.layout import FloatVector, Gradient, Parameter
from ..protocol.outputs import roundoff_of
from ..report.pictures import Curves
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


def cost_of(
    evaluator: Evaluator, position: int, present: FloatVector, baseline: Baseline, noise: float
) -> ParameterCost:
    """The cost as a function of one parameter's entries."""
    return ParameterCost(
        theta=present,
        cost=baseline.cost.value,
        noise=noise,
        roundoff=baseline.roundoff,
        costs_at=partial(evaluator.costs_at, position, present),
        moved_to=lambda values: evaluator.cost_moved({position: values}, {position: present}),
        rounded=partial(evaluator.representable, position),
    )


@final
@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about one parameter: its claimed entries and the numeric ones, and how exact both can be.

    `natural` is the size that they would have by nature, absolute, where more is known of it than of the gradient as a
    whole: second derivatives times a direction of theta's scale are of the gradient's own size.
    Where entries were moved together and only some measured, if any: `projected` is the norm of the discrepancy that
    directions show, absolute, `located` are ranges in which something is wrong, and `by_entries` is whether any entry
    was measured by itself.
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
    def worst(self) -> int:
        """The entry farthest from its claim: one that is not finite, else beyond the error bar, if any is."""
        if self.first_not_finite is not None:
            return self.first_not_finite
        discrepancy = np.abs(self.numeric - self.claimed)
        beyond = np.maximum(discrepancy - self.error, 0.0)
        return int(np.argmax(beyond if beyond.any() else discrepancy))

    @property
    def first_not_finite(self) -> int | None:
        """The first entry whose claim is NaN or infinite, or None."""
        bad = np.flatnonzero(~np.isfinite(self.claimed))
        return int(bad[0]) if bad.size else None


@final
@dataclass(frozen=True, slots=True)
class Gathered:
    """Evidence and what else was found out.

    Attributes
    ----------
    evidence : tuple of Evidence
        For each checked parameter, one item or several.
    notes : tuple of str
        For the reader.
    sensitivity : dict
        By parameter, how much its float64 gradient changes, as a norm, when theta is rounded to the parameters' own
        precision; only where those are below float64 and the gradient is the backend's.
    unmoved : tuple of str
        Parameters that can be moved without any change of the cost.
    certificate : Certificate or None
        Of random directions.
    claim : Gradient or None
        The gradient that was checked, by all parameters; None where Hessian-vector products were.
    noise : float
        Of the cost, absolute.
    curves : mapping of str to Curves
        Of wrong parameters, for pictures.
    """

    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]
    sensitivity: dict[str, float] = field(default_factory=dict)
    unmoved: tuple[str, ...] = ()
    certificate: Certificate | None = None
    claim: Gradient | None = None
    noise: float = 0.0
    curves: Mapping[str, Curves] = field(default_factory=dict)

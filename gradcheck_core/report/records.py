"""Frozen records that a report holds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

from ..protocol.layout import entry_name
from .base import Report, to_plain
from .pictures import Pictures
from .verdict import Verdict


@final
@dataclass(frozen=True, slots=True)
class Certificate:
    """What random directions say about a gradient too large to be measured entry by entry.

    Attributes
    ----------
    bound : float
        What the relative error of any parameter's gradient, ``||G - d_theta|| / ||d_theta||``, is at most, with the
        stated confidence. It does not cover the places that are reported wrong and the parameters in `unseen`.
    confidence : float
        Of the bound, in (0, 1), whatever the error looks like.
    directions : int
        How many random directions the bound rests on.
    seed : int
        Of the directions; another one draws others.
    unseen : tuple of str
        Names of parameters whose claimed gradient is too small beside the others' to bound an error relative to it.
    """

    bound: float
    confidence: float
    directions: int
    seed: int = 0
    unseen: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The likely mistake in a wrong gradient.

    Attributes
    ----------
    kind : str
        ``not_finite``, ``sign_flipped``, ``scaled``, ``zero``, ``single_entry``, ``partial``, ``transposed``,
        ``reversed``, ``shifted``, ``permuted``, ``swapped``, ``reduction``, ``weight_decay``, ``l1`` or ``offset``.
    sentence : str
        For a person: the parameter, what was seen, and where to look in the code.
    fit : float
        The share of ``||G - d_theta||^2``, G the numeric gradient, that the mistake explains; above 0.99.
    """

    kind: str
    sentence: str
    fit: float


@final
@dataclass(frozen=True, slots=True)
class ParameterReport:
    """What the check found about one parameter.

    Attributes
    ----------
    name, shape, dtype
        The parameter's path, shape and own dtype.
    verdict : Verdict
        Of this parameter alone.
    difference, resolution : float
        Relative, in [0, 1]; `difference` is infinite where the claimed gradient is not finite.
    worst_index : tuple of int
        Where claimed and numeric gradient are farthest apart, beyond the error bar if anywhere; empty where no entry
        was measured on its own, and then the next three are NaN.
    analytic, numeric : float
        The claimed and the numeric derivative there, absolute.
    error : float
        Error bar of `numeric`, absolute.
    wrong : tuple of pairs of int
        Half-open ranges of entries, counted in C order, that differ by more than their error bar and the policy allow;
        the ones that are not finite alone, where there are any.
    kinks : int
        How many coordinates were found to sit on a kink of the cost.
    diagnosis : Diagnosis or None
        The likely mistake, where one is known.
    part : str
        ``real`` or ``imag``: by which part of a complex entry the worst derivative is; empty for a real parameter.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    verdict: Verdict
    difference: float
    resolution: float
    worst_index: tuple[int, ...] = ()
    analytic: float = math.nan
    numeric: float = math.nan
    error: float = math.nan
    wrong: tuple[tuple[int, int], ...] = ()
    kinks: int = 0
    diagnosis: Diagnosis | None = None
    part: str = ""

    @property
    def worst_entry(self) -> str:
        """The worst entry as a person would write it, e.g. ``w[2, 0]`` or ``z[1].imag``."""
        return entry_name(self.name, self.worst_index, self.part)

    def rank(self) -> tuple[int, float]:
        """How bad it is: the verdict's severity first, then the difference."""
        return self.verdict.severity, self.difference

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become the strings "nan", "inf" and "-inf"."""
        return dict(to_plain(self))


@dataclass(frozen=True, slots=True)
class GradientRecord(Report):
    """What a check found; `GradientReport` has the fields' meanings, and can say itself."""

    verdict: Verdict
    difference: float
    resolution: float
    cost: float
    parameters: Mapping[str, ParameterReport]
    method: str
    scheme: str
    precision: str
    backend: str
    evaluations: int
    seconds: float
    certificate: Certificate | None = None
    notes: tuple[str, ...] = ()
    order: int = 1
    first: str = ""
    stopped: str = ""
    pictures: Pictures = field(default=Pictures(), compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @property
    def worst(self) -> ParameterReport:
        """Of the parameters with the worst verdict the one to look at first.

        That is the one whose own rule is wrong, as far as can be told where a mistake was passed on to others; where
        none is wrong, the one with the largest difference.
        """
        if self.first:
            return self.parameters[self.first]
        return max(self.parameters.values(), key=ParameterReport.rank)

"""One case opened in one precision: what the ways of gathering evidence share, and what they give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from .assessment import Evidence
from .case import GradientCase
from .evaluator import Evaluator
from .options import CheckOptions
from .outputs import Contraction
from .pictures import Curves
from .preflight import Baseline
from .protocol import Backend, FloatVector, Gradient, Layout, Problem
from .randomness import HostRandomState
from .report import Certificate


@final
@dataclass(frozen=True, slots=True)
class Session:
    """An open problem that has passed the preflight.

    Attributes
    ----------
    adapter, case, options
        What was asked.
    precision : str
        In which the problem was opened, ``native`` or ``float64``.
    problem, evaluator, contraction, random_state
        The means.
    baseline : Baseline
        Theta and J there.
    chosen : tuple of int
        Positions of the parameters to check.
    """

    adapter: Backend
    case: GradientCase
    options: CheckOptions
    precision: str
    problem: Problem
    evaluator: Evaluator
    contraction: Contraction
    random_state: HostRandomState
    baseline: Baseline
    chosen: tuple[int, ...]

    @property
    def layout(self) -> Layout:
        """Of theta."""
        return self.problem.layout

    def entries(self, parameter: int) -> FloatVector:
        """One parameter's entries at theta."""
        return self.baseline.theta[self.layout.parameters[parameter].range]

    @property
    def present(self) -> dict[int, FloatVector]:
        """The entries at theta of the parameters to check, by position."""
        return {i: self.entries(i) for i in self.chosen}


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

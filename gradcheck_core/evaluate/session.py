"""One case opened in one precision: what the ways of gathering evidence share, and what they give."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from ..case import CheckOptions, GradientCase
from ..protocol.backend import Backend, Problem
from ..protocol.layout import FloatVector, Layout
from ..protocol.outputs import Contraction
from ..protocol.randomness import HostRandomState
from .evaluator import Evaluator
from .limits import Limits
from .preflight import Baseline


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
class Opened:
    """A case's problem, and what evaluates it."""

    problem: Problem
    evaluator: Evaluator
    contraction: Contraction
    random_state: HostRandomState


@contextmanager
def opened(precision: str, adapter: Backend, case: GradientCase, seed: int) -> Iterator[Opened]:
    """A case opened in one precision, to be evaluated a few times beside the check itself."""
    with (
        HostRandomState(seed) as random_state,
        adapter.open(case.cost, case.params, case.args, precision, seed) as problem,
    ):
        contraction = Contraction(seed)
        evaluator = Evaluator(problem, contraction, random_state, Limits(), lambda count: None)
        yield Opened(problem, evaluator, contraction, random_state)

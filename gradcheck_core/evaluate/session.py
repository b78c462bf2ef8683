"""One case opened in one precision, and its cost as a function of one parameter's entries or along a direction."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from ..case import CheckOptions, GradientCase
from ..numerics.coordinates import ParameterCost
from ..numerics.ladder import STEPS_ALONG_A_LINE, along_line
from ..numerics.steps import first_step, own_sizes
from ..protocol.backend import Backend, Problem
from ..protocol.layout import FloatVector, Layout
from ..protocol.outputs import Contraction
from ..protocol.randomness import HostRandomState
from .evaluator import Evaluator
from .journal import Journal
from .limits import Limits
from .preflight import Baseline

EVALUATIONS_ALONG_A_LINE = 2 * len(STEPS_ALONG_A_LINE)
"""Of the two slopes along one direction."""


@final
@dataclass(frozen=True, slots=True)
class Session:
    """A case opened in one precision, ``native`` or ``float64``, that has passed the preflight.

    `chosen` are the positions of the parameters to check.
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
    journal: Journal | None = None

    @property
    def layout(self) -> Layout:
        """Of theta."""
        return self.problem.layout

    def entries(self, parameter: int) -> FloatVector:
        """One parameter's entries at theta."""
        return self.baseline.theta[self.layout.parameters[parameter].range]

    def move(
        self, direction: Mapping[int, FloatVector], t: float
    ) -> tuple[dict[int, FloatVector], dict[int, FloatVector]]:
        """Theta plus t times a direction through some parameters, and theta itself, by position."""
        present = {i: self.entries(i) for i in direction}
        return {i: present[i] + t * along for i, along in direction.items()}, present

    def cost_along(self, direction: Mapping[int, FloatVector], t: float) -> float:
        """J at theta plus t times a direction."""
        return self.evaluator.cost_with(*self.move(direction, t))

    @property
    def present(self) -> dict[int, FloatVector]:
        """The entries at theta of the parameters to check, by position."""
        return {i: self.entries(i) for i in self.chosen}


@final
@dataclass(frozen=True, slots=True)
class Opened:
    """A case's problem, and what it is evaluated with."""

    problem: Problem
    contraction: Contraction
    random_state: HostRandomState

    def evaluator(self, limits: Limits | None = None, on_evaluations: Callable[[int], None] | None = None) -> Evaluator:
        """What evaluates the cost; without limits unless some are given."""
        return Evaluator(self.problem, self.contraction, self.random_state, limits or Limits(), on_evaluations)


@contextmanager
def open_case(precision: str, adapter: Backend, case: GradientCase, seed: int) -> Iterator[Opened]:
    """A case opened in one precision; it is closed and the random state given back whatever happens."""
    with (
        HostRandomState(seed) as random_state,
        closing(adapter.open(case.cost, case.params, case.args, precision, seed)) as problem,
    ):
        yield Opened(problem, Contraction(seed), random_state)


def cost_of(session: Session, position: int, noise: float) -> ParameterCost:
    """The cost as a function of one parameter's entries."""
    present = session.entries(position)
    return ParameterCost(
        theta=present,
        cost=session.baseline.cost.value,
        noise=noise,
        roundoff=session.baseline.roundoff,
        costs_at=partial(session.evaluator.costs_at, position, present),
        rounded=partial(_round_entries, session.problem, position),
    )


def _round_entries(problem: Problem, position: int, values: FloatVector) -> FloatVector:
    """What new values of a whole parameter become in the precision of the evaluation; theta is as before."""
    present = problem.read(position)
    problem.write(position, slice(None), values)
    rounded = problem.read(position)
    problem.write(position, slice(None), present)
    return rounded


@final
@dataclass(frozen=True, slots=True)
class Slopes:
    """The cost's slope along a direction, from one side and the other, and how far off both may be."""

    lower: float
    upper: float
    error: float

    def contain(self, value: float, allowed: float) -> bool:
        # written so that an infinite bar, or a slope that is not a number, excludes nothing
        return not (value < self.lower - self.error - allowed or value > self.upper + self.error + allowed)

    def are(self, lower: float, upper: float, allowed: float) -> bool:
        """Whether these are the two slopes."""
        off = max(abs(lower - self.lower), abs(upper - self.upper))
        return not off > self.error + allowed


def random_direction(entries: FloatVector, generator: np.random.Generator) -> FloatVector:
    """A random direction through a parameter, in proportion to each entry itself."""
    signs = generator.choice([-1.0, 1.0], size=entries.size)
    direction: FloatVector = own_sizes(entries) * signs * generator.uniform(0.5, 1.0, size=entries.size)
    return direction


@final
class Line:
    """The cost along directions through theta, each given by position, from a first step that is at most the longest.

    `cost`, `noise` and `step` are J at theta, its noise, and the step to begin with; `present` is theta by position.
    """

    def __init__(self, session: Session, noise: float, longest: float = math.inf) -> None:
        self._session = session
        self._roundoff = session.baseline.roundoff
        self.present = session.present
        self.cost = session.baseline.cost.value
        self.noise = noise
        # No longer than single entries needed: a cost that turns over within the step would show any slope at all.
        self.step = min(first_step(noise, self.cost, self._roundoff), longest)

    @property
    def affordable(self) -> bool:
        """Whether the check may still make the evaluations that one direction takes."""
        return self._session.evaluator.left_beyond(1, EVALUATIONS_ALONG_A_LINE) == EVALUATIONS_ALONG_A_LINE

    def slopes(self, direction: dict[int, FloatVector]) -> Slopes:
        """Both one-sided slopes at theta."""
        steps = self.step * STEPS_ALONG_A_LINE
        costs = list(map(partial(self._session.cost_along, direction), [*steps.tolist(), *(-steps).tolist()]))
        plus, minus = np.split(np.array(costs) - self.cost, 2)
        return Slopes(*along_line(steps, plus, minus, self.noise, self._roundoff, self._roundoff))

    def cost_with(self, moved: dict[int, FloatVector]) -> float:
        """J with all entries of some parameters replaced."""
        return self._session.evaluator.cost_with(moved, {i: self.present[i] for i in moved})

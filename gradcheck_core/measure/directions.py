"""The cost along directions through theta: its slopes there, and at points nearby."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from ..evaluate.evaluator import Evaluator
from ..evaluate.preflight import Baseline
from ..numerics.coordinates import Derivatives
from ..numerics.remeasure import STEPS_ALONG_A_LINE, along_line
from ..numerics.steps import CONFIDENT, first_step, own_sizes
from ..protocol.layout import FloatVector

EVALUATIONS_EACH = 2 * len(STEPS_ALONG_A_LINE)
"""Of the two slopes along one direction."""

_SAMPLES = 24
"""Points nearby at which a slope is taken; all but 1 in 200 times they meet a given one of five tied entries."""

_NEARBY = 16.0
"""How far away those points are, in steps of a usual difference."""

_FINER = 64.0
"""How much shorter than usual the differences there are, so that few of them cross a kink."""

_CROSSINGS = 3
"""Points at which it is seen whether an entry takes part in a kink."""

_SLACK = 1e-2
"""Part of a slope by which it may change from one point nearby to the next where the cost is smooth."""


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


@final
class Line:
    """The cost along directions through theta."""

    def __init__(
        self,
        evaluator: Evaluator,
        present: dict[int, FloatVector],
        baseline: Baseline,
        noise: float,
        longest: float = math.inf,
    ) -> None:
        self._evaluator = evaluator
        self._present = present
        self._baseline = baseline
        self._noise = noise
        # No longer than single entries needed: a cost that turns over within the step would show any slope at all.
        self.step = min(first_step(noise, baseline.cost.value, baseline.roundoff), longest)

    @property
    def affordable(self) -> bool:
        """Whether the check may still make the evaluations that one direction takes."""
        return self._evaluator.left_beyond(1, EVALUATIONS_EACH) == EVALUATIONS_EACH

    def entries(self, parameter: int) -> FloatVector:
        """The parameter's entries at theta."""
        return self._present[parameter]

    def slopes(self, direction: dict[int, FloatVector]) -> Slopes:
        """Both one-sided slopes at theta."""
        cost = self._baseline.cost.value
        steps = self.step * STEPS_ALONG_A_LINE
        plus = np.array([self._at(direction, float(t)) for t in steps]) - cost
        minus = np.array([self._at(direction, float(-t)) for t in steps]) - cost
        roundoff = self._baseline.roundoff
        return Slopes(*along_line(steps, plus, minus, self._noise, roundoff, roundoff))

    def sides(self, parameter: int, found: Derivatives) -> tuple[FloatVector, FloatVector]:
        """Every entry's slope to the right and to the left; one evaluation for each on a kink."""
        right, left = found.upper.copy(), found.lower.copy()
        cost = self._baseline.cost.value
        for entry in np.flatnonzero(found.lower < found.upper):
            unit = np.zeros_like(right)
            unit[entry] = own_sizes(self._present[parameter])[entry]
            slope = (self._at({parameter: unit}, self.step) - cost) / (self.step * unit[entry])
            if abs(slope - found.lower[entry]) < abs(slope - found.upper[entry]):
                right[entry], left[entry] = left[entry], right[entry]
        return right, left

    def slopes_nearby(self, parameter: int, direction: FloatVector, generator: np.random.Generator) -> Slopes:
        """The least and the largest slope along a direction through one parameter at random points beside theta."""
        found = [self._slope(parameter, direction, self._beside(parameter, generator)) for _ in range(_SAMPLES)]
        return self._spread(found)

    def involves(self, parameter: int, entry: int, generator: np.random.Generator) -> bool:
        """Whether moving one entry, beside theta, changes the slopes by others: it takes part in what they meet in."""
        for _ in range(_CROSSINGS):
            beside = self._beside(parameter, generator)
            others = own_sizes(self._present[parameter]) * generator.uniform(-1.0, 1.0, size=beside.size)
            others[entry] = 0.0
            reach = _NEARBY * self.step * own_sizes(self._present[parameter])[entry]
            found = []
            for side in (-reach, reach):
                beside[entry] = side
                found.append(self._slope(parameter, others, beside))
            spread = self._spread(found)
            if spread.upper - spread.lower > spread.error:
                return True
        return False

    def _beside(self, parameter: int, generator: np.random.Generator) -> FloatVector:
        """A random offset from theta, small beside every entry."""
        at = self._present[parameter]
        return _NEARBY * self.step * own_sizes(at) * generator.uniform(-1, 1, size=at.size)

    def _slope(self, parameter: int, direction: FloatVector, beside: FloatVector) -> float:
        step = self.step / _FINER
        origin = self._present[parameter] + beside
        ahead, behind = (self._moved({parameter: origin + t * direction}) for t in (step, -step))
        return (ahead - behind) / (2 * step)

    def _spread(self, found: Sequence[float]) -> Slopes:
        finite = [slope for slope in found if np.isfinite(slope)]
        if not finite:
            return Slopes(0.0, 0.0, np.inf)
        error = _SLACK * max(map(abs, finite)) + CONFIDENT * self._noise / (self.step / _FINER)
        return Slopes(min(finite), max(finite), error)

    def _at(self, direction: dict[int, FloatVector], t: float) -> float:
        return self._moved({i: self._present[i] + t * along for i, along in direction.items()})

    def _moved(self, moved: dict[int, FloatVector]) -> float:
        return self._evaluator.cost_moved(moved, {i: self._present[i] for i in moved})

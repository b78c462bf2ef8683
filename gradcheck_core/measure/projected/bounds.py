"""Bounds on the error of a claim from random directions, and what was found about a group of parameters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from ...numerics.certificate import bound_above, bound_below
from ...protocol.layout import Layout
from ...report.verdict import VerdictPolicy
from ...report.words import say_count
from .localise import Discrepancy, Places

_EVIDENT = 8.0
"""A single direction that is off by more than this many error bars is evidence; bars are estimates."""


@final
@dataclass(frozen=True, slots=True)
class GroupResult:
    """What was found about a group of parameters that move together, each with a weight by its position.

    `bound` is that on ``||w * (G - d_theta)||`` outside of the places found wrong, infinite if nothing is known;
    `usual` is the root mean square of what the directions show of it, and `directions` how many it rests on: 0 if the
    places found wrong are all there is. `located` is where the claim was found wrong or was measured entry by entry.
    `doubtful` has a bound for each parameter in which directions contradict the claim though no single entry was found
    wrong.
    """

    weights: Mapping[int, float]
    bound: float
    usual: float
    directions: int
    located: Places
    doubtful: Mapping[int, float]
    moves_the_cost: bool

    def bound_of(self, parameter: int) -> float:
        """The weighted bound for the part of a parameter that was not measured."""
        return max(self.bound, self.doubtful.get(parameter, 0.0))

    def discrepancy_of(self, parameter: int) -> float:
        """The weighted discrepancy of a parameter that directions show."""
        ranges = [seen.value for stretch, seen in self.located.ranges if stretch.parameter == parameter]
        return math.hypot(*ranges) if ranges else min(self.usual, self.bound_of(parameter))

    def ranges_of(self, parameter: int) -> tuple[tuple[int, int], ...]:
        """The ranges of a parameter that contain something wrong and were not measured entry by entry."""
        return tuple((s.start, s.stop) for s, _ in sorted(self.located.ranges) if s.parameter == parameter)

    def notes(self, layout: Layout) -> tuple[str, ...]:
        """What the report should say about it."""
        names = layout.parameters
        doubtful = tuple(
            f"`{names[i].name}`: along random directions the cost does not change as the claimed gradient says, but "
            "no single entry was found wrong: several entries meet in one kink, or there were too few evaluations"
            for i in self.doubtful
        )
        coarse: dict[int, int] = {}
        for stretch, _ in self.located.not_narrowed:
            coarse[stretch.parameter] = coarse.get(stretch.parameter, 0) + 1
        return doubtful + tuple(
            f"`{names[i].name}`: something is wrong in {say_count(count, 'more range', 'more ranges')} of entries, "
            "which were not searched further"
            for i, count in coarse.items()
        )


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    """What directions say about ``||x||``, where x is the weighted error of the claim, dimensionless.

    `seen` is the discrepancy along each, `alpha` the chance that a bound may be wrong.
    """

    numbers: tuple[int, ...]
    seen: tuple[Discrepancy, ...]
    alpha: float

    @property
    def _values(self) -> list[float]:
        return [seen.value for seen in self.seen]

    @property
    def _errors(self) -> list[float]:
        return [seen.error for seen in self.seen]

    @property
    def upper(self) -> float:
        return bound_above(self._values, self._errors, self.alpha) if self.seen else math.inf

    @property
    def usual(self) -> float:
        return math.sqrt(float(np.mean(np.square(self._values)))) if self.seen else 0.0

    @property
    def most_telling(self) -> int:
        """The direction along which the claim is off by most beyond its error bar."""
        return max(range(len(self.seen)), key=lambda k: abs(self.seen[k].value) - self.seen[k].error)

    def shows_a_mistake(self, policy: VerdictPolicy) -> bool:
        """Whether something is off by more than noise, and by too much for the gradient to count as right all the same.

        It need not be large next to the gradient: one wrong entry of a million is not.
        """
        lower = bound_below(self._values, self._errors, self.alpha) if self.seen else 0.0
        evident = any(abs(seen.value) > _EVIDENT * seen.error for seen in self.seen)
        return bound_difference(lower) >= policy.inspect or (evident and bound_difference(self.upper) >= policy.correct)

    def decides(self, policy: VerdictPolicy) -> bool:
        """Whether more directions would change nothing: all is noise, or the bounds lie in one band."""
        within_noise = not any(seen.exceeds_error for seen in self.seen)
        return within_noise or bound_difference(self.upper) < policy.inspect or self.shows_a_mistake(policy)


def bound_difference(x: float) -> float:
    """Bound the normalised difference of a parameter by the relative error x of its gradient."""
    return x / (2 - x) if x < 1 else 1.0

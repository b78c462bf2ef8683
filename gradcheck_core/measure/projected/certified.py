"""What random directions say: bounds on the error of a claim, and what was found out about a group of parameters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from ...numerics.certificate import bound_above, bound_below
from ...protocol.layout import Layout
from ...report.verdict import VerdictPolicy
from ...report.words import counted
from .localise import Located, Seen

_EVIDENT = 8.0
"""Times its error bar that a direction has to be off by to be evidence by itself: bars are estimates."""


@final
@dataclass(frozen=True, slots=True)
class Certified:
    """What was found out about a group of parameters.

    Attributes
    ----------
    weights : mapping
        By position of the parameter.
    bound : float
        Of ``||w * (G - d_theta)||`` over everything but the places found wrong; infinite where nothing could be said.
    usual : float
        The same as the directions show it, in the root mean square.
    directions : int
        How many the bound rests on; 0 where there is nothing left that is not such a place.
    located : Located
        Where the claim was found wrong, or was measured entry by entry.
    doubtful : mapping
        By position of a parameter in which directions contradict the claim and no single entry was found to: the bound
        with it.
    moves_the_cost : bool
        Whether any direction changed the cost.
    """

    weights: Mapping[int, float]
    bound: float
    usual: float
    directions: int
    located: Located
    doubtful: Mapping[int, float]
    moves_the_cost: bool

    def bound_of(self, parameter: int) -> float:
        """The bound for what was not measured of a parameter, weighted."""
        return max(self.bound, self.doubtful.get(parameter, 0.0))

    def discrepancy_of(self, parameter: int) -> float:
        """What directions show of a parameter's discrepancy, weighted."""
        ranges = [seen.value for stretch, seen in self.located.ranges if stretch.parameter == parameter]
        return math.hypot(*ranges) if ranges else min(self.usual, self.bound_of(parameter))

    def ranges_of(self, parameter: int) -> tuple[tuple[int, int], ...]:
        """The ranges of a parameter in which something is wrong and not every entry was measured."""
        return tuple((s.start, s.stop) for s, _ in sorted(self.located.ranges) if s.parameter == parameter)

    def notes(self, layout: Layout) -> tuple[str, ...]:
        """What a reader should know of it."""
        names = layout.parameters
        doubtful = tuple(
            f"`{names[i].name}`: along random directions the cost changes otherwise than the claimed gradient "
            "says, and no single entry was found wrong: a kink in which several meet, or too few evaluations"
            for i in self.doubtful
        )
        coarse: dict[int, int] = {}
        for stretch, _ in self.located.not_narrowed:
            coarse[stretch.parameter] = coarse.get(stretch.parameter, 0) + 1
        return doubtful + tuple(
            f"`{names[i].name}`: something is wrong in {counted(count, 'more range', 'more ranges')} of entries, "
            "not searched any further"
            for i, count in coarse.items()
        )


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    """What some directions say about ``||x||``, x the weighted error of the claim, dimensionless.

    Attributes
    ----------
    numbers, seen
        The directions, and what was seen along each.
    alpha : float
        The chance that a bound may fail to hold.
    """

    numbers: tuple[int, ...]
    seen: tuple[Seen, ...]
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
        """The direction that is farthest from the claim, beyond its error bar."""
        return max(range(len(self.seen)), key=lambda k: abs(self.seen[k].value) - self.seen[k].error)

    def shows_a_mistake(self, policy: VerdictPolicy) -> bool:
        """Whether something is off that is no noise, and not so small that the gradient counts as right all the same.

        It need not be large beside the gradient: one wrong entry of a million is not.
        """
        lower = bound_below(self._values, self._errors, self.alpha) if self.seen else 0.0
        evident = any(abs(seen.value) > _EVIDENT * seen.error for seen in self.seen)
        return difference_of(lower) >= policy.inspect or (evident and difference_of(self.upper) >= policy.correct)

    def decides(self, policy: VerdictPolicy) -> bool:
        """Whether more directions would not change what is said: all is noise, or the bounds are in one band."""
        within_noise = not any(seen.is_there for seen in self.seen)
        return within_noise or difference_of(self.upper) < policy.inspect or self.shows_a_mistake(policy)


def difference_of(x: float) -> float:
    """The normalised difference that a relative error of a parameter's gradient makes at most."""
    return x / (2 - x) if x < 1 else 1.0

"""One group of parameters along random directions: certified, or searched for what is wrong until the rest is."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import final

from ...evaluate.session import Session
from ...numerics.certificate import count_first_directions, share_alpha
from ...numerics.reach import (
    EVALUATIONS_EACH,
    LEAST_EVALUATIONS,
    MOST_EVALUATIONS,
    Reach,
    StepPair,
    choose_reach,
    measure_pair,
)
from ...protocol.layout import FloatVector
from ..evidence import Claimed
from .certified import Bounds, Certified, difference_of
from .entries import SingleEntries
from .localise import Located, Seen, localise, without
from .walk import Stretch, Walk

_MOST_DIRECTIONS = 64
"""Beyond these the bounds from above and below come no nearer that would change a verdict."""

_MOST_ROUNDS = 12
"""How often places are looked for; each time all that one direction shows are found."""

_MOST_FOR_PLACES = 4000
"""Evaluations for finding places in one round; one wrong entry of a million takes about two hundred."""

_FIRST = 1e-2
"""Relative move to begin with at most."""


@final
class Examination:
    """Examines one group; theta is given back afterwards.

    Parameters
    ----------
    session : Session
        The check's own.
    walk : Walk
        Along directions through the group.
    unit : float
        The t at which the parameter that moves most moves by its own scale.
    d_theta : numpy.ndarray
        The claimed gradient, all of it.
    claimed : mapping
        The same by position of a parameter, and how far off it may be by rounding.
    noise : float
        Of the cost, absolute.
    entries : SingleEntries
        For a look at single ones.
    numbers : iterator of int
        Of directions not drawn yet.
    """

    def __init__(
        self,
        session: Session,
        walk: Walk,
        unit: float,
        d_theta: FloatVector,
        claimed: Mapping[int, Claimed],
        noise: float,
        entries: SingleEntries,
        numbers: Iterator[int],
    ) -> None:
        self._session = session
        self._walk = walk
        self._unit = unit
        self._d_theta = d_theta
        self._claimed = claimed
        self._noise = noise
        self._entries = entries
        self._numbers = numbers
        self._looks = itertools.count()
        self._reach: Reach | None = None
        self._moves_the_cost = False

    def conclude(self, alpha: float) -> Certified:
        """Draw directions until they decide; look for places while they show a mistake.

        Parameters
        ----------
        alpha : float
            The chance that the bound may fail to hold, divided over all looks at what was drawn.
        """
        try:
            return self._conclude(alpha)
        finally:
            self._walk.back()

    def _conclude(self, alpha: float) -> Certified:
        policy = self._session.options.policy
        along = self._walk.everything
        located = Located()
        doubtful: dict[int, float] = {}
        bounds = self._bounds(along, alpha)
        for _ in range(_MOST_ROUNDS):
            if not bounds.shows_a_mistake(policy) or not self._affordable(1):
                break
            found = self._locate(along, bounds)
            located = located.and_then(found)
            explained = bool(found.ranges) or any(map(self._entries.any_wrong, found.looked_at))
            unexplained = found.undivided if explained else (*found.looked_at, *found.undivided)
            if unexplained:
                # Of a mistake that may be large nothing is known: no larger scale excuses it.
                doubt = bounds.upper if difference_of(bounds.upper) < policy.bug else math.inf
                doubtful |= {stretch.parameter: doubt for stretch in unexplained}
                along = tuple(stretch for stretch in along if stretch.parameter not in doubtful)
            along = without(along, found.places)
            if not along:
                return Certified(self._walk.weights, 0.0, 0.0, 0, located, doubtful, self._moves_the_cost)
            bounds = self._bounds(along, alpha)
        return Certified(
            self._walk.weights, bounds.upper, bounds.usual, len(bounds.seen), located, doubtful, self._moves_the_cost
        )

    def _bounds(self, along: tuple[Stretch, ...], alpha: float) -> Bounds:
        numbers: list[int] = []
        pairs: list[StepPair] = []
        wanted = count_first_directions(alpha)
        while True:
            while len(pairs) < wanted and self._affordable_direction():
                numbers.append(next(self._numbers))
                pairs.append(self._pair(numbers[-1], along))
            bounds = Bounds(tuple(numbers), self._seen(numbers, pairs, along), share_alpha(alpha, next(self._looks)))
            if len(pairs) < wanted or wanted >= _MOST_DIRECTIONS or bounds.decides(self._session.options.policy):
                return bounds
            wanted *= 2

    def _pair(self, number: int, along: tuple[Stretch, ...]) -> StepPair:
        def line(t: float) -> float:
            return self._walk.cost(number, t * self._unit, along)

        if self._reach is not None:
            found = measure_pair(line, self._reach.step)
        else:
            baseline = self._session.baseline
            relative = max(self._noise / abs(baseline.cost.value), baseline.roundoff) if baseline.cost.value else 1.0
            first = min(relative**0.2, _FIRST)  # where noise and what is left of the fourth order balance
            most = self._session.evaluator.left_beyond(1, MOST_EVALUATIONS)
            self._reach, found = choose_reach(line, self._noise, first, baseline.roundoff, most)
        self._moves_the_cost = self._moves_the_cost or found.near != 0 or found.far != 0
        return found

    def _seen(self, numbers: list[int], pairs: list[StepPair], along: tuple[Stretch, ...]) -> tuple[Seen, ...]:
        if self._reach is None:
            return ()
        by_rounding = math.hypot(*(self._rounding_in(stretch) for stretch in along))
        seen = []
        for number, found, error in zip(numbers, pairs, self._reach.errors(pairs), strict=True):
            value = found.derivative / self._unit - self._walk.product(number, self._d_theta, along)
            finite = math.isfinite(value) and math.isfinite(error)
            seen.append(Seen(value, error / self._unit + by_rounding) if finite else Seen(0.0, math.inf))
        return tuple(seen)

    def _rounding_in(self, stretch: Stretch) -> float:
        """What the claim may be off by for the dtype in which it came, as a weighted norm."""
        rounding = self._claimed[stretch.parameter].rounding
        return self._walk.weights[stretch.parameter] * rounding * math.sqrt(stretch.size)

    def _locate(self, along: tuple[Stretch, ...], bounds: Bounds) -> Located:
        number, total = bounds.numbers[bounds.most_telling], bounds.seen[bounds.most_telling]
        before = self._session.evaluator.evaluations

        def measure(stretches: tuple[Stretch, ...]) -> Seen:
            (seen,) = self._seen([number], [self._pair(number, stretches)], stretches)
            return seen

        def wrong_at(stretch: Stretch, count: int) -> bool:
            self._walk.back()
            return self._entries.all_wrong(stretch, count)

        def affordable(count: int) -> bool:
            return self._session.evaluator.evaluations < before + _MOST_FOR_PLACES and self._affordable(count)

        return localise(total, along, measure, wrong_at, affordable)

    def _affordable_direction(self) -> bool:
        needed = EVALUATIONS_EACH if self._reach is not None else LEAST_EVALUATIONS
        return self._session.evaluator.affords(needed)

    def _affordable(self, count: int) -> bool:
        return self._session.evaluator.affords(EVALUATIONS_EACH * count)

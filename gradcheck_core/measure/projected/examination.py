"""Examine one group of parameters along random directions: certify it, or find what is wrong and certify the rest."""

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
from .bounds import Bounds, GroupResult, bound_difference
from .entries import SingleEntries
from .localise import Discrepancy, Places, cut_out, localise
from .walk import Stretch, Walk

_MOST_DIRECTIONS = 64
"""More directions than this would not bring the two bounds together enough to change a verdict."""

_MOST_ROUNDS = 12
"""Places are looked for at most this often; each time all that one direction shows are found."""

_MOST_FOR_PLACES = 4000
"""Evaluations for finding places in one round; one wrong entry among a million takes about two hundred."""

_FIRST = 1e-2
"""The first relative move is at most this."""


@final
class Examination:
    """Examines one group; theta is as it was afterwards.

    The walk moves theta along directions through the group; at t = `unit` the parameter that moves most moves by its
    own scale. `d_theta` is the claimed gradient, all of it, and `claimed` the same by position. `numbers` are those of
    directions that are not drawn yet.
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

    def conclude(self, alpha: float) -> GroupResult:
        """Draw directions until they decide, and look for wrong places as long as they show a mistake.

        `alpha` is the chance that the bound may be wrong, divided over all looks at what was drawn.
        """
        try:
            return self._conclude(alpha)
        finally:
            self._walk.restore()

    def _conclude(self, alpha: float) -> GroupResult:
        policy = self._session.options.policy
        along = self._walk.everything
        located = Places()
        doubtful: dict[int, float] = {}
        bounds = self._draw_until_decided(along, alpha)
        for _ in range(_MOST_ROUNDS):
            if not bounds.shows_a_mistake(policy) or not self._affordable(1):
                break
            found = self._locate(along, bounds)
            located = located.plus(found)
            explained = bool(found.ranges) or any(map(self._entries.any_wrong, found.measured))
            unexplained = found.undivided if explained else (*found.measured, *found.undivided)
            if unexplained:
                # The bound says nothing of a mistake that may be large, so that no larger scale can excuse it.
                doubt = bounds.upper if bound_difference(bounds.upper) < policy.bug else math.inf
                doubtful |= {stretch.parameter: doubt for stretch in unexplained}
                along = tuple(stretch for stretch in along if stretch.parameter not in doubtful)
            along = cut_out(along, found.stretches)
            if not along:
                return GroupResult(self._walk.weights, 0.0, 0.0, 0, located, doubtful, self._moves_the_cost)
            bounds = self._draw_until_decided(along, alpha)
        return GroupResult(
            self._walk.weights, bounds.upper, bounds.usual, len(bounds.seen), located, doubtful, self._moves_the_cost
        )

    def _draw_until_decided(self, along: tuple[Stretch, ...], alpha: float) -> Bounds:
        numbers: list[int] = []
        pairs: list[StepPair] = []
        wanted = count_first_directions(alpha)
        while True:
            while len(pairs) < wanted and self._affordable_direction():
                numbers.append(next(self._numbers))
                pairs.append(self._measure_pair(numbers[-1], along))
            bounds = Bounds(tuple(numbers), self._compare(numbers, pairs, along), share_alpha(alpha, next(self._looks)))
            if len(pairs) < wanted or wanted >= _MOST_DIRECTIONS or bounds.decides(self._session.options.policy):
                return bounds
            wanted *= 2

    def _measure_pair(self, number: int, along: tuple[Stretch, ...]) -> StepPair:
        def line(t: float) -> float:
            return self._walk.cost(number, t * self._unit, along)

        if self._reach is not None:
            found = measure_pair(line, self._reach.step)
        else:
            baseline = self._session.baseline
            relative = max(self._noise / abs(baseline.cost.value), baseline.roundoff) if baseline.cost.value else 1.0
            first = min(relative**0.2, _FIRST)  # where noise and truncation of fourth order balance
            most = self._session.evaluator.left_beyond(1, MOST_EVALUATIONS)
            self._reach, found = choose_reach(line, self._noise, first, baseline.roundoff, most)
        self._moves_the_cost = self._moves_the_cost or found.near != 0 or found.far != 0
        return found

    def _compare(
        self, numbers: list[int], pairs: list[StepPair], along: tuple[Stretch, ...]
    ) -> tuple[Discrepancy, ...]:
        if self._reach is None:
            return ()
        by_rounding = math.hypot(*(self._bound_rounding(stretch) for stretch in along))
        seen = []
        for number, found, error in zip(numbers, pairs, self._reach.errors(pairs), strict=True):
            value = found.derivative / self._unit - self._walk.product(number, self._d_theta, along)
            finite = math.isfinite(value) and math.isfinite(error)
            seen.append(Discrepancy(value, error / self._unit + by_rounding) if finite else Discrepancy(0.0, math.inf))
        return tuple(seen)

    def _bound_rounding(self, stretch: Stretch) -> float:
        """How far the claim may be off because of the dtype in which it came, as a weighted norm."""
        rounding = self._claimed[stretch.parameter].rounding
        return self._walk.weights[stretch.parameter] * rounding * math.sqrt(stretch.size)

    def _locate(self, along: tuple[Stretch, ...], bounds: Bounds) -> Places:
        number, total = bounds.numbers[bounds.most_telling], bounds.seen[bounds.most_telling]
        before = self._session.evaluator.evaluations

        def measure(stretches: tuple[Stretch, ...]) -> Discrepancy:
            (seen,) = self._compare([number], [self._measure_pair(number, stretches)], stretches)
            return seen

        def wrong_at(stretch: Stretch, count: int) -> bool:
            self._walk.restore()
            return self._entries.all_wrong(stretch, count)

        def affordable(count: int) -> bool:
            return self._session.evaluator.evaluations < before + _MOST_FOR_PLACES and self._affordable(count)

        return localise(total, along, measure, wrong_at, affordable)

    def _affordable_direction(self) -> bool:
        needed = EVALUATIONS_EACH if self._reach is not None else LEAST_EVALUATIONS
        return self._session.evaluator.affords(needed)

    def _affordable(self, count: int) -> bool:
        return self._session.evaluator.affords(EVALUATIONS_EACH * count)

"""Steps for every parameter of a check, from its budget: the largest first, the rest take the usual one of those."""

from collections.abc import Callable

import numpy as np

from ..evaluate.evaluator import Evaluator
from ..numerics.coordinates import ParameterCost
from ..numerics.norms import Budget
from ..numerics.steps import Rung, choose_step, farthest_step, first_step, scales
from ..protocol.layout import FloatVector

_LONG = 64.0
"""Times the first step beyond which a chosen one says that the entries that moved have little effect."""

_USUAL = 0.25
"""Quantile of the chosen steps that the other parameters take: one too long errs by its square, not one too short."""

_LEAST_PER_STEP = 4
_MOST_PER_STEP = 28
"""Evaluations for one parameter's step; six are usual."""

_DIRECTION_ENTRIES = 8
"""Entries that move together when a step is chosen: enough not to meet only dead ones, few enough to stay local."""


def choose_steps(costs: dict[int, ParameterCost], evaluator: Evaluator, budget: Budget) -> dict[int, FloatVector]:
    """Absolute steps for every entry; the largest parameters are tried first, the rest take the usual one of those."""
    chosen: dict[int, float] = {}
    first = {i: first_step(at.noise, at.cost, at.roundoff) for i, at in costs.items()}
    reserved = budget.left // 2  # for measuring truncation
    for i, at in sorted(costs.items(), key=lambda item: -item[1].theta.size):
        if budget.left < max(_LEAST_PER_STEP, reserved):
            break
        before = evaluator.evaluations
        rung = _best_step(at, first[i], min(_MOST_PER_STEP, budget.left), _DIRECTION_ENTRIES)
        budget.spend(evaluator.evaluations - before)
        dead = rung is None or rung.step > _LONG * first[i]
        if dead and at.theta.size > _DIRECTION_ENTRIES and budget.left >= _LEAST_PER_STEP:
            # The few that moved have no effect to speak of; among all are those that make up the gradient.
            before = evaluator.evaluations
            together = _best_step(at, first[i], min(_MOST_PER_STEP, budget.left), at.theta.size)
            budget.spend(evaluator.evaluations - before)
            rung = min((found for found in (rung, together) if found is not None), key=_step_of, default=None)
        if rung is not None:
            chosen[i] = rung.step
    usual = float(np.quantile(list(chosen.values()), _USUAL, method="lower")) if chosen else None
    return {i: scales(at.theta) * chosen.get(i, usual or first[i]) for i, at in costs.items()}


def _best_step(at: ParameterCost, first: float, most: int, moving: int) -> Rung | None:
    return choose_step(_sparse_line(at, moving), at.noise, first, at.roundoff, most, farthest_step(at.theta))


def _step_of(rung: Rung) -> float:
    return rung.step


def _sparse_line(at: ParameterCost, count: int) -> Callable[[float], float]:
    """The cost along some entries of the parameter that move together, each in proportion to its scale."""
    generator = np.random.default_rng(at.theta.size)
    moving = generator.choice(at.theta.size, size=min(count, at.theta.size), replace=False)
    direction = np.zeros(at.theta.size)
    direction[moving] = scales(at.theta)[moving] * generator.choice([-1.0, 1.0], size=moving.size)
    return lambda t: at.moved_to(at.theta + t * direction)

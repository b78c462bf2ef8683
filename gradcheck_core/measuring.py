"""Numeric derivatives of the chosen parameters: noise first, then steps, a sweep, a second look where it differs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self, final

import numpy as np

from .evaluator import Evaluator
from .numerics.coordinates import Derivatives, ParameterCost, sweep
from .numerics.noise import MOST_EVALUATIONS, Noise, estimate_noise
from .numerics.remeasure import EVALUATIONS_EACH, remeasure
from .numerics.steps import CONFIDENT, choose_step, farthest_step, first_step, scales
from .outputs import roundoff_of
from .preflight import Baseline
from .protocol import FloatVector, Layout

_CLAIM_ROUNDING = 4.0
"""Roundoffs of its largest entry that a right gradient, computed in its own dtype, is taken to be off by."""

_AROUND = 12
"""Evaluations besides the sweep that every check makes: preflight, one table of noise, and one at the end."""

_FLOOR = 16.0
"""Noise, over the scale of an entry, that its derivative cannot be told from: backpropagation rounds as much itself."""

_PROBING_SHARE = 0.4
"""Evaluations for finding steps and measuring truncation, for each checked coordinate."""
_PROBING_ALLOWANCE = 150

_MOST_PER_STEP = 28
"""Evaluations for one parameter's step; six are usual."""

_DIRECTION_ENTRIES = 8
"""Entries that move together when a step is chosen: enough not to meet only dead ones, few enough to stay local."""

_LOPSIDED = 8.0
"""Truncation over noise beyond which a parameter is swept again at shorter steps, where the budget allows it."""

_MOST_SHORTENED = 64.0
"""How much shorter a second sweep's steps are at most; beyond that the cost jumps, which no step mends."""

_SECOND_LOOKS = 8
"""Coordinates measured again at a time; once so many are confirmed wrong, the verdict cannot change any more."""


@final
@dataclass(frozen=True, slots=True)
class Claimed:
    """A parameter's claimed entries and how far off they may be by the rounding of their own dtype, absolute."""

    values: FloatVector
    rounding: float

    @classmethod
    def of(cls, values: FloatVector, dtype: str) -> Self:
        """A claim that came in some dtype; float64 is taken as exact."""
        if roundoff_of(dtype) <= roundoff_of("float64"):
            return cls(values, 0.0)
        finite = np.abs(values[np.isfinite(values)])
        return cls(values, _CLAIM_ROUNDING * roundoff_of(dtype) * float(np.max(finite, initial=0.0)))


@final
class _Budget:
    """Evaluations that may still be spent on probing."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        """These were used."""
        self.left -= count


def least_evaluations(coordinates: int) -> int:
    """How many evaluations a check makes at least."""
    return 2 * coordinates + _AROUND


def expected_evaluations(coordinates: int) -> int:
    """How many evaluations a check of a right gradient usually makes."""
    return least_evaluations(coordinates) + coordinates // 4 + 40


def measure_noise(
    evaluator: Evaluator, baseline: Baseline, layout: Layout, chosen: tuple[int, ...], epsilon: float | None
) -> Noise:
    """The noise of the cost, along one random line through all chosen parameters."""
    generator = np.random.default_rng(0)
    present = {i: baseline.theta[layout.parameters[i].range] for i in chosen}
    # Each entry moves in proportion to itself: entries of far apart sizes in one tensor then all stay near.
    direction = {
        i: np.where(v == 0, scales(v), np.abs(v))
        * generator.choice([-1.0, 1.0], size=v.size)
        * generator.uniform(0.5, 1.0, size=v.size)
        for i, v in present.items()
    }

    def line(t: float) -> float:
        return evaluator.cost_moved({i: present[i] + t * direction[i] for i in chosen}, present)

    away = first_step(0.0, baseline.cost.value, baseline.roundoff) if epsilon is None else 0.0
    sweep_and_last = 2 * sum(values.size for values in present.values()) + 1
    most = evaluator.left_beyond(sweep_and_last, MOST_EVALUATIONS)
    return estimate_noise(line, baseline.cost.value, baseline.roundoff, away, most)


def measure(
    evaluator: Evaluator,
    layout: Layout,
    baseline: Baseline,
    claims: dict[int, Claimed],
    noise: Noise,
    epsilon: float | None,
) -> dict[int, Derivatives]:
    """Differentiate by every entry of the chosen parameters.

    Parameters
    ----------
    evaluator, layout, baseline
        The check's own.
    claims : dict
        The claimed entries by the parameter's position. They say only *which* coordinates to look at a second time;
        no step and no estimate depends on them.
    noise : Noise
        Of the cost.
    epsilon : float or None
        A step for every coordinate, absolute; then nothing is measured a second time. None chooses steps.

    Returns
    -------
    dict
        Derivatives by the parameter's position.
    """
    coordinates = sum(layout.parameters[i].size for i in claims)
    budget = _Budget(evaluator.left_beyond(2 * coordinates + 1, _PROBING_ALLOWANCE + int(_PROBING_SHARE * coordinates)))
    costs = {
        i: _cost_of(evaluator, i, baseline.theta[layout.parameters[i].range], baseline, noise.level) for i in claims
    }
    if epsilon is None:
        steps = _choose_steps(costs, evaluator, budget)
    else:
        steps = {i: np.full(at.theta.size, epsilon) for i, at in costs.items()}
    found = {i: _swept(at, steps[i], budget, factor=2.0 if epsilon is None else 0.5) for i, at in costs.items()}
    if epsilon is not None:
        return found
    for i, at in costs.items():
        shorter = _shorter(at, steps[i], found[i])
        if shorter is not None and budget.left >= 2 * at.theta.size + 4:
            budget.spend(2 * at.theta.size)
            steps[i], found[i] = shorter, _swept(at, shorter, budget, factor=2.0)
    return {i: _look_again(at, evaluator, steps[i], found[i], claims[i]) for i, at in costs.items()}


def confirm_by_differences(
    evaluator: Evaluator,
    layout: Layout,
    baseline: Baseline,
    position: int,
    noise: float,
    found: Derivatives,
    claimed: Claimed,
) -> Derivatives:
    """Measure by differences where derivatives found in another way differ from the claim; these then take their place.

    Parameters
    ----------
    evaluator, layout, baseline
        The check's own.
    position : int
        The parameter's.
    noise : float
        Of the cost, absolute.
    found : Derivatives
        What was found; `claimed` says which coordinates to look at.
    """
    at = _cost_of(evaluator, position, baseline.theta[layout.parameters[position].range], baseline, noise)
    steps = scales(at.theta) * first_step(at.noise, at.cost, at.roundoff)
    return _look_again(at, evaluator, steps, found, claimed)


def _swept(at: ParameterCost, steps: FloatVector, budget: _Budget, factor: float) -> Derivatives:
    probes = min(at.theta.size, 8 + at.theta.size // 8, max(0, budget.left // 2))
    budget.spend(2 * probes)
    return sweep(at, steps, probes, factor).no_better_than(_FLOOR * at.noise / np.maximum(scales(at.theta), steps))


def _shorter(at: ParameterCost, steps: FloatVector, swept: Derivatives) -> FloatVector | None:
    """Steps that balance what the sweep found of truncation with the noise, where truncation was far larger."""
    noise = CONFIDENT * at.noise / steps
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = float(np.median((swept.error - noise) / noise))
    return steps / min(float(np.cbrt(excess)), _MOST_SHORTENED) if _LOPSIDED < excess < np.inf else None


def _cost_of(
    evaluator: Evaluator, position: int, present: FloatVector, baseline: Baseline, noise: float
) -> ParameterCost:
    return ParameterCost(
        theta=present,
        cost=baseline.cost.value,
        noise=noise,
        roundoff=baseline.roundoff,
        costs_at=partial(evaluator.costs_at, position, present),
        moved_to=lambda values: evaluator.cost_moved({position: values}, {position: present}),
        rounded=partial(evaluator.representable, position),
    )


def _choose_steps(costs: dict[int, ParameterCost], evaluator: Evaluator, budget: _Budget) -> dict[int, FloatVector]:
    """Absolute steps for every entry; the largest parameters are tried first, the rest take the usual one of those."""
    chosen: dict[int, float] = {}
    first = {i: first_step(at.noise, at.cost, at.roundoff) for i, at in costs.items()}
    reserved = budget.left // 2  # for measuring truncation
    for i, at in sorted(costs.items(), key=lambda item: -item[1].theta.size):
        if budget.left < max(4, reserved):
            break
        before = evaluator.evaluations
        most = min(_MOST_PER_STEP, budget.left)
        rung = choose_step(_sparse_line(at), at.noise, first[i], at.roundoff, most, farthest_step(at.theta))
        budget.spend(evaluator.evaluations - before)
        if rung is not None:
            chosen[i] = rung.step
    usual = float(np.median(list(chosen.values()))) if chosen else None
    return {i: scales(at.theta) * chosen.get(i, usual or first[i]) for i, at in costs.items()}


def _sparse_line(at: ParameterCost) -> Callable[[float], float]:
    """The cost along a few entries of the parameter that move together, each in proportion to its scale."""
    generator = np.random.default_rng(at.theta.size)
    moving = generator.choice(at.theta.size, size=min(_DIRECTION_ENTRIES, at.theta.size), replace=False)
    direction = np.zeros(at.theta.size)
    direction[moving] = scales(at.theta)[moving] * generator.choice([-1.0, 1.0], size=moving.size)
    return lambda t: at.moved_to(at.theta + t * direction)


def _look_again(
    at: ParameterCost, evaluator: Evaluator, steps: FloatVector, swept: Derivatives, claimed: Claimed
) -> Derivatives:
    """Measure again, carefully, the coordinates that differ from the claim and those that could not be measured.

    The most suspicious come first; when as many as a look takes are confirmed to differ, the rest keep the sweep's
    values.
    """
    suspicion = _excess(swept, claimed)
    waiting = np.flatnonzero(suspicion > 0)
    waiting = waiting[np.argsort(-suspicion[waiting], kind="stable")]
    found = swept
    confirmed = 0
    while waiting.size and confirmed < _SECOND_LOOKS:
        affordable = evaluator.left_beyond(1, EVALUATIONS_EACH * _SECOND_LOOKS) // EVALUATIONS_EACH
        if not affordable:
            break
        now, waiting = waiting[:affordable], waiting[affordable:]
        again = remeasure(at, now, steps)
        found = found.replaced(now, again)
        confirmed += int(np.sum(_excess(found, claimed)[now] > 0))
    return found


def _excess(found: Derivatives, claimed: Claimed) -> FloatVector:
    """How many times the error bar a claim is away from what was measured, less one; infinite without a measurement."""
    away = np.abs(claimed.values - found.nearest(claimed.values))
    allowed = found.error + claimed.rounding
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = np.where(away > allowed, away / allowed, 0.0)
    return np.where(np.isfinite(found.error), np.nan_to_num(excess, nan=0.0, posinf=np.finfo(float).max), np.inf)

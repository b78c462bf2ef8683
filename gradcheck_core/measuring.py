"""Numeric derivatives of the chosen parameters: noise first, then steps, a sweep, a second look where it differs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, final

import numpy as np

from .evaluator import Evaluator
from .numerics.coordinates import Derivatives, Indices, ParameterCost
from .numerics.noise import MOST_EVALUATIONS, Noise, estimate_noise
from .numerics.remeasure import EVALUATIONS_EACH, remeasure
from .numerics.steps import CONFIDENT, Rung, choose_step, farthest_step, first_step, own_sizes, scales
from .numerics.sweep import Sweep, sweep
from .outputs import roundoff_of
from .preflight import Baseline
from .protocol import FloatVector, Layout

_CLAIM_ROUNDING = 4.0
"""Roundoffs of its largest entry that a right gradient, computed in its own dtype, is taken to be off by."""

_AROUND = 12
"""Evaluations besides the sweep that every check makes: preflight, one table of noise, and one at the end."""

_FLOOR = 16.0
"""Noise, over the scale of an entry, that its derivative cannot be told from: backpropagation rounds as much itself."""

_FINE = 1e-6
"""Error relative to a parameter's gradient below which its verdict is no better for less."""

_HARDLY = 0.1
_ALL_NOISE = 64.0
"""Where the noise is a tenth of the cost, that is rounding of terms that cancel, and so much larger may they be."""

_PROBING_SHARE = 0.4
"""Evaluations for finding steps and measuring truncation, for each checked coordinate."""
_PROBING_ALLOWANCE = 150

_FEW_PROBES = 8
"""Coordinates of a parameter at which truncation is measured at least, and one of every eight more."""

_LONG = 64.0
"""Times the first step beyond which a chosen one says that the entries that moved have little effect."""

_LEAST_PER_STEP = 4
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


def most_evaluations(coordinates: int) -> int:
    """How many evaluations a check of a right gradient makes at most, but for kinks beyond those."""
    return 5 * coordinates // 2 + 200


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
        i: own_sizes(v) * generator.choice([-1.0, 1.0], size=v.size) * generator.uniform(0.5, 1.0, size=v.size)
        for i, v in present.items()
    }

    def line(t: float) -> float:
        return evaluator.cost_moved({i: present[i] + t * direction[i] for i in chosen}, present)

    away = first_step(0.0, baseline.cost.value, baseline.roundoff) if epsilon is None else 0.0
    sweep_and_last = 2 * sum(values.size for values in present.values()) + 1
    most = evaluator.left_beyond(sweep_and_last, MOST_EVALUATIONS)
    noise = estimate_noise(line, baseline.cost.value, baseline.roundoff, away, most)
    # Of a cost that is zero wherever it was met no other scale than 1 is known.
    return noise if noise.size else Noise(baseline.roundoff, settled=False, size=1.0)


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
    factor = 2.0 if epsilon is None else 0.5
    swept = {i: _swept(at, steps[i], budget, factor) for i, at in costs.items()}
    elsewhere = max([1.0, *(found.of_the_guess for found in swept.values())])
    swept = {i: found if found.probed.size else replace(found, elsewhere=elsewhere) for i, found in swept.items()}
    if epsilon is not None:
        return {i: _with_sizes(_bars(found, noise), found, noise) for i, found in swept.items()}
    for i, at in costs.items():
        shorter = _shorter(at, steps[i], _bars(swept[i], noise))
        if shorter is not None and budget.left >= 2 * at.theta.size + 4:
            budget.spend(2 * at.theta.size)
            swept[i] = _swept(at, shorter, budget, factor)
    promised = _Budget(evaluator.left_beyond(1, most_evaluations(coordinates) - evaluator.evaluations - 1))
    found = {i: _beside_kinks(sweep_of, noise, promised) for i, sweep_of in swept.items()}
    looked = {i: _look_again(at, evaluator, swept[i].steps, found[i], claims[i]) for i, at in costs.items()}
    return {i: _with_sizes(derivatives, swept[i], noise) for i, derivatives in looked.items()}


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


def _with_sizes(derivatives: Derivatives, found: Sweep, noise: Noise) -> Derivatives:
    step = float(np.min(found.steps / scales(found.at.theta), initial=np.inf))
    return replace(derivatives, cost_size=max(found.cost_size, noise.size), step=step)


def _swept(at: ParameterCost, steps: FloatVector, budget: _Budget, factor: float) -> Sweep:
    probes = min(at.theta.size, _FEW_PROBES + at.theta.size // 8, max(0, budget.left // 2))
    budget.spend(2 * probes)
    found = sweep(at, steps, probes, factor)
    batch = found.probed
    # Most bent first: beside kinks a cost bends most, so that where half of a batch are rough more are to be expected.
    while np.sum(np.isin(batch, found.rough)) > batch.size // 2 and budget.left >= 2 * _FEW_PROBES:
        batch = found.most_bent(_FEW_PROBES)
        budget.spend(2 * batch.size)
        found = found.probing(batch)
    return found


def _bars(found: Sweep, noise: Noise) -> Derivatives:
    """What a sweep says, each bar at least the rounding that backpropagation has itself."""
    scale = np.maximum(scales(found.at.theta), found.steps)
    floor = _FLOOR * (_ALL_NOISE if noise.level > _HARDLY * noise.size else 1.0)
    return found.derivatives().no_better_than(floor * found.at.noise / scale)


def _beside_kinks(found: Sweep, noise: Noise, promised: _Budget) -> Derivatives:
    """With some coordinates measured again, whatever is claimed, as far as the evaluations promised go.

    Those are the ones that the sweep found rough, and then those whose truncation makes the resolution.
    """
    bars = _bars(found, noise)
    affordable = max(0, promised.left) // EVALUATIONS_EACH
    looked_at = np.concatenate([found.rough, _coarse(found, bars)])[:affordable]
    if not looked_at.size:
        return bars
    promised.spend(EVALUATIONS_EACH * looked_at.size)
    return bars.replaced(looked_at, remeasure(found.at, looked_at, found.steps))


def _coarse(found: Sweep, bars: Derivatives) -> Indices:
    """The few coordinates with by far the largest bars, where these come from truncation and leave much to be seen."""
    by_size = np.argsort(-np.nan_to_num(bars.error, posinf=0.0), kind="stable")
    worst = by_size[~np.isin(by_size, found.rough)][:_FEW_PROBES]
    noise = CONFIDENT * found.at.noise / found.steps
    seen = float(np.linalg.norm(bars.lower)) * _FINE
    return worst[(bars.error[worst] > _LOPSIDED * noise[worst]) & (bars.error[worst] > seen)]


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
    usual = float(np.median(list(chosen.values()))) if chosen else None
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

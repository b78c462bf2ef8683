"""Numeric derivatives of the chosen parameters: noise first, then steps, a sweep, a second look where it differs."""

from dataclasses import replace

import numpy as np

from .budget import LEAST_PROBING, Budget, most_evaluations, probing_evaluations
from .evaluator import Evaluator
from .numerics.coordinates import Derivatives, Indices, ParameterCost
from .numerics.noise import LEAST_EVALUATIONS, MOST_EVALUATIONS, Noise, estimate_noise
from .numerics.remeasure import EVALUATIONS_EACH, remeasure
from .numerics.steps import CONFIDENT, first_step, own_sizes, scales
from .numerics.sweep import Sweep, sweep
from .preflight import Baseline
from .protocol import FloatVector, Layout
from .second_look import Claimed, cost_of, look_again
from .stepping import choose_steps

_FLOOR = 16.0
"""Noise, over the scale of an entry, that its derivative cannot be told from: backpropagation rounds as much itself."""

_FINE = 1e-6
"""Error relative to a parameter's gradient below which its verdict is no better for less."""

_HARDLY = 0.1
_ALL_NOISE = 64.0
"""Where the noise is a tenth of the cost, that is rounding of terms that cancel, and so much larger may they be."""

_FEW_PROBES = 8
"""Coordinates of a parameter at which truncation is measured at least, and one of every eight more."""

_LOPSIDED = 8.0
"""Truncation over noise beyond which a parameter is swept again at shorter steps, where the budget allows it."""

_MOST_SHORTENED = 64.0
"""How much shorter a second sweep's steps are at most; beyond that the cost jumps, which no step mends."""


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
    # Without noise no error bar means anything: a few evaluations are for it even where the sweep goes short.
    most = max(evaluator.left_beyond(sweep_and_last, MOST_EVALUATIONS), evaluator.left_beyond(1, LEAST_EVALUATIONS))
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
    # Where the sweep goes short in any case, some evaluations are still for steps: an entry is of no use without one.
    enough = evaluator.left_beyond(1, 2 * coordinates) == 2 * coordinates
    probing = evaluator.left_beyond(2 * coordinates + 1, probing_evaluations(coordinates))
    budget = Budget(probing if enough else evaluator.left_beyond(1, LEAST_PROBING))
    costs = {
        i: cost_of(evaluator, i, baseline.theta[layout.parameters[i].range], baseline, noise.level) for i in claims
    }
    if epsilon is None:
        steps = choose_steps(costs, evaluator, budget)
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
    promised = Budget(evaluator.left_beyond(1, most_evaluations(coordinates) - evaluator.evaluations - 1))
    found = {i: _beside_kinks(sweep_of, noise, promised) for i, sweep_of in swept.items()}
    looked = {i: look_again(at, evaluator, swept[i].steps, found[i], claims[i]) for i, at in costs.items()}
    return {i: _with_sizes(derivatives, swept[i], noise) for i, derivatives in looked.items()}


def _with_sizes(derivatives: Derivatives, found: Sweep, noise: Noise) -> Derivatives:
    step = float(np.min(found.steps / scales(found.at.theta), initial=np.inf))
    return replace(derivatives, cost_size=max(found.cost_size, noise.size), step=step)


def _swept(at: ParameterCost, steps: FloatVector, budget: Budget, factor: float) -> Sweep:
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


def _beside_kinks(found: Sweep, noise: Noise, promised: Budget) -> Derivatives:
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

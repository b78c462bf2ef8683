"""Numeric derivatives of the chosen parameters: noise first, then steps, a sweep, a second look where it differs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..evaluate.evaluator import Evaluator
from ..evaluate.limits import LEAST_PROBING, most_evaluations, probes, probing_evaluations
from ..evaluate.preflight import Baseline
from ..numerics.coordinates import Derivatives, Indices, ParameterCost
from ..numerics.longer import by_longer_steps
from ..numerics.noise import LEAST_EVALUATIONS, LOWER_PRECISION, MOST_EVALUATIONS, Noise, estimate_noise
from ..numerics.norms import Budget
from ..numerics.remeasure import EVALUATIONS_EACH, remeasure
from ..numerics.steps import CONFIDENT, first_step, own_sizes, scales
from ..numerics.sweep import Sweep, sweep
from ..protocol.layout import FloatVector, Layout
from .evidence import Claimed, cost_of
from .second_look import look_again
from .steps import choose_steps

_FLOOR = 16.0
"""Noise, over the scale of an entry, that its derivative cannot be told from: backpropagation rounds as much itself."""

_FINE = 1e-6
"""Error relative to a parameter's gradient below which its verdict is no better for less."""

_HARDLY = 0.1
_ALL_NOISE = 64.0
"""Where the noise is a tenth of the cost, that is rounding of terms that cancel, and so much larger may they be."""

_TOO_COARSE = 5e-4
"""Error relative to twice a parameter's gradient beyond which it is about to be too coarse to judge."""

_STILL_TO_COME = 24
"""Evaluations of those promised that are kept for one direction through all of theta and for what ends a check."""

_A_FEW = 8
"""Coordinates of a parameter that are looked at together where the first ones turn out not to be enough."""

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
    shares = _shares({i: probes(at.theta.size) for i, at in costs.items()}, budget.left // 2)
    budget.spend(2 * sum(shares.values()))
    swept = {i: _swept(at, steps[i], shares[i], budget, factor) for i, at in costs.items()}
    elsewhere = max([1.0, *(found.of_the_guess for found in swept.values())])
    swept = {i: found if found.probed.size else replace(found, elsewhere=elsewhere) for i, found in swept.items()}
    bars = {i: _bars(found, noise) for i, found in swept.items()}
    if epsilon is not None:
        return {i: _with_sizes(bars[i], found, noise) for i, found in swept.items()}
    for i, at in costs.items():
        shorter = _shorter(at, steps[i], bars[i])
        if shorter is not None and budget.left >= 2 * at.theta.size + 4:
            budget.spend(2 * at.theta.size)
            again = min(probes(at.theta.size), budget.left // 2)
            budget.spend(2 * again)
            swept[i] = _swept(at, shorter, again, budget, factor)
            bars[i] = _bars(swept[i], noise)
    promised = Budget(evaluator.left_beyond(1, most_evaluations(coordinates) - evaluator.evaluations - 1))
    found = {i: _beside_kinks(sweep_of, bars[i], promised) for i, sweep_of in swept.items()}

    def affordable() -> int:
        left = most_evaluations(coordinates) - evaluator.evaluations - _STILL_TO_COME
        return evaluator.left_beyond(1, max(0, left))

    natural = _natural(list(found.values()), max(abs(baseline.cost.value), noise.size), baseline)
    found = {i: _made_finer(swept[i], beside, noise, natural, affordable) for i, beside in found.items()}
    if baseline.cost.value == 0:  # then nothing but what the steps saw tells how large it is
        noise = replace(noise, size=max(noise.size, evaluator.largest))
    looked = {i: look_again(at, evaluator, swept[i].steps, found[i], claims[i]) for i, at in costs.items()}
    return {
        i: _undecided(_with_sizes(derivatives, swept[i], noise), claims[i], noise.stair)
        for i, derivatives in looked.items()
    }


def _undecided(found: Derivatives, claimed: Claimed, stair: float) -> Derivatives:
    """Without a bar where zero is claimed and the cost climbs stairs coarser than the rounding to float32.

    Zero is right where the stairs are the cost's own, as of a floor function, and wrong where they are rounding, as to
    half precision: nothing tells which.
    """
    stair = max(stair, found.stair)
    contradicted = (claimed.values == 0) & (np.abs(found.nearest(claimed.values)) > found.error)
    if stair <= LOWER_PRECISION * found.cost_size or not contradicted.any():
        return found
    return replace(found.no_better_than(np.where(contradicted, np.inf, 0.0)), stair=stair)


def _with_sizes(derivatives: Derivatives, found: Sweep, noise: Noise) -> Derivatives:
    step = float(np.min(found.steps / scales(found.at.theta), initial=np.inf))
    return replace(derivatives, cost_size=max(found.cost_size, noise.size), step=step)


def _shares(wanted: dict[int, int], left: int) -> dict[int, int]:
    """What each parameter gets of so many probes: what it wants or, where that is too much, as much as the others."""
    shares = dict.fromkeys(wanted, 0)
    left = max(0, left)
    for served, i in enumerate(sorted(wanted, key=wanted.__getitem__)):
        shares[i] = min(wanted[i], left // (len(wanted) - served))
        left -= shares[i]
    return shares


def _swept(at: ParameterCost, steps: FloatVector, count: int, budget: Budget, factor: float) -> Sweep:
    """A sweep that probes so many entries, and more from the budget where it finds kinks or jumps."""
    found = sweep(at, steps, count, factor)
    batch = found.probed
    # Most bent first: beside kinks a cost bends most, so that where half of a batch are rough more are to be expected.
    while np.sum(np.isin(batch, found.rough)) > batch.size // 2 and budget.left >= 2 * _A_FEW:
        batch = found.most_bent(_A_FEW)
        budget.spend(2 * batch.size)
        found = found.probing(batch)
    return found


def _bars(found: Sweep, noise: Noise) -> Derivatives:
    """What a sweep says, each bar at least the rounding that backpropagation has itself."""
    return found.derivatives().no_better_than(_floor(found, noise))


def _floor(found: Sweep, noise: Noise) -> FloatVector:
    scale = np.maximum(scales(found.at.theta), found.steps)
    floor: FloatVector = _FLOOR * (_ALL_NOISE if noise.level > _HARDLY * noise.size else 1.0) * found.at.noise / scale
    return floor


def _beside_kinks(found: Sweep, bars: Derivatives, promised: Budget) -> Derivatives:
    """With some coordinates measured again, whatever is claimed, as far as the evaluations promised go.

    Those are the ones that the sweep found rough, and then those whose truncation makes the resolution.
    """
    affordable = max(0, promised.left) // EVALUATIONS_EACH
    looked_at = np.concatenate([found.rough, _coarse(found, bars)])[:affordable]
    if not looked_at.size:
        return bars
    promised.spend(EVALUATIONS_EACH * looked_at.size)
    return bars.replaced(looked_at, remeasure(found.at, looked_at, found.steps))


def _natural(found: list[Derivatives], cost: float, baseline: Baseline) -> float:
    """Twice the size of the whole gradient or, where that does not show, the cost's over theta's scale.

    A parameter far below that is judged on this scale. Finer bars would show no more of it than how backpropagation
    rounds.
    """
    whole = float(np.linalg.norm(np.concatenate([bars.lower + bars.upper for bars in found])))
    error = float(np.linalg.norm(np.nan_to_num(np.concatenate([bars.error for bars in found]), posinf=0.0)))
    return whole if whole > 2 * error else max(whole, cost / float(np.max(scales(baseline.theta), initial=1e-300)))


def _made_finer(
    found: Sweep, bars: Derivatives, noise: Noise, natural: float, affordable: Callable[[], int]
) -> Derivatives:
    """With those coordinates measured again whose bars make the whole parameter too coarse to judge."""
    allowed = _TOO_COARSE * max(float(np.linalg.norm(bars.lower + bars.upper)), natural)
    if np.linalg.norm(bars.error) <= allowed:
        return bars
    enough = allowed / np.sqrt(bars.error.size)
    smooth = np.isfinite(bars.error) & (bars.lower == bars.upper)
    smooth[found.rough] = False
    finer = by_longer_steps(found.at, found.steps, bars, np.flatnonzero(smooth), enough, Budget(affordable()))
    # What longer steps do not tell lies beside a kink that noise hides from the sweep.
    left = np.flatnonzero(smooth & (finer.error > enough))
    for entry in left[np.argsort(-finer.error[left], kind="stable")]:
        if affordable() < EVALUATIONS_EACH:
            break
        again = remeasure(found.at, np.array([entry]), found.steps)
        if again.error[0] < finer.error[entry]:
            finer = finer.replaced(np.array([entry]), again)
    return finer.no_better_than(np.minimum(_floor(found, noise), bars.error))


def _coarse(found: Sweep, bars: Derivatives) -> Indices:
    """The few coordinates with by far the largest bars, where these come from truncation and leave much to be seen."""
    by_size = np.argsort(-np.nan_to_num(bars.error, posinf=0.0), kind="stable")
    worst = by_size[~np.isin(by_size, found.rough)][:_A_FEW]
    noise = CONFIDENT * found.at.noise / found.steps
    seen = float(np.linalg.norm(bars.lower)) * _FINE
    return worst[(bars.error[worst] > _LOPSIDED * noise[worst]) & (bars.error[worst] > seen)]


def _shorter(at: ParameterCost, steps: FloatVector, swept: Derivatives) -> FloatVector | None:
    """Steps that balance what the sweep found of truncation with the noise, where truncation was far larger."""
    noise = CONFIDENT * at.noise / steps
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = float(np.median((swept.error - noise) / noise))
    return steps / min(float(np.cbrt(excess)), _MOST_SHORTENED) if _LOPSIDED < excess < np.inf else None

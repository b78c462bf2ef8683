"""Numeric derivatives of the chosen parameters: steps, a sweep, and a second look where it differs from the claim."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from ..evaluate.limits import LEAST_PROBING, most_evaluations, probes, probing_evaluations, share_out
from ..evaluate.preflight import Baseline
from ..evaluate.session import Session, cost_of
from ..numerics.coordinates import BACKWARD_NOISE, Derivatives, ParameterCost
from ..numerics.longer import by_longer_steps
from ..numerics.noise import LOWER_PRECISION, Noise
from ..numerics.norms import Budget, largest_finite
from ..numerics.remeasure import EVALUATIONS_EACH, remeasure
from ..numerics.steps import Rung, choose_step, farthest_step, first_step, scales
from ..numerics.sweep import Sweep, coarse_coordinates, shorter_steps
from ..protocol.layout import FloatVector
from .evidence import Claimed
from .second_look import look_again

_LONGER, _SHORTER = 2.0, 0.5
"""Steps of probes, in steps of the sweep: shorter where the cost is not to be evaluated beyond a given epsilon."""

_HARDLY = 0.1
"""If the noise exceeds a tenth of |J|, then J is a sum of terms that cancel."""

_ALL_NOISE = 64.0
"""Up to how many times larger than J those terms are."""

_TOO_COARSE = 5e-4
"""Beyond this error, relative to twice a parameter's gradient, it is almost too coarse to judge."""

_STILL_TO_COME = 24
"""Of the evaluations promised, those kept for one direction through all of theta and for the end of a check."""

_A_FEW = 8
"""Coordinates of a parameter that are probed together where the first ones were not enough."""

_LONG = 64.0
"""Times the first step: a longer one says that the entries that moved have little effect."""

_USUAL = 0.25
"""Quantile of the chosen steps that the other parameters take: a step that is too long errs by its square."""

_LEAST_PER_STEP = 4
"""Evaluations that choosing a step needs."""

_MOST_PER_STEP = 28
"""Evaluations for one parameter's step at most; six are usual."""

_DIRECTION_ENTRIES = 8
"""Entries that move together when a step is chosen: enough not to meet only dead ones, few enough to stay local."""


@final
@dataclass(frozen=True, slots=True)
class Swept:
    """What the sweeps of some parameters found, by position, and what may still be spent on probing.

    `largest` is the largest ``|J|`` seen while steps were chosen; NaN if none was finite.
    """

    sweeps: dict[int, Sweep]
    bars: dict[int, Derivatives]
    budget: Budget
    largest: float


def sweep_all(session: Session, sizes: dict[int, int], noise: Noise) -> Swept:
    """Sweep the chosen parameters, whose sizes these are: every coordinate at a step of its parameter's own."""
    evaluator, epsilon = session.evaluator, session.options.epsilon
    coordinates = sum(sizes.values())
    # If the sweep goes short in any case, some evaluations are still for steps: an entry is of no use without one.
    enough = evaluator.left_beyond(1, 2 * coordinates) == 2 * coordinates
    probing = evaluator.left_beyond(2 * coordinates + 1, probing_evaluations(coordinates))
    budget = Budget(probing if enough else evaluator.left_beyond(1, LEAST_PROBING))
    costs = {i: cost_of(session, i, noise.level) for i in sizes}
    seen: list[float] = []
    if epsilon is None:
        steps = _choose_steps(session, costs, budget, seen)
    else:
        steps = {i: np.full(size, epsilon) for i, size in sizes.items()}
    shares = share_out({i: probes(size) for i, size in sizes.items()}, budget.left // 2)
    budget.spend(2 * sum(shares.values()))
    sweeps: dict[int, Sweep] = {}
    for i, at in costs.items():
        found = Sweep.of(at, steps[i], _LONGER if epsilon is None else _SHORTER)
        found = found.probing(found.spread(shares[i]))
        sweeps[i] = _probe_kinks(found, budget)
    elsewhere = max([1.0, *(found.of_the_guess for found in sweeps.values())])
    for i, found in sweeps.items():
        sweeps[i] = found if found.probed.size else replace(found, elsewhere=elsewhere)
    return Swept(
        sweeps, {i: _bars(found, noise) for i, found in sweeps.items()}, budget, largest_finite(np.array(seen))
    )


def measure_again(session: Session, swept: Swept, claims: dict[int, Claimed], noise: Noise) -> dict[int, Derivatives]:
    """What the sweeps found, with single coordinates measured again where that is worth it; by position.

    With a given epsilon nothing is. The claims only say *which* coordinates to look at a second time; no step and no
    estimate depends on them.
    """
    evaluator, baseline, budget = session.evaluator, session.baseline, swept.budget
    sweeps, bars = dict(swept.sweeps), dict(swept.bars)
    if session.options.epsilon is not None:
        return {i: _with_sizes(bars[i], found, noise) for i, found in sweeps.items()}
    for i, found in sweeps.items():
        shorter = shorter_steps(found, bars[i])
        if shorter is not None and budget.left >= 2 * shorter.size + 4:
            budget.spend(2 * shorter.size)
            again = Sweep.of(found.at, shorter, _LONGER)
            count = min(probes(shorter.size), budget.left // 2)
            budget.spend(2 * count)
            sweeps[i] = _probe_kinks(again.probing(again.spread(count)), budget)
            bars[i] = _bars(sweeps[i], noise)
    coordinates = sum(claim.values.size for claim in claims.values())
    promised = Budget(evaluator.left_beyond(1, most_evaluations(coordinates) - evaluator.evaluations - 1))
    measured = {i: _beside_kinks(found, bars[i], promised) for i, found in sweeps.items()}

    def affordable() -> int:
        left = most_evaluations(coordinates) - evaluator.evaluations - _STILL_TO_COME
        return evaluator.left_beyond(1, max(0, left))

    natural = _natural(list(measured.values()), max(abs(baseline.cost.value), noise.size), baseline)
    measured = {i: _make_finer(sweeps[i], beside, noise, natural, affordable) for i, beside in measured.items()}
    if baseline.cost.value == 0:  # then only what the steps saw tells how large it is
        changes = [found.change for found in measured.values()]
        noise = replace(noise, size=largest_finite(np.array([noise.size, swept.largest, *changes])))
    for i, found in sweeps.items():
        derivatives = measured[i]
        if claims[i].excess(derivatives).any():
            derivatives = look_again(found.at, evaluator, found.steps, derivatives, claims[i])
        measured[i] = _leave_undecided(_with_sizes(derivatives, found, noise), claims[i], noise.stair)
    return measured


def _choose_steps(
    session: Session, costs: dict[int, ParameterCost], budget: Budget, seen: list[float]
) -> dict[int, FloatVector]:
    """Absolute steps for every entry; the largest parameters are tried first, the rest take the usual one of those.

    Every cost on the way is added to those seen.
    """
    evaluator = session.evaluator
    chosen: dict[int, float] = {}
    first = {i: first_step(at.noise, at.cost, at.roundoff) for i, at in costs.items()}
    reserved = budget.left // 2  # for measuring truncation
    for i, at in sorted(costs.items(), key=lambda item: -item[1].theta.size):
        if budget.left < max(_LEAST_PER_STEP, reserved):
            break
        found: list[Rung] = []
        # If the few that moved have no effect to speak of, the ones that make up the gradient are among all.
        for moving in dict.fromkeys([min(_DIRECTION_ENTRIES, at.theta.size), at.theta.size]):
            before, most = evaluator.evaluations, min(_MOST_PER_STEP, budget.left)
            line = _line_through_some(session, i, moving, seen)
            rung = choose_step(line, at.noise, first[i], at.roundoff, most, farthest_step(at.theta))
            budget.spend(evaluator.evaluations - before)
            found += [] if rung is None else [rung]
            dead = rung is None or rung.step > _LONG * first[i]
            if not dead or budget.left < _LEAST_PER_STEP:
                break
        if found:
            chosen[i] = min(rung.step for rung in found)
    usual = float(np.quantile(list(chosen.values()), _USUAL, method="lower")) if chosen else None
    return {i: scales(at.theta) * chosen.get(i, usual or first[i]) for i, at in costs.items()}


def _line_through_some(session: Session, position: int, count: int, seen: list[float]) -> Callable[[float], float]:
    """The cost along some entries of a parameter that move together, each in proportion to its scale."""
    present = session.entries(position)
    generator = np.random.default_rng(present.size)
    moving = generator.choice(present.size, size=count, replace=False)
    direction = np.zeros(present.size)
    direction[moving] = scales(present)[moving] * generator.choice([-1.0, 1.0], size=count)

    def line(t: float) -> float:
        seen.append(session.evaluator.cost_with({position: present + t * direction}, {position: present}))
        return seen[-1]

    return line


def _leave_undecided(found: Derivatives, claimed: Claimed, stair: float) -> Derivatives:
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


def _probe_kinks(found: Sweep, budget: Budget) -> Sweep:
    """A sweep with more coordinates probed, as long as it finds kinks or jumps and the budget lasts."""
    batch = found.probed
    # Most bent first: beside kinks a cost bends most, so if half of a batch are rough more are to be expected.
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
    all_noise = _ALL_NOISE if noise.level > _HARDLY * noise.size else 1.0
    floor: FloatVector = BACKWARD_NOISE * all_noise * found.at.noise / scale
    return floor


def _beside_kinks(found: Sweep, bars: Derivatives, promised: Budget) -> Derivatives:
    """With some coordinates measured again, whatever is claimed, as far as the evaluations promised go.

    Those are the ones that the sweep found rough, and then those whose truncation makes the resolution.
    """
    affordable = max(0, promised.left) // EVALUATIONS_EACH
    looked_at = np.concatenate([found.rough, coarse_coordinates(found, bars, _A_FEW)])[:affordable]
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


def _make_finer(
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

"""Single coordinates measured again, carefully: many steps to either side, smaller ones where they do not settle."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .coordinates import Derivatives, Indices, ParameterCost, theta_rounding
from .ladder import RUNGS, Ladder, one_sided_slopes
from .norms import FloatVector, largest_finite
from .staircase import MOST_BISECTIONS, UNIFORM, step_between
from .steps import CONFIDENT, RATIO, farthest_step, scales

_UNSETTLED = 0.1
"""Relative error at which a coordinate is measured once more, at steps smaller by a factor 8**8."""

_UNSETTLED_IF_TINY = 1e-6
"""The same for an entry far smaller than its neighbours, whose steps were theirs."""

_WIDE = 1e-6
"""Step, relative to the entry, beyond which it is not the rounding of the entry itself that shows, as in float32."""

_AT_MOST_ROUNDING = 1e-12
"""The same, absolute, for stairs of what the entry is added to, such as the 1 of ``1 - x``, in float64."""

EVALUATIONS_EACH = 4 * len(RUNGS) + MOST_BISECTIONS
"""Evaluations that one coordinate takes at most; half of them are usual."""


def remeasure(at: ParameterCost, entries: Indices, steps: FloatVector) -> Derivatives:
    """Measure some coordinates again, from scratch.

    Each is moved by eight steps to either side, a factor 8 apart around the sweep's own. Where the cost is smooth the
    two one-sided slopes come together in proportion to the step, and the central difference of least estimated error
    is taken. Where they stay apart the coordinate sits on a kink and both slopes are given. Where they come together
    at once below some step, a kink lies that far away, and only smaller steps count. A side along which the cost jumps
    has no slope.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    entries : numpy.ndarray
        Which entries, int, shape ``(m,)``.
    steps : numpy.ndarray
        The sweep's steps for all entries, absolute, float64.

    Returns
    -------
    Derivatives
        For the entries asked for, in their order; 16 evaluations each, 32 where the first 16 do not settle.
    """
    found = [
        _with_the_step_of_stairs(at, int(entry), ladder)
        for entry, ladder in zip(entries, _ladders(at, entries, steps, RUNGS), strict=True)
    ]
    results = [one_sided_slopes(ladder) for ladder in found]
    tiny = _is_tiny(at)[entries]
    for k, (lower, upper, error) in enumerate(results):
        # Truncation still dominates: the cost varies over a far smaller scale than this entry's neighbours have.
        unsettled = _UNSETTLED_IF_TINY if tiny[k] else _UNSETTLED
        if error > unsettled * max(abs(lower), abs(upper), CONFIDENT * at.noise / steps[entries[k]]):
            (finer,) = _ladders(at, entries[k : k + 1], _finer(at, steps), RUNGS)
            found[k] = finer.followed_by(found[k])
            results[k] = one_sided_slopes(found[k])
    columns = np.array(results, dtype=np.float64)
    stair = max((ladder.stair for ladder in found), default=0.0)
    change = largest_finite(np.array([ladder.change for ladder in found]))
    ladders = dict(enumerate(found))
    return Derivatives(columns[:, 0], columns[:, 1], columns[:, 2], stair=stair, change=change, ladders=ladders)


def _with_the_step_of_stairs(at: ParameterCost, entry: int, ladder: Ladder) -> Ladder:
    """A ladder that knows the noise of a cost that rounds to a coarse grid, and so stays equal over small steps.

    It does so beside a kink or a jump too, after a flat stretch: what lies between the last step without a change and
    the first with one tells.
    """
    first_moved = ladder.first_moved
    if first_moved is None:
        return ladder
    first, sign = first_moved
    side = ladder.plus if sign > 0 else ladder.minus
    if not (np.all(np.isfinite(side)) and ladder.step[first - 1] > 0):
        return ladder

    def along(t: float) -> float:
        return float(at.costs_at(np.array([entry]), at.theta[[entry]] + sign * t)[0]) - at.cost

    seen = np.concatenate([[0.0], side[first:]])
    largest = max(abs(at.cost), float(np.max(np.abs(seen + at.cost))))
    own = max(_WIDE * abs(at.theta[entry]), _AT_MOST_ROUNDING * max(1.0, float(scales(at.theta)[entry])))
    wide = bool(ladder.step[first - 1] > own)
    stair = step_between(along, ladder.step[first - 1], ladder.step[first], seen, at.roundoff * largest, largest, wide)
    return replace(ladder, noise=max(ladder.noise, UNIFORM * stair), stair=stair)


def _finer(at: ParameterCost, steps: FloatVector) -> FloatVector:
    """Steps 8**8 times smaller, or in proportion to entries that are so small beside their neighbours themselves."""
    own = steps * np.abs(at.theta) / scales(at.theta)
    far = RATIO ** -float(len(RUNGS))
    return np.where(_is_tiny(at), own, far * steps)


def _is_tiny(at: ParameterCost) -> "npt.NDArray[np.bool_]":
    """Which entries, not zero, are so small beside their neighbours that all rungs are longer than theirs would be."""
    return np.asarray((at.theta != 0) & (np.abs(at.theta) < scales(at.theta) / RATIO**4))


def _ladders(at: ParameterCost, entries: Indices, steps: FloatVector, rungs: Indices) -> list[Ladder]:
    plus, minus, taken = [], [], []
    bound = farthest_step(at.theta) * scales(at.theta)  # as for the sweep's own steps
    for position in rungs:
        moved = steps * RATIO**position
        if position > 0 and np.any(moved[entries] > bound[entries]):
            break
        above, below = at.rounded(at.theta + moved)[entries], at.rounded(at.theta - moved)[entries]
        with np.errstate(invalid="ignore"):
            plus.append(at.costs_at(entries, above) - at.cost)
            minus.append(at.costs_at(entries, below) - at.cost)
        taken.append((above - below) / 2)
    uncertain = theta_rounding(at)[entries]
    return [
        Ladder(step, right, left, at.noise, at.roundoff, float(rounding))
        for step, right, left, rounding in zip(*(np.array(x).T for x in (taken, plus, minus)), uncertain, strict=True)
    ]

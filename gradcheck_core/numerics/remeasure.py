"""Single coordinates measured again, carefully: many steps, both sides apart, kinks and jumps told from curvature."""

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from ..protocol import FloatVector
from .coordinates import Derivatives, Indices, ParameterCost, theta_rounding
from .staircase import MOST_BISECTIONS, UNIFORM, step_between
from .steps import CONFIDENT, farthest_step, never_less_than_at_smaller_steps, scales

_RATIO = 8.0
_RUNGS = np.arange(-4, 4)
"""Steps from 4096 times smaller to 512 times larger than the one of the sweep."""

_UNSETTLED = 0.1
"""Relative error at which a coordinate is measured once more, at steps smaller by a factor 8**8."""

_UNSETTLED_IF_TINY = 1e-6
"""The same for an entry far smaller than its neighbours, whose steps were theirs."""

_SHRINKING = 0.5
"""By how much at least slopes that converge change less at the next smaller step."""

_AS_NOISE = 5.0
"""Growth of the changes towards smaller steps that noise has, a factor 8 a step; a square root has 2.8."""

_LEVEL = 1.5
"""Growth from step to step up to which two slopes differ by a kink; curvature makes them differ by 8 times more."""

_IN_A_ROW = 3
"""Changes that do not shrink, the first that noise does not explain, before a slope is said to have no limit."""

_WIDE = 1e-6
"""Step, relative to the entry, beyond which it is not the rounding of the entry itself that shows, as in float32."""

_AT_MOST_ROUNDING = 1e-12
"""The same, absolute, for stairs of what the entry is added to, such as the 1 of ``1 - x``, in float64."""

EVALUATIONS_EACH = 4 * len(_RUNGS) + MOST_BISECTIONS
"""Evaluations that one coordinate takes at most; half of them are usual."""


@final
@dataclass(frozen=True, slots=True)
class _Ladder:
    """Costs of one coordinate over growing steps: `plus` and `minus` are taken relative to the cost at theta."""

    step: FloatVector
    plus: FloatVector
    minus: FloatVector
    noise: float
    roundoff: float
    theta_rounding: float
    stair: float = 0.0

    def followed_by(self, larger: "_Ladder") -> "_Ladder":
        return _Ladder(
            np.concatenate([self.step, larger.step]),
            np.concatenate([self.plus, larger.plus]),
            np.concatenate([self.minus, larger.minus]),
            max(self.noise, larger.noise),
            self.roundoff,
            self.theta_rounding,
            max(self.stair, larger.stair),
        )

    def with_own_noise(self) -> "_Ladder":
        """With the noise along this coordinate, where the smallest steps show more of it than the cost at large has."""
        if self.step.size < 2:
            return self
        # Second differences of noise have six times its variance; a kink's grow with the step and cancel here.
        second = (self.plus + self.minus)[:2]
        ratio = float(self.step[1] / self.step[0])
        seen = abs(float(second[1] - ratio * second[0])) / math.sqrt(6 * (1 + ratio**2))
        return replace(self, noise=max(self.noise, seen))

    @property
    def slope_noise(self) -> FloatVector:
        """The noise over the step. Away from a theta where the cost is zero it has the rounding of what it is there."""
        change = np.nan_to_num(np.fmax(np.abs(self.plus), np.abs(self.minus)), posinf=0.0)
        return np.maximum(self.noise, self.roundoff * change) / self.step

    @property
    def first_moved(self) -> tuple[int, float] | None:
        """The first step whose change noise does not explain where all smaller ones change nothing, and its sign."""
        for side, sign in ((self.plus, 1.0), (self.minus, -1.0)):
            moved = np.flatnonzero(side != 0)
            first = int(moved[0]) if moved.size else 0
            if first and abs(side[first]) > CONFIDENT * self.noise:
                return first, sign
        return None

    def taking(self, rungs: slice | npt.NDArray[np.bool_]) -> "_Ladder":
        return replace(self, step=self.step[rungs], plus=self.plus[rungs], minus=self.minus[rungs])

    def upto(self, count: int) -> "_Ladder":
        return self.taking(slice(count))


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
        for entry, ladder in zip(entries, _ladders(at, entries, steps, _RUNGS), strict=True)
    ]
    results = [_measure(ladder) for ladder in found]
    tiny = _is_tiny(at)[entries]
    for k, (lower, upper, error) in enumerate(results):
        # Truncation still dominates: the cost varies over a far smaller scale than this entry's neighbours have.
        unsettled = _UNSETTLED_IF_TINY if tiny[k] else _UNSETTLED
        if error > unsettled * max(abs(lower), abs(upper), CONFIDENT * at.noise / steps[entries[k]]):
            (finer,) = _ladders(at, entries[k : k + 1], _finer(at, steps), _RUNGS)
            results[k] = _measure(finer.followed_by(found[k]))
    columns = np.array(results, dtype=np.float64)
    stair = max((ladder.stair for ladder in found), default=0.0)
    return Derivatives(columns[:, 0], columns[:, 1], columns[:, 2], stair=stair)


def _with_the_step_of_stairs(at: ParameterCost, entry: int, ladder: _Ladder) -> _Ladder:
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


STEPS_ALONG_A_LINE: FloatVector = np.power(_RATIO, _RUNGS.astype(np.float64))
"""Growing steps around the one to begin with, in units of it, for `along_line`."""


def along_line(
    step: FloatVector, plus: FloatVector, minus: FloatVector, noise: float, roundoff: float, theta_rounding: float
) -> tuple[float, float, float]:
    """The derivative at 0 of any function of one variable: its lower and upper one-sided slope and their error bar.

    Parameters
    ----------
    step : numpy.ndarray
        Growing steps, float64, shape ``(m,)``.
    plus, minus : numpy.ndarray
        The function at ``step`` and at ``-step``, less its value at 0; NaN or infinite where it is not finite.
    noise : float
        Standard deviation of the function's values around a smooth one, absolute.
    roundoff : float
        Unit roundoff of the function's values, relative.
    theta_rounding : float
        How far the variable itself may be off by rounding.
    """
    return _measure(_Ladder(step, plus, minus, noise, roundoff, theta_rounding))


def _finer(at: ParameterCost, steps: FloatVector) -> FloatVector:
    """Steps 8**8 times smaller, or in proportion to entries that are so small beside their neighbours themselves."""
    own = steps * np.abs(at.theta) / scales(at.theta)
    far = _RATIO ** -float(len(_RUNGS))
    return np.where(_is_tiny(at), own, far * steps)


def _is_tiny(at: ParameterCost) -> "npt.NDArray[np.bool_]":
    """Which entries, not zero, are so small beside their neighbours that all rungs are longer than theirs would be."""
    return np.asarray((at.theta != 0) & (np.abs(at.theta) < scales(at.theta) / _RATIO**4))


def _ladders(at: ParameterCost, entries: Indices, steps: FloatVector, rungs: Indices) -> list[_Ladder]:
    plus, minus, taken = [], [], []
    bound = farthest_step(at.theta) * scales(at.theta)  # as for the sweep's own steps
    for position in rungs:
        moved = steps * _RATIO**position
        if position > 0 and np.any(moved[entries] > bound[entries]):
            break
        above, below = at.rounded(at.theta + moved)[entries], at.rounded(at.theta - moved)[entries]
        with np.errstate(invalid="ignore"):
            plus.append(at.costs_at(entries, above) - at.cost)
            minus.append(at.costs_at(entries, below) - at.cost)
        taken.append((above - below) / 2)
    uncertain = theta_rounding(at)[entries]
    return [
        _Ladder(step, right, left, at.noise, at.roundoff, float(rounding))
        for step, right, left, rounding in zip(*(np.array(x).T for x in (taken, plus, minus)), uncertain, strict=True)
    ]


def _measure(ladder: _Ladder) -> tuple[float, float, float]:
    """Lower and upper slope and their error for one coordinate."""
    usable = (ladder.step > 0) & np.isfinite(ladder.plus) & np.isfinite(ladder.minus)
    if not usable.any():
        return _one_sided(ladder)
    ladder = ladder.taking(usable)
    jumps = _jumps(ladder.plus, ladder.noise), _jumps(ladder.minus, ladder.noise)
    if any(jumps):
        return _beside_a_jump(ladder, *jumps)
    ladder = ladder.with_own_noise()
    gap = np.abs(ladder.plus + ladder.minus) / ladder.step
    blur = 4 * CONFIDENT * ladder.slope_noise
    visible = np.flatnonzero(gap > blur)
    if visible.size:
        first = int(visible[0])
        stays_apart = first + 1 < gap.size and gap[first + 1] < _RATIO / 2.5 * gap[first]
        if stays_apart:
            sharper = np.flatnonzero(blur[:first] < gap[first] / 4)
            if sharper.size:
                return _beside_a_kink(ladder) or _central(ladder.upto(int(sharper[-1]) + 1))
            if gap[first + 1] > gap[first] / 2:
                return _beside_a_kink(ladder) or _kink(ladder)
            # The gap shrinks while the step grows: an oscillation within the step, which only smaller steps resolve.
            return _central(ladder.upto(max(first, 1)))
    return _central(ladder.upto(_before_a_crossing(gap, blur)))


def _before_a_crossing(gap: FloatVector, blur: FloatVector) -> int:
    """How many steps, from the smallest, stay on one side of the next kink: beyond it the gap grows too fast."""
    for position in range(gap.size - 1):
        if gap[position + 1] > 2 * _RATIO * max(gap[position], blur[position]):
            return position + 1
    return int(gap.size)


def _central(ladder: _Ladder) -> tuple[float, float, float]:
    slope = (ladder.plus - ladder.minus) / (2 * ladder.step)
    curvature = np.abs(ladder.plus + ladder.minus) / np.square(ladder.step)
    noise = CONFIDENT * ladder.slope_noise
    value, error = _least_error(slope, noise + ladder.theta_rounding * curvature)
    return value, value, error


def _beside_a_kink(ladder: _Ladder) -> tuple[float, float, float] | None:
    """The slope to the side away from a kink that lies near; None where theta may be on it.

    Over small steps both sides have the slope of the one without the kink, so exactly that the other's, were the kink
    at theta, would show.
    """
    noise = 2 * CONFIDENT * ladder.slope_noise
    slopes = ladder.plus / ladder.step, -ladder.minus / ladder.step
    for this, other in (slopes, slopes[::-1]):
        value, error = _least_error(this, noise)
        away = np.abs(other - value)
        departed = np.flatnonzero(away > noise + error)
        first = int(departed[0]) if departed.size else 0
        if not 0 < first < away.size - 2:
            continue
        beyond, farther = away[first + 1 : first + 3]
        if 2 * (noise[first - 1] + error) < beyond and farther < _LEVEL * beyond:
            return value, value, error
    return None


def _one_side(ladder: _Ladder, change: FloatVector) -> tuple[float, float]:
    return _least_error(change / ladder.step, 2 * CONFIDENT * ladder.slope_noise)


def _kink(ladder: _Ladder) -> tuple[float, float, float]:
    (right, right_error), (left, left_error) = (_one_side(ladder, side) for side in (ladder.plus, -ladder.minus))
    return min(left, right), max(left, right), max(left_error, right_error)


def _beside_a_jump(ladder: _Ladder, jumps_right: bool, jumps_left: bool) -> tuple[float, float, float]:
    if jumps_right and jumps_left:
        return 0.0, 0.0, float("inf")
    noise = 2 * CONFIDENT * ladder.slope_noise
    side = -ladder.minus if jumps_right else ladder.plus
    value, error = _least_error(side / ladder.step, noise)
    # What looks like a jump may be an oscillation far within the smallest step: then the other side does not settle.
    settled = error <= max(abs(value), 2 * float(np.min(noise)))
    return value, value, error if settled else float("inf")


def _one_sided(ladder: _Ladder) -> tuple[float, float, float]:
    """At the edge of the cost's domain: the slope of the side that is finite."""
    for side in (ladder.plus, -ladder.minus):
        usable = (ladder.step > 0) & np.isfinite(side)
        if np.sum(usable) > 1 and not _jumps(side[usable], ladder.noise):
            noise = 2 * CONFIDENT * ladder.slope_noise[usable]
            value, error = _least_error(side[usable] / ladder.step[usable], noise)
            return value, value, error
    return 0.0, 0.0, float("inf")


def _jumps(change: FloatVector, noise: float) -> bool:
    """Whether the cost changes by as much over the smallest steps as over larger ones."""
    if change.size < 3:
        return False
    small = np.abs(change[:3])
    return bool(small[0] > 10 * CONFIDENT * noise and small[0] > 0.5 * small[2])


def _least_error(slope: FloatVector, noise: FloatVector) -> tuple[float, float]:
    """The slope of least estimated error: twice the change from the next smaller step, and the noise.

    A change can be small by chance, so it counts as no less than what the next larger step's leaves at this one.
    """
    change = np.abs(np.diff(slope))
    first = _still_to_come(change, noise) if change.size > 1 else change if change.size else np.abs(slope)
    truncation = np.concatenate([first, change])
    truncation[:-1] = np.maximum(truncation[:-1], truncation[1:] / _RATIO**2)
    error = 2 * never_less_than_at_smaller_steps(truncation, noise) + noise
    best = int(np.argmin(error))
    return float(slope[best]), float(error[best])


def _still_to_come(change: FloatVector, noise: FloatVector) -> FloatVector:
    """How far the slope at the smallest step is from its limit, by the rate at which its changes shrink.

    A square root or ``x log x`` at 0 has slopes that change by no less at smaller steps: there is no limit.
    """
    seen = np.flatnonzero(change > noise[:-1] + noise[1:])
    first_seen = change[seen[0] :][:_IN_A_ROW] if seen.size else change[:0]
    if first_seen.size == _IN_A_ROW:
        growth = first_seen[:-1] / np.maximum(first_seen[1:], np.finfo(float).tiny)
        if np.all(growth > _SHRINKING) and np.all(growth < _AS_NOISE):
            return np.array([np.inf])
    beyond_noise = max(float(change[0] - noise[0] - noise[1]), 0.0)
    rate = min(max(beyond_noise / change[1] if change[1] else 0.0, 1 / _RATIO), _SHRINKING)
    return change[:1] * rate / (1 - rate)

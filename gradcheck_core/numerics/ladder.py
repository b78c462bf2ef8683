"""One-sided slopes from costs over growing steps to either side: where it is smooth, on a kink, beside a jump."""

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from .norms import FloatVector, largest_finite
from .steps import CONFIDENT, RATIO, never_less_than_at_smaller_steps

RUNGS = np.arange(-4, 4)
"""Steps from 4096 times smaller to 512 times larger than the one to begin with."""

STEPS_ALONG_A_LINE: FloatVector = np.power(RATIO, RUNGS.astype(np.float64))
"""The steps of `RUNGS`, in units of the one to begin with, for `along_line`."""

_SHRINKING = 0.5
"""By how much at least slopes that converge change less at the next smaller step."""

_AS_NOISE = 5.0
"""Growth of the changes towards smaller steps that noise has, a factor 8 a step; a square root has 2.8."""

_LEVEL = 1.5
"""Growth from step to step up to which two slopes differ by a kink; curvature makes them differ by 8 times more."""

_IN_A_ROW = 3
"""Changes that do not shrink, the first that noise does not explain, before a slope is said to have no limit."""


@final
@dataclass(frozen=True, slots=True)
class Ladder:
    """Costs of one coordinate over growing steps: `plus` and `minus` are taken relative to the cost at theta."""

    step: FloatVector
    plus: FloatVector
    minus: FloatVector
    noise: float
    roundoff: float
    theta_rounding: float
    stair: float = 0.0

    def followed_by(self, larger: "Ladder") -> "Ladder":
        return Ladder(
            np.concatenate([self.step, larger.step]),
            np.concatenate([self.plus, larger.plus]),
            np.concatenate([self.minus, larger.minus]),
            max(self.noise, larger.noise),
            self.roundoff,
            self.theta_rounding,
            max(self.stair, larger.stair),
        )

    def with_own_noise(self) -> "Ladder":
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

    def taking(self, rungs: slice | npt.NDArray[np.bool_]) -> "Ladder":
        return replace(self, step=self.step[rungs], plus=self.plus[rungs], minus=self.minus[rungs])

    def upto(self, count: int) -> "Ladder":
        return self.taking(slice(count))

    @property
    def change(self) -> float:
        """The largest finite change of the cost; NaN where none was finite."""
        return largest_finite(self.plus, self.minus)


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
    return one_sided_slopes(Ladder(step, plus, minus, noise, roundoff, theta_rounding))


def one_sided_slopes(ladder: Ladder) -> tuple[float, float, float]:
    """Lower and upper one-sided slope at theta, and their error bar."""
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
        stays_apart = first + 1 < gap.size and gap[first + 1] < RATIO / 2.5 * gap[first]
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
        if gap[position + 1] > 2 * RATIO * max(gap[position], blur[position]):
            return position + 1
    return int(gap.size)


def _central(ladder: Ladder) -> tuple[float, float, float]:
    slope = (ladder.plus - ladder.minus) / (2 * ladder.step)
    curvature = np.abs(ladder.plus + ladder.minus) / np.square(ladder.step)
    noise = CONFIDENT * ladder.slope_noise
    value, error = _least_error(slope, noise + ladder.theta_rounding * curvature)
    return value, value, error


def _beside_a_kink(ladder: Ladder) -> tuple[float, float, float] | None:
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


def _one_side(ladder: Ladder, change: FloatVector) -> tuple[float, float]:
    return _least_error(change / ladder.step, 2 * CONFIDENT * ladder.slope_noise)


def _kink(ladder: Ladder) -> tuple[float, float, float]:
    (right, right_error), (left, left_error) = (_one_side(ladder, side) for side in (ladder.plus, -ladder.minus))
    return min(left, right), max(left, right), max(left_error, right_error)


def _beside_a_jump(ladder: Ladder, jumps_right: bool, jumps_left: bool) -> tuple[float, float, float]:
    if jumps_right and jumps_left:
        return 0.0, 0.0, float("inf")
    noise = 2 * CONFIDENT * ladder.slope_noise
    side = -ladder.minus if jumps_right else ladder.plus
    value, error = _least_error(side / ladder.step, noise)
    # What looks like a jump may be an oscillation far within the smallest step: then the other side does not settle.
    settled = error <= max(abs(value), 2 * float(np.min(noise)))
    return value, value, error if settled else float("inf")


def _one_sided(ladder: Ladder) -> tuple[float, float, float]:
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
    truncation[:-1] = np.maximum(truncation[:-1], truncation[1:] / RATIO**2)
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
    rate = min(max(beyond_noise / change[1] if change[1] else 0.0, 1 / RATIO), _SHRINKING)
    return change[:1] * rate / (1 - rate)

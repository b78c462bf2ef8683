"""Curves for people, from the costs of one entry over growing steps: differences, and Taylor remainders."""

from dataclasses import dataclass
from typing import final

import numpy as np

from .ladder import Ladder
from .norms import FloatVector, Row, row
from .steps import CONFIDENT, never_less_than_at_smaller_steps


@final
@dataclass(frozen=True, slots=True)
class StepCurve:
    """One entry's differences over growing steps.

    Attributes
    ----------
    step : tuple of float
        Absolute, in units of theta.
    right, left : tuple of float
        The one-sided slopes at each step.
    central : tuple of float
        The central difference.
    floor : tuple of float
        What noise of the cost can make of it: no smaller error can be seen at that step.
    error : tuple of float
        Its estimated error, truncation and noise together.
    """

    step: Row
    right: Row
    left: Row
    central: Row
    floor: Row
    error: Row

    @property
    def best(self) -> int:
        """The position of the step of least estimated error."""
        return min(range(len(self.step)), key=self.error.__getitem__)


@final
@dataclass(frozen=True, slots=True)
class Remainders:
    """Taylor remainders ``|J(theta + t e) - J(theta) - t g|`` along one entry e, where g is its derivative.

    Attributes
    ----------
    t : tuple of float
        How far the entry is moved, absolute, growing.
    claimed, numeric : tuple of float
        With the claimed derivative for g, and with the numeric one; absolute, in units of the cost.
    floor : float
        What noise of the cost makes of any of them.
    claimed_slope, numeric_slope : float
        In logarithms, where the remainder is above the floor; NaN where too few are. 2 for the derivative of a smooth
        cost, 1 where the first-order term is off.
    """

    t: Row
    claimed: Row
    numeric: Row
    floor: float
    claimed_slope: float
    numeric_slope: float


_ABOVE = 10.0
"""Times the floor above which a remainder counts for the slope."""

_LEAST_POINTS = 3
"""Remainders that a slope needs."""

_MOST_POINTS = 4
"""Of the smallest moves, from which the slope is taken: it is the slope of the limit."""


def step_curve(ladder: Ladder) -> StepCurve:
    """Central and one-sided differences over growing steps, with their estimated errors.

    Parameters
    ----------
    ladder : Ladder
        The costs of one entry. Steps that round to nothing are left out.

    Examples
    --------
    >>> step = 1e-6 * 8.0 ** np.arange(6)
    >>> plus, minus = np.sin(0.5 + step) - np.sin(0.5), np.sin(0.5 - step) - np.sin(0.5)
    >>> curve = step_curve(Ladder(step, plus, minus, 1e-16, 2.0**-53, 0.0))
    >>> bool(abs(curve.central[curve.best] - np.cos(0.5)) < 1e-9)
    True
    """
    ladder = ladder.taking(ladder.step > 0)
    step, plus, minus = ladder.step, ladder.plus, ladder.minus
    with np.errstate(invalid="ignore", over="ignore"):
        central = (plus - minus) / (2 * step)
        floor = CONFIDENT * ladder.slope_noise
        changes = np.abs(np.diff(central, prepend=central[:1]))
        changes[:1] = np.inf  # nothing smaller to compare with
        truncation = never_less_than_at_smaller_steps(changes[1:], floor[1:])
    error = np.concatenate([changes[:1], 2 * truncation]) + floor
    error[~np.isfinite(error)] = np.inf
    return StepCurve(row(step), row(plus / step), row(-minus / step), row(central), row(floor), row(error))


def remainders(ladder: Ladder, claimed: float, numeric: float) -> Remainders:
    """Taylor remainders to the right of one entry.

    Parameters
    ----------
    ladder : Ladder
        The costs of the entry. Steps that round to nothing are left out.
    claimed, numeric : float
        Its claimed and its numeric derivative.

    Examples
    --------
    >>> t = 1e-6 * 8.0 ** np.arange(6)
    >>> found = remainders(Ladder(t, np.expm1(t), np.expm1(-t), 1e-16, 2.0**-53, 0.0), claimed=1.1, numeric=1.0)
    >>> round(found.claimed_slope), round(found.numeric_slope)
    (1, 2)
    """
    ladder = ladder.taking(ladder.step > 0)
    t = ladder.step
    with np.errstate(invalid="ignore", over="ignore"):
        of_claim, of_numeric = np.abs(ladder.plus - t * claimed), np.abs(ladder.plus - t * numeric)
    floor = CONFIDENT * ladder.noise
    return Remainders(
        row(t), row(of_claim), row(of_numeric), floor, _slope(t, of_claim, floor), _slope(t, of_numeric, floor)
    )


def _slope(t: FloatVector, remainder: FloatVector, floor: float) -> float:
    above = np.flatnonzero(np.isfinite(remainder) & (remainder > _ABOVE * floor))[:_MOST_POINTS]
    if above.size < _LEAST_POINTS:
        return float("nan")
    return float(np.polyfit(np.log(t[above]), np.log(remainder[above]), 1)[0])

"""Curves for people: differences over all steps, and Taylor remainders. No verdict rests on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast, final

import numpy as np
import numpy.typing as npt

from .norms import FloatVector
from .steps import CONFIDENT, never_less_than_at_smaller_steps

Row = tuple[float, ...]


def row(values: npt.NDArray[np.float64]) -> Row:
    """An array as a record keeps it."""
    return cast("Row", tuple(values.tolist()))


@final
@dataclass(frozen=True, slots=True)
class StepCurve:
    """One entry's differences over growing steps.

    Attributes
    ----------
    step : tuple of float
        As taken to the right, absolute, in units of theta.
    right, left : tuple of float
        The one-sided slopes at each step.
    central : tuple of float
        The central difference.
    floor : tuple of float
        What noise of the cost can make of it: the floor below which no error at that step can be seen.
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
    """Taylor remainders ``|J(theta + t d) - J(theta) - t g.d|`` along one direction d.

    Attributes
    ----------
    t : tuple of float
        Dimensionless, growing; 1 moves each entry that d goes through by its own size.
    claimed, numeric : tuple of float
        With the claimed gradient for g, and with the numeric one; absolute, in units of the cost.
    floor : float
        What noise of the cost makes of any of them.
    claimed_slope, numeric_slope : float
        In logarithms, where the remainder is above the floor; NaN where too few are. 2 for the gradient of a smooth
        cost, 1 where the first-order term is off.
    """

    t: Row
    claimed: Row
    numeric: Row
    floor: float
    claimed_slope: float
    numeric_slope: float


_STEPS = 18
"""Of a step curve: about three for two decades, so that both arms of the V have several."""

_FINEST = 0.75
"""Power of the unit roundoff that the first step is: well into the arm that noise makes, and still a step."""

_FARTHEST = 1 / 16
"""Part of itself by which an entry is moved at most: truncation shows there, third-order terms matter little, and the
verdict is settled, so no cost is to be led where it is not defined. One that iterates might never return."""

_POINTS = 14
_QUARTER = 0.25
"""Moves of the Taylor remainders, down to 1e-9, each a quarter of the one before: a mistake of 1e-6 shows only where
curvature, which falls faster, is smaller still."""

_ABOVE = 10.0
"""Times the floor above which a remainder counts for the slope."""

_LEAST_POINTS = 3
_MOST_POINTS = 4
"""Of the smallest moves, from which the slope is taken: it is one of the limit."""

EVALUATIONS_OF_STEPS = 2 * _STEPS
EVALUATIONS_OF_REMAINDERS = _POINTS

Moved = Callable[[float], tuple[float, float]]
"""From how far one number is to be moved to how far it was, after rounding, and the cost there."""


def step_curve(moved: Moved, cost: float, noise: float, roundoff: float, scale: float, farthest: float) -> StepCurve:
    """Central and one-sided differences over growing steps, with their estimated errors.

    Parameters
    ----------
    moved : callable
        The cost where one entry is moved.
    cost : float
        J at theta.
    noise : float
        Standard deviation of the computed cost around a smooth one, absolute.
    roundoff : float
        Unit roundoff of the precision theta is held in, relative.
    scale : float
        The size of the entry by itself, absolute.
    farthest : float
        How far it may be moved, absolute.

    Returns
    -------
    StepCurve
        Of 36 evaluations; without the steps that round to nothing.

    Examples
    --------
    >>> def moved(t):
    ...     return t, float(np.sin(0.5 + t))
    >>> curve = step_curve(moved, float(np.sin(0.5)), 1e-16, 2.0**-53, 1.0, np.inf)
    >>> bool(abs(curve.central[curve.best] - np.cos(0.5)) < 1e-9)
    True
    """
    longest = min(_FARTHEST * scale, farthest)
    asked = np.geomspace(longest * roundoff**_FINEST, longest, _STEPS)
    right, left = (np.array([moved(float(sign * h)) for h in asked]) for sign in (1.0, -1.0))
    usable = (right[:, 0] > 0) & (left[:, 0] < 0)
    (above, plus), (below, minus) = right[usable].T, left[usable].T
    with np.errstate(invalid="ignore", over="ignore"):
        central = (plus - minus) / (above - below)
        floor = CONFIDENT * noise / ((above - below) / 2)
        slopes = (plus - cost) / above, (minus - cost) / below
        changes = np.abs(np.diff(central, prepend=central[:1]))
        changes[:1] = np.inf  # nothing smaller to compare with
        truncation = never_less_than_at_smaller_steps(changes[1:], floor[1:])
    error = np.concatenate([changes[:1], 2 * truncation]) + floor
    error[~np.isfinite(error)] = np.inf
    return StepCurve(row(above), row(slopes[0]), row(slopes[1]), row(central), row(floor), row(error))


def remainders(
    along: Callable[[float], float], cost: float, claimed: float, numeric: float, noise: float, farthest: float
) -> Remainders:
    """Taylor remainders along one direction.

    Parameters
    ----------
    along : callable
        J at ``theta + t d``.
    cost : float
        J at theta.
    claimed, numeric : float
        The products of d with the claimed and with the numeric gradient.
    noise : float
        Of the cost, absolute.
    farthest : float
        The largest t allowed.

    Returns
    -------
    Remainders
        Of 14 evaluations.

    Examples
    --------
    >>> found = remainders(lambda t: float(np.exp(t)), 1.0, claimed=1.1, numeric=1.0, noise=1e-16, farthest=np.inf)
    >>> round(found.claimed_slope), round(found.numeric_slope)
    (1, 2)
    """
    t: FloatVector = min(_FARTHEST, farthest) * _QUARTER ** np.arange(_POINTS, dtype=np.float64)[::-1]
    change = np.array([along(float(one)) for one in t]) - cost
    with np.errstate(invalid="ignore", over="ignore"):
        of_claim, of_numeric = np.abs(change - t * claimed), np.abs(change - t * numeric)
    floor = CONFIDENT * noise
    return Remainders(
        row(t), row(of_claim), row(of_numeric), floor, _slope(t, of_claim, floor), _slope(t, of_numeric, floor)
    )


def _slope(t: FloatVector, remainder: FloatVector, floor: float) -> float:
    above = np.flatnonzero(np.isfinite(remainder) & (remainder > _ABOVE * floor))[:_MOST_POINTS]
    if above.size < _LEAST_POINTS:
        return float("nan")
    return float(np.polyfit(np.log(t[above]), np.log(remainder[above]), 1)[0])

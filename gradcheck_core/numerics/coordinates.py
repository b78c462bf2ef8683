"""Central differences along single coordinates of one parameter, each with an error bar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from ..protocol import Entries, FloatVector

CostsAt = Callable[[Entries, FloatVector], FloatVector]
"""From entries and their new values, one changed at a time, to the costs there."""

ROUNDING_FACTOR = 4.0
"""How many roundoffs a computed cost is taken to be off by: few operations lose less, long sums seldom more."""


@final
@dataclass(frozen=True, slots=True)
class Derivatives:
    """Estimated derivatives by the coordinates of one parameter, with their error bars; both absolute."""

    numeric: FloatVector
    error: FloatVector


def central_differences(
    costs_at: CostsAt, entries: Entries, plus: FloatVector, minus: FloatVector, roundoff: float
) -> Derivatives:
    """Differentiate by ``(J(plus) - J(minus)) / (plus - minus)``, one coordinate at a time.

    Parameters
    ----------
    costs_at : callable
        The cost with single entries replaced.
    entries : int array
        The coordinates, shape ``(k,)``.
    plus, minus : numpy.ndarray
        float64, shape ``(k,)``: the two values of each coordinate as the evaluation's precision rounds them, so that
        the step taken is known exactly. Where they are equal the derivative is not measurable: 0 with infinite error.
    roundoff : float
        Unit roundoff of the computed cost, relative.

    Returns
    -------
    Derivatives
        The error bar is the rounding error of the two costs over the step; truncation is not part of it.
    """
    cost_plus = costs_at(entries, plus)
    cost_minus = costs_at(entries, minus)
    taken = plus - minus
    moved = taken != 0
    safe = np.where(moved, taken, 1.0)
    rounding = ROUNDING_FACTOR * roundoff * np.maximum(np.abs(cost_plus), np.abs(cost_minus))
    return Derivatives(
        numeric=np.where(moved, (cost_plus - cost_minus) / safe, 0.0),
        error=np.where(moved, 2 * rounding / np.abs(safe), np.inf),
    )

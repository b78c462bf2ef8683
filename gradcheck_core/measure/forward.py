"""Forward mode: the whole gradient by it, and what it says where reverse mode is found wrong."""

from collections.abc import Sequence

import numpy as np

from ..numerics.norms import norm
from ..protocol.backend import Problem, Weigh
from ..protocol.layout import Gradient
from .evidence import Evidence

_SHARE = 1e-3
"""Part of a discrepancy by which two derivatives along it may differ and still be called the same."""


def forward_gradient(problem: Problem, weigh: Weigh, dtypes: tuple[str, ...]) -> Gradient:
    """The gradient by forward mode, one directional derivative for each number of theta.

    `dtypes` are those in which the parameters are evaluated.
    """
    d_theta = np.zeros(problem.layout.size)
    unit = np.zeros_like(d_theta)
    for position in range(d_theta.size):
        unit[position] = 1.0
        d_theta[position] = problem.jvp(unit, weigh)
        unit[position] = 0.0
    return Gradient(d_theta, dtypes)


def what_forward_mode_says(problem: Problem, weigh: Weigh, evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Notes on the parameters whose reverse-mode gradient the differences contradict.

    One derivative is taken along each discrepancy, where claimed and numeric gradient are farthest apart. It tells a
    wrong reverse rule from a mistake that both modes share. A cost for which forward mode is not defined gives none.
    """
    notes = (_comparison(problem, weigh, item) for item in evidence)
    return tuple(note for note in notes if note)


def _comparison(problem: Problem, weigh: Weigh, item: Evidence) -> str:
    discrepancy = item.numeric - item.claimed
    away = np.where(np.abs(discrepancy) > item.error, discrepancy, 0.0)
    if not away.any() or not np.all(np.isfinite(away)):
        return ""
    along = away / norm(away)
    direction = np.zeros(problem.layout.size)
    direction[item.parameter.range] = along
    try:
        forward = problem.jvp(direction, weigh)
    except Exception:  # an operation or a custom rule without forward mode; there is nothing to say then
        return ""
    tolerance = float(item.error @ np.abs(along)) + _SHARE * norm(away)
    name = item.parameter.name
    if abs(forward - float(item.numeric @ along)) <= tolerance:
        return (
            f"`{name}`: forward mode agrees with the differences, but reverse mode does not: "
            "look at the reverse rule (backward, vjp) of a custom function"
        )
    if abs(forward - float(item.claimed @ along)) <= tolerance:
        return (
            f"`{name}`: forward and reverse mode agree with each other, but not with the differences: "
            "look at a rule that both use, or at a stopped gradient (detach, stop_gradient)"
        )
    return f"`{name}`: forward mode, reverse mode and the differences all disagree"

"""Before any difference is taken: the hypotheses on the cost that two evaluations can test."""

import math
import time
from dataclasses import dataclass
from typing import final

import numpy as np

from ..errors import InvalidInputError, NonDeterministicCostError, NonFiniteCostError
from ..numerics.norms import norm
from ..protocol.backend import Problem
from ..protocol.layout import FloatVector, Layout
from ..protocol.outputs import ROUNDINGS, CostValue
from ..protocol.randomness import HostRandomState
from .evaluator import Evaluator


@final
@dataclass(frozen=True, slots=True)
class Baseline:
    """All of theta, float64, and J there, before anything is perturbed.

    `roundoff` is that of theta or of what the cost returns, whichever is coarser; `seconds` is what the faster of two
    evaluations took.
    """

    theta: FloatVector
    cost: CostValue
    roundoff: float
    seconds: float = 0.0


def establish(problem: Problem, evaluator: Evaluator, random_state: HostRandomState, roundoff: float) -> Baseline:
    """Evaluate twice at theta and refuse a cost whose differences would mean nothing.

    `roundoff` is that of the precision in which theta is held.
    """
    theta = np.empty(problem.layout.size)
    for i, parameter in enumerate(problem.layout.parameters):
        theta[parameter.range] = problem.read(i)
    _require_finite_theta(theta, problem.layout)
    started = time.perf_counter()
    first = evaluator.cost()
    seconds = time.perf_counter() - started
    random_state.watch()
    require_unchanged(problem, theta)
    if not math.isfinite(first.value):
        msg = (
            f"`cost` is {first.value} at the given params; "
            "check the cost there first: a division by zero, a log of zero or an overflow"
        )
        raise NonFiniteCostError(msg)
    started = time.perf_counter()
    second = evaluator.cost()
    seconds = min(seconds, time.perf_counter() - started)
    roundoff = max(roundoff, first.roundoff)
    _require_repeatable(first.value, second.value, roundoff)
    return Baseline(theta, first, roundoff, seconds)


def require_repeated(evaluator: Evaluator, baseline: Baseline) -> None:
    """Evaluate once more at theta, after everything, and refuse a cost that has drifted meanwhile."""
    _require_repeatable(baseline.cost.value, evaluator.cost().value, baseline.roundoff)


def require_unchanged(problem: Problem, theta: FloatVector) -> None:
    """Refuse a cost that has changed its parameters, naming the first entry that changed, or what was rebound."""
    rebound = problem.changed_structure()
    if rebound is not None:
        msg = f"`cost` rebinds {rebound} in the params it is given; compute new values without storing them there"
        raise InvalidInputError(msg)
    for position, parameter in enumerate(problem.layout.parameters):
        before, after = theta[parameter.range], problem.read(position)  # one by one: theta may be large
        moved = np.flatnonzero(after != before)
        if moved.size:
            name = locate(problem.layout, parameter.start + int(moved[0]))
            msg = (
                f"`cost` changes its parameters: {name} was {before[moved[0]]:.9g} before the call and "
                f"{after[moved[0]]:.9g} after it; compute new values instead of updating in place"
            )
            raise InvalidInputError(msg)


def locate(layout: Layout, position: int) -> str:
    """The entry of the params that stands at a position of theta, written as a person would."""
    parameter = next(p for p in layout.parameters if position < p.range.stop)
    index = list(parameter.index(position - parameter.start))
    return f"`{parameter.name}`{index if index else ''}"


def _require_finite_theta(theta: FloatVector, layout: Layout) -> None:
    if math.isfinite(norm(theta)):  # the usual case, in one pass that makes nothing
        return
    bad = np.flatnonzero(~np.isfinite(theta))
    if bad.size:
        name = locate(layout, int(bad[0]))
        msg = f"`params`: {name} is {theta[bad[0]]}; gradients exist only at finite parameters, pass finite ones"
        raise InvalidInputError(msg)


def agree_within_rounding(first: float, second: float, roundoff: float) -> bool:
    """Whether two evaluations at one theta differ by no more than sums in another order do."""
    return abs(first - second) <= ROUNDINGS * roundoff * abs(first)


def _require_repeatable(first: float, second: float, roundoff: float) -> None:
    if agree_within_rounding(first, second, roundoff):
        return
    amount = abs(first - second)
    msg = (
        f"`cost` gives {first:.17g} and then {second:.17g} at the same params (a difference of {amount:.3g}), "
        "so differences of it would measure its noise. The global random states were the same in both calls: "
        "look for a generator of the cost's own, data that is drawn or shuffled, a counter or a running average; "
        "create the generator inside the cost from a fixed seed, or fix the data"
    )
    raise NonDeterministicCostError(msg)


def theta_scale(theta: FloatVector) -> float:
    """The root mean square of theta, or 1 where all of it is zero."""
    return norm(theta) / math.sqrt(theta.size) or 1.0

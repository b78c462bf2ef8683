"""One side compared with the reference: values, then costs, then gradients, each with a resolution."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import final

import numpy as np
import numpy.typing as npt

from ...check.judging import together
from ...numerics.norms import norm
from ...protocol.outputs import ROUNDINGS, roundoff_of
from ...report.verdict import (
    CANCELLING,
    Comparison,
    NaturalScale,
    Verdict,
    VerdictPolicy,
    judge_parameter,
    natural_scale,
    worst_verdict,
)
from ..entries import Array
from ..mapping import ParameterMap
from ..tensors import find_beyond_rounding
from .carrying import CarriedSide, sum_up
from .rows import Outcome, ParityRow, is_beyond_rounding, is_slightly_off
from .side import Side

_NOISES = 16.0
"""Times its noise, a standard deviation, that a cost may differ."""

_VALUE_ROUNDINGS = 2.0
"""Unit roundoffs of the coarser dtype by which carried values may differ: each is rounded once."""

_NOTHING_IN_COMMON = Comparison(discrepancy=1.0, error=0.0, claimed=0.5, numeric=0.5)
"""For arrays that cannot be compared: as different as can be, and surely so."""


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """What comparing one side with the reference gives, before it is explained.

    `from_values` is by how much the rounding of values could change the cost, absolute.
    """

    outcome: Outcome
    verdict: Verdict
    cost: Comparison
    cost_verdict: Verdict
    rows: tuple[ParityRow, ...]
    from_values: float

    @property
    def nearly_equal(self) -> tuple[str, ...]:
        """The targets whose values differ by rounding, or as little, if none differs by more."""
        if self.shifted:
            return ()
        return tuple(row.target for row in self.rows if not row.why and row.value_difference > 0)

    @property
    def is_off(self) -> bool:
        """Whether everything passes, and yet values, costs or gradients differ by more than rounding."""
        return is_slightly_off(self.outcome, self.verdict, self.cost.difference, self.cost.resolution, self.rows)

    @property
    def shifted(self) -> tuple[str, ...]:
        """The targets whose values differ."""
        return tuple(row.target for row in self.rows if row.values_verdict.is_evidence)


def compare_side(reference: Side, other: Side, carried: CarriedSide, policy: VerdictPolicy) -> Difference:
    """Compare a side with the reference, parameter by parameter."""
    compared = [name for name in other.values if name in carried.values]
    values = _compare_values(reference, other, carried, compared)
    rounding = _estimate_rounding(other, carried, values, policy)
    cost, cost_verdict = judge_costs(reference, other, policy, rounding.cost)
    unit = max(_unit(reference), _unit(other), rounding.unit)
    whole_size = max(total_size(reference.gradients), total_size(other.gradients))
    gradients = {name: _compare_gradients(name, reference, other, carried, unit, whole_size) for name in compared}
    comparable = [one for one in gradients.values() if one is not _NOTHING_IN_COMMON]
    scale = natural_scale(together(comparable), other.cost, _theta_scale(other)) if compared else NaturalScale(0.0)
    rows = [_row(other.name, name, carried, values[name], gradients[name], scale, policy) for name in compared]
    rows += _list_uncompared(reference, other, carried)
    verdict = worst_verdict([cost_verdict, *(row.verdict for row in rows)])
    return Difference(_outcome(cost, cost_verdict, rows), verdict, cost, cost_verdict, tuple(rows), rounding.cost)


@final
@dataclass(frozen=True, slots=True)
class _Rounding:
    """What values that were rounded on the way do to a cost, absolute, and to gradients, in units of their size."""

    cost: float = 0.0
    unit: float = 0.0


def _estimate_rounding(
    other: Side, carried: CarriedSide, values: Mapping[str, Comparison], policy: VerdictPolicy
) -> _Rounding:
    """To first order; nothing if the side was asked at the reference's values, or if values differ by more."""
    if any(policy.judge(one.difference, one.resolution).is_evidence for one in values.values()):
        return _Rounding()
    off = [name for name, one in values.items() if one.discrepancy > 0 and name not in other.asked_at]
    mine = sum_up({name: other.values[name] for name in off}, carried.mapping)
    cost = sum(float(np.sum(np.abs(other.gradients[n]) * np.abs(mine[n] - carried.values[n]))) for n in off)
    return _Rounding(cost, max((values[name].difference for name in off), default=0.0))


def judge_costs(
    reference: Side, other: Side, policy: VerdictPolicy, from_values: float = 0.0
) -> tuple[Comparison, Verdict]:
    """Cost against cost; the error is what rounding, of the values too, and noise could make of the difference."""
    one, two = abs(reference.cost), abs(other.cost)
    error = ROUNDINGS * (reference.roundoff * one + other.roundoff * two) + _NOISES * (reference.noise + other.noise)
    comparison = Comparison(abs(reference.cost - other.cost), error + from_values, one, two)
    return comparison, judge_parameter(comparison, NaturalScale(max(_reach(reference), _reach(other))), policy).verdict


def _reach(side: Side) -> float:
    """By how much the cost changes with its parameters: the natural scale of a cost that is zero."""
    return total_size(side.gradients) * total_size(side.values)


def total_size(arrays: Mapping[str, Array]) -> float:
    """The norm of several arrays together, without what is NaN or infinite."""
    return norm(np.array([norm(np.nan_to_num(flatten(array), posinf=0.0, neginf=0.0)) for array in arrays.values()]))


def _theta_scale(side: Side) -> float:
    count = sum(array.size for array in side.values.values())
    return total_size(side.values) / math.sqrt(count) or 1.0


def flatten(array: Array) -> npt.NDArray[np.float64]:
    """An array's numbers in a row, two for every complex entry."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.float64) if flat.dtype == np.complex128 else flat.astype(np.float64, copy=False)


def _compare_gradients(
    name: str, reference: Side, other: Side, carried: CarriedSide, unit: float, whole: float
) -> Comparison:
    dtypes = [other.gradient_dtypes[name], *(reference.gradient_dtypes[source] for source in carried.sources(name))]
    coarsest = max(unit, *map(roundoff_of, dtypes))
    return _compare_arrays(
        carried.gradients[name],
        other.gradients[name],
        lambda size: ROUNDINGS * coarsest * (size + CANCELLING * whole),
    )


def _compare_arrays(one: Array, two: Array, error: Callable[[float], float]) -> Comparison:
    """Array against array, with the error that goes with their size.

    They have nothing in common if shapes differ, or if one is NaN or infinite where the other is not.
    """
    if one.shape != two.shape:
        return _NOTHING_IN_COMMON
    here, there = flatten(one), flatten(two)
    finite = np.isfinite(here) & np.isfinite(there)
    if not finite.all():
        if not np.array_equal(here[~finite], there[~finite], equal_nan=True):
            return _NOTHING_IN_COMMON
        here, there = here[finite], there[finite]
    size = max(norm(here), norm(there))
    return Comparison(norm(here - there), error(size), norm(here), norm(there))


def _unit(side: Side) -> float:
    """How coarsely a side computes, relative: the rounding of its precision, or the noise of its cost."""
    size = max(abs(side.cost), _reach(side))
    return max(side.roundoff, side.noise / size if size > 0 else 0.0)


def _row(
    side: str,
    name: str,
    carried: CarriedSide,
    values: Comparison,
    gradient: Comparison,
    scale: NaturalScale,
    policy: VerdictPolicy,
) -> ParityRow:
    values_verdict = policy.judge(values.difference, values.resolution)
    if values_verdict is Verdict.INCONCLUSIVE:  # a coarse dtype's rounding is known, which is not a lack of evidence
        values_verdict = Verdict.INSPECT
    gradient_verdict = judge_parameter(gradient, scale, policy).verdict
    return ParityRow(
        side=side,
        source=carried.sources(name),
        target=name,
        axes=tuple(carried.mapping.entries[name].axes),
        value_difference=values.difference,
        value_resolution=values.resolution,
        gradient_difference=gradient.difference,
        gradient_resolution=gradient.resolution,
        verdict=worst_verdict([values_verdict, gradient_verdict]),
        values_verdict=values_verdict,
        gradient_verdict=gradient_verdict,
    )


def _compare_values(reference: Side, other: Side, carried: CarriedSide, compared: list[str]) -> dict[str, Comparison]:
    """By norm; with an error if every entry is as near as the coarser dtype stores it, otherwise without one."""
    mine = sum_up({name: other.values[name] for name in compared}, carried.mapping)
    found: dict[str, Comparison] = {}
    for name in compared:
        rounding = _VALUE_ROUNDINGS * roundoff_of(_coarsest(name, reference, other, carried))
        held = _compare_arrays(carried.values[name], mine[name], partial(operator.mul, rounding))
        if held is not _NOTHING_IN_COMMON:
            rounded = held.discrepancy > 0 and not find_changed(name, reference, other, carried).any()
            held = replace(held, error=max(held.error, held.discrepancy) if rounded else 0.0)
        found[name] = held
    return found


def find_changed(name: str, reference: Side, other: Side, carried: CarriedSide) -> npt.NDArray[np.bool_]:
    """Which entries of a target's values differ by more than rounding from those that were carried over."""
    shared = {target: other.values[target] for target in carried.list_sharing(name) if target in other.values}
    among = ParameterMap({target: carried.mapping.entries[target] for target in shared})
    # what was rounded before it was added up to a target, or to its source
    sizes = {source: np.abs(reference.values[source]) for source in carried.sources(name)}
    summands = sum_up({target: np.abs(values) for target, values in shared.items()}, among)[name]
    return find_beyond_rounding(
        carried.values[name],
        sum_up(shared, among)[name],
        np.maximum(among.entries[name].value(sizes), summands),
        _coarsest(name, reference, other, carried),
    )


def _coarsest(name: str, reference: Side, other: Side, carried: CarriedSide) -> str:
    """The dtype of a target and of its sources that rounds the most."""
    return max((other.dtypes[name], *(reference.dtypes[s] for s in carried.sources(name))), key=roundoff_of)


def _list_uncompared(reference: Side, other: Side, carried: CarriedSide) -> list[ParityRow]:
    """A row for every parameter of either side that the mapping does not pair."""
    why = {name: "the mapping has no entry for it" for name in other.values if name not in carried.values}
    why |= {name: reason for name, reason in carried.mapping.unresolved.items() if name in why}
    rows = [_make_unpaired(other.name, (), name, reason) for name, reason in why.items()]
    lost = {
        name: _say_lost(carried.find_used(name, array.shape))
        if name in carried.users
        else "the mapping does not use it"
        for name, array in reference.values.items()
    }
    return rows + [_make_unpaired(other.name, (name,), "", reason) for name, reason in lost.items() if reason]


def _say_lost(used: npt.NDArray[np.bool_]) -> str:
    """What to say about a source if only some of its entries are used; nothing if all are."""
    if used.all():
        return ""
    first = [int(i) for i in np.unravel_index(int((~used).argmax()), used.shape)]
    return f"{int((~used).sum())} of its {used.size} entries are not used, the first at {first}"


def _make_unpaired(side: str, source: tuple[str, ...], target: str, why: str) -> ParityRow:
    missing = Verdict.INCONCLUSIVE
    return ParityRow(side, source, target, (), *(4 * (math.nan,)), missing, missing, missing, why)


def _outcome(costs: Comparison, cost: Verdict, rows: list[ParityRow]) -> Outcome:
    if any(row.values_verdict.is_evidence for row in rows):
        return Outcome.VALUES_DIFFER
    gradients = any(row.gradient_verdict.is_evidence for row in rows)
    if cost.is_evidence or (gradients and is_beyond_rounding(costs.difference, costs.resolution)):
        return Outcome.FORWARD_DIFFERS
    if gradients:
        return Outcome.GRADIENTS_DIFFER
    unsure = cost is Verdict.INCONCLUSIVE or any(row.verdict is Verdict.INCONCLUSIVE for row in rows)
    return Outcome.UNDECIDED if unsure else Outcome.AGREE

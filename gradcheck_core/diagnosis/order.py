"""Mistakes in the order: right values in the wrong place, or those of another parameter, or their mean."""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ..report.words import safe
from .facts import Array, Facts, Proposal

_MOST_ENTRIES = 1_000_000
"""Beyond which entries are not looked for in other places."""

_MOST_AXES = 4
"""Up to which all orders of axes are tried: 24."""

_MOST_SHIFT = 8
"""Places by which entries are taken to be shifted at most, either way: beyond, it is a permutation."""

_MOST_OTHERS = 300
"""Parameters beyond which the gradient of another is not looked for: there would be too many that fit by chance."""


def transposed(facts: Facts) -> Iterator[Proposal]:
    """Axes exchanged, or entries of exchanged axes laid out in the right shape: Fortran order taken for C order."""
    if not _searchable(facts) or not 2 <= len(facts.axes) <= _MOST_AXES:
        return
    shape, parts = facts.numeric.shape, tuple(range(len(facts.axes), facts.numeric.ndim))
    orders = [order for order in itertools.permutations(facts.axes) if order != tuple(facts.axes)]
    ways = math.log(2 * len(orders))
    for order in orders:
        moved = np.transpose(facts.numeric, order + parts)
        if moved.shape == shape:
            axes = "" if len(facts.axes) == 2 else f" with axes in the order {order}"
            yield Proposal(
                moved,
                f"the claimed gradient is the transpose of the numeric one{axes}",
                "look for a missing .T (or a wrong axis order) where it is computed",
                ways=ways,
            )
    for order in orders:
        inverse = tuple(int(axis) for axis in np.argsort(order))
        stored = tuple(shape[axis] for axis in order) + tuple(shape[axis] for axis in parts)
        for laid_out in (
            np.transpose(facts.numeric, order + parts).reshape(shape),
            np.transpose(facts.numeric.reshape(stored), inverse + parts),
        ):
            yield Proposal(
                laid_out,
                "the claimed gradient is the numeric one's transpose, reshaped",
                "look for a reshape that should be a transpose, or for Fortran order read as C order",
                ways=ways,
            )


def reversed_along(facts: Facts) -> Iterator[Proposal]:
    """Axes backwards."""
    if not _searchable(facts):
        return
    long = [axis for axis in facts.axes if facts.numeric.shape[axis] > 1][:_MOST_AXES]
    choices = [axes for count in range(1, len(long) + 1) for axes in itertools.combinations(long, count)]
    for axes in choices:
        yield Proposal(
            np.flip(facts.numeric, axes),
            f"the claimed gradient is the numeric one reversed along {_axes(axes)}",
            "look for a kernel that is flipped once too often or not at all (correlation for convolution), "
            "or steps in the opposite order",
            ways=math.log(len(choices)),
        )


def shifted(facts: Facts) -> Iterator[Proposal]:
    """Entries some places further along an axis, round the end or with zeros coming in."""
    if not _searchable(facts):
        return
    choices = [
        (axis, by)
        for axis in facts.axes
        for by in range(-_MOST_SHIFT, _MOST_SHIFT + 1)
        if by and abs(by) < facts.numeric.shape[axis]
    ]
    for axis, by in sorted(choices, key=lambda choice: (abs(choice[1]), choice)):
        rolled = np.roll(facts.numeric, by, axis)
        filled = np.moveaxis(rolled.copy(), axis, 0)
        filled[slice(None, by) if by > 0 else slice(by, None)] = 0.0
        for predicted in (rolled, np.moveaxis(filled, 0, axis)):
            yield Proposal(
                predicted,
                f"the claimed gradient is the numeric one shifted by {by:+d} along axis {axis}",
                "look for an index that is off by so many, as of a time step, a padding or a slice",
                ways=math.log(2 * len(choices)),
            )


def permuted(facts: Facts) -> Iterator[Proposal]:
    """Rows, columns or entries in another order."""
    if not _searchable(facts):
        return
    for axis in facts.axes:
        size = facts.numeric.shape[axis]
        if size < 2:
            continue
        order = _matching(np.moveaxis(facts.claimed, axis, 0), np.moveaxis(facts.numeric, axis, 0))
        moved = int(np.sum(order != np.arange(size)))
        if moved:
            listed = f": {order.tolist()}" if size <= 12 else ""
            yield Proposal(
                np.take(facts.numeric, order, axis),
                f"the claimed gradient has the numeric one's slices along axis {axis} in another order{listed}",
                "look for an index array, a sort or a reshape that is undone wrongly in the backward pass",
                # that many slices were chosen, and put into some order
                ways=math.lgamma(size + 1) - math.lgamma(size - moved + 1),
            )


def swapped(facts: Facts) -> Iterator[Proposal]:
    """The gradient of another parameter, as it is or transposed."""
    if len(facts.others) > _MOST_OTHERS:
        return
    ways = math.log(2 * max(len(facts.others), 1))
    for name, other in facts.others.items():
        if name == facts.name:
            continue
        shown = safe(name)
        if other.shape == facts.numeric.shape:
            yield Proposal(
                other,
                f"the claimed gradient is that of `{shown}`",
                "look at the order in which gradients are returned, or at a name that is used twice",
                ways=ways,
            )
        if other.ndim == 2 and not facts.parts and other.T.shape == facts.numeric.shape:
            yield Proposal(
                other.T,
                f"the claimed gradient is that of `{shown}`, transposed",
                "look at the order in which gradients are returned, or at a name that is used twice",
                ways=ways,
            )


def reduction(facts: Facts) -> Iterator[Proposal]:
    """The mean or the sum along an axis in place of each slice: a reduction too many, broadcast back."""
    if not _searchable(facts):
        return
    choices: list[tuple[int, ...]] = [(axis,) for axis in facts.axes if facts.numeric.shape[axis] > 1]
    if len(choices) > 1:
        choices.append(tuple(facts.axes))
    for axes in choices:
        for name, reduced in (("mean", np.mean), ("sum", np.sum)):
            predicted: Array = np.broadcast_to(reduced(facts.numeric, axis=axes, keepdims=True), facts.numeric.shape)
            yield Proposal(
                predicted,
                f"every entry of the claimed gradient is the {name} of the numeric one over {_axes(axes)}",
                "look for a mean or sum over an axis that is not reduced in the cost, and broadcast back",
                ways=math.log(2 * len(choices)),
            )


def _searchable(facts: Facts) -> bool:
    return facts.is_complete and facts.numeric.size <= _MOST_ENTRIES


def _axes(axes: tuple[int, ...]) -> str:
    return f"ax{'i' if len(axes) == 1 else 'e'}s {' and '.join(map(str, axes))}"


def _matching(claimed: Array, numeric: Array) -> np.ndarray:
    """Which slice of the numeric gradient each claimed one looks like: those of equal rank along a random direction."""
    rows, others = claimed.reshape(len(claimed), -1), numeric.reshape(len(numeric), -1)
    along = np.random.default_rng(0).normal(size=rows.shape[1])
    order = np.empty(len(rows), dtype=np.intp)
    order[np.argsort(rows @ along, kind="stable")] = np.argsort(others @ along, kind="stable")
    return order

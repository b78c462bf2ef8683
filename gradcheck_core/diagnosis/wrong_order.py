"""Mistakes in the order: the right values in the wrong places, another parameter's values, or a mean of them."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..report.words import safe
from . import sentences
from .facts import MOST_ENTRIES, Array, Facts, Proposal

_MOST_AXES = 4
"""At most this many axes are tried in all orders, 24 of them."""

_MOST_SHIFT = 8
"""Entries are taken to be shifted by at most this many places either way; a longer shift is called a permutation."""

_MOST_OTHERS = 300
"""With more parameters than this, another one's gradient is not looked for: too many would fit by chance."""


def propose_transpose(facts: Facts) -> Iterator[Proposal]:
    """Axes exchanged, or entries of exchanged axes laid out in the right shape: Fortran order taken for C order."""
    if not _is_searchable(facts) or not 2 <= len(facts.axes) <= _MOST_AXES:
        return
    shape, parts = facts.numeric.shape, tuple(range(len(facts.axes), facts.numeric.ndim))
    orders = [order for order in itertools.permutations(facts.axes) if order != tuple(facts.axes)]
    log_choices = math.log(2 * len(orders))
    for order in orders:
        moved = np.transpose(facts.numeric, order + parts)
        if moved.shape == shape:
            axes = "" if len(order) == 2 else f" with axes in the order {order}"
            yield Proposal(moved, sentences.TRANSPOSED.fill(axes=axes), log_choices=log_choices)
    for order in orders:
        inverse = tuple(int(axis) for axis in np.argsort(order))
        stored = tuple(shape[axis] for axis in order) + tuple(shape[axis] for axis in parts)
        for laid_out in (
            np.transpose(facts.numeric, order + parts).reshape(shape),
            np.transpose(facts.numeric.reshape(stored), inverse + parts),
        ):
            yield Proposal(laid_out, sentences.TRANSPOSED_AND_RESHAPED, log_choices=log_choices)


def propose_reversal(facts: Facts) -> Iterator[Proposal]:
    """One axis or several backwards."""
    if not _is_searchable(facts):
        return
    long = [axis for axis in facts.axes if facts.numeric.shape[axis] > 1][:_MOST_AXES]
    choices = [axes for count in range(1, len(long) + 1) for axes in itertools.combinations(long, count)]
    for axes in choices:
        sentence = sentences.REVERSED.fill(axes=sentences.name_axes(axes))
        yield Proposal(np.flip(facts.numeric, axes), sentence, log_choices=math.log(len(choices)))


def propose_shift(facts: Facts) -> Iterator[Proposal]:
    """Entries some places further along an axis: those that leave at one end come in at the other, or zeros do."""
    if not _is_searchable(facts):
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
        sentence = sentences.SHIFTED.fill(by=by, axis=axis, places=abs(by))
        for predicted in (rolled, np.moveaxis(filled, 0, axis)):
            yield Proposal(predicted, sentence, log_choices=math.log(2 * len(choices)))


def propose_permutation(facts: Facts) -> Iterator[Proposal]:
    """Rows, columns or entries in another order."""
    if not _is_searchable(facts):
        return
    for axis in facts.axes:
        size = facts.numeric.shape[axis]
        if size < 2:
            continue
        order = _match(np.moveaxis(facts.claimed, axis, 0), np.moveaxis(facts.numeric, axis, 0))
        moved = int(np.sum(order != np.arange(size)))
        if moved:
            listed = f": {order.tolist()}" if size <= sentences.MOST_LISTED else ""
            yield Proposal(
                np.take(facts.numeric, order, axis),
                sentences.PERMUTED.fill(axis=axis, order=listed),
                # as many as there are ways to choose the slices that moved and to put them into an order
                log_choices=math.lgamma(size + 1) - math.lgamma(size - moved + 1),
            )


def propose_swap(facts: Facts) -> Iterator[Proposal]:
    """The gradient of another parameter, as it is or transposed."""
    if len(facts.others) > _MOST_OTHERS:
        return
    log_choices = math.log(2 * max(len(facts.others), 1))
    for name, other in facts.others.items():
        if name == facts.name:
            continue
        candidates = [(other, "")]
        if other.ndim == 2 and not facts.parts:
            candidates.append((other.T, ", transposed"))
        for predicted, transposed in candidates:
            if predicted.shape == facts.numeric.shape:
                sentence = sentences.SWAPPED.fill(other=safe(name), transposed=transposed)
                yield Proposal(predicted, sentence, log_choices=log_choices)


def propose_reduction(facts: Facts) -> Iterator[Proposal]:
    """The mean or the sum along an axis in place of each slice: a reduction too many, broadcast back."""
    if not _is_searchable(facts):
        return
    choices: list[tuple[int, ...]] = [(axis,) for axis in facts.axes if facts.numeric.shape[axis] > 1]
    if len(choices) > 1:
        choices.append(tuple(facts.axes))
    for axes in choices:
        for name, reduce in (("mean", np.mean), ("sum", np.sum)):
            predicted: Array = np.broadcast_to(reduce(facts.numeric, axis=axes, keepdims=True), facts.numeric.shape)
            sentence = sentences.REDUCED.fill(reduction=name, axes=sentences.name_axes(axes))
            yield Proposal(predicted, sentence, log_choices=math.log(2 * len(choices)))


def _is_searchable(facts: Facts) -> bool:
    return facts.is_complete and facts.numeric.size <= MOST_ENTRIES


def _match(claimed: Array, numeric: Array) -> npt.NDArray[np.intp]:
    """For each claimed slice the numeric one of the same rank, where both are ranked along one random direction."""
    rows, others = claimed.reshape(len(claimed), -1), numeric.reshape(len(numeric), -1)
    along = np.random.default_rng(0).normal(size=rows.shape[1])
    order = np.empty(len(rows), dtype=np.intp)
    order[np.argsort(rows @ along, kind="stable")] = np.argsort(others @ along, kind="stable")
    return order

"""Mistakes that add or leave out a term: a regulariser, a constant."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from . import sentences
from .facts import Array, Facts, Proposal
from .fit import find_coefficient
from .sentences import Sentence


def propose_weight_decay(facts: Facts) -> Iterator[Proposal]:
    """A multiple of the parameter itself."""
    if facts.theta is not None:
        yield from _propose_term(facts, facts.theta, sentences.describe_weight_decay)


def propose_l1(facts: Facts) -> Iterator[Proposal]:
    """A multiple of the parameter's signs."""
    if facts.theta is not None:
        yield from _propose_term(facts, np.sign(facts.theta), sentences.describe_l1)


def propose_offset(facts: Facts) -> Iterator[Proposal]:
    """One constant in every entry."""
    yield from _propose_term(facts, np.ones_like(facts.numeric), sentences.describe_offset)


def propose_offsets(facts: Facts) -> Iterator[Proposal]:
    """A constant for each row, column or channel."""
    axes = range(facts.claimed.ndim)
    kept_choices = {(axis,) for axis in axes} | {tuple(a for a in axes if a != axis) for axis in axes}
    for kept in sorted(kept_choices, key=lambda chosen: (_count(facts, chosen), chosen)):
        over = tuple(axis for axis in axes if axis not in kept)
        if not kept or _count(facts, over) < 2:
            continue
        counts = np.sum(facts.known, axis=over, keepdims=True)
        constants = np.sum(facts.discrepancy, axis=over, keepdims=True) / np.maximum(counts, 1)
        yield Proposal(
            facts.numeric + np.broadcast_to(constants, facts.numeric.shape),
            sentences.describe_offsets(kept),
            fitted=_count(facts, kept),
            log_choices=math.log(len(kept_choices)),
        )


def _count(facts: Facts, axes: tuple[int, ...]) -> int:
    return math.prod(facts.claimed.shape[axis] for axis in axes)


def _propose_term(facts: Facts, term: Array, describe: Callable[[float], Sentence]) -> Iterator[Proposal]:
    rate = find_coefficient(facts.discrepancy, term, facts.known)
    if rate != 0.0 and math.isfinite(rate):
        yield Proposal(facts.numeric + rate * term, describe(rate), fitted=1)

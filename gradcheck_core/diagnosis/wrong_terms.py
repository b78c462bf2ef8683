"""Mistakes that add or leave out a term: a regulariser, a constant."""

import math
from collections.abc import Iterator

import numpy as np

from . import sentences
from .facts import Array, Facts, Proposal
from .fit import find_coefficient


def propose_weight_decay(facts: Facts) -> Iterator[Proposal]:
    """A multiple of the parameter itself."""
    if facts.theta is not None:
        yield from _propose_penalty(facts, facts.theta, "the parameter itself", "weight decay (an L2 penalty)")


def propose_l1(facts: Facts) -> Iterator[Proposal]:
    """A multiple of the parameter's signs."""
    if facts.theta is not None:
        yield from _propose_penalty(facts, np.sign(facts.theta), "the signs of the parameter", "an L1 penalty")


def propose_offset(facts: Facts) -> Iterator[Proposal]:
    """One constant in every entry."""
    constant = find_coefficient(facts.discrepancy, np.ones_like(facts.numeric), facts.known)
    yield Proposal(facts.numeric + constant, sentences.OFFSET.fill(constant=constant), fitted=1)


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
            sentences.OFFSET_BY_SLICE.fill(axes=" and ".join(f"axis {axis}" for axis in kept)),
            fitted=_count(facts, kept),
            log_choices=math.log(len(kept_choices)),
        )


def _count(facts: Facts, axes: tuple[int, ...]) -> int:
    return math.prod(facts.claimed.shape[axis] for axis in axes)


def _propose_penalty(facts: Facts, term: Array, name: str, penalty: str) -> Iterator[Proposal]:
    rate = find_coefficient(facts.discrepancy, term, facts.known)
    if rate != 0.0 and math.isfinite(rate):
        sentence = sentences.EXTRA_TERM if rate > 0 else sentences.MISSING_TERM
        filled = sentence.fill(rate=abs(rate), term=name, penalty=penalty)
        yield Proposal(facts.numeric + rate * term, filled, fitted=1)

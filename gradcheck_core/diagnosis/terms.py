"""Mistakes that add something: a regulariser, a constant."""

import math
from collections.abc import Iterator

import numpy as np

from .facts import Array, Facts, Proposal


def weight_decay(facts: Facts) -> Iterator[Proposal]:
    """A multiple of the parameter itself."""
    if facts.theta is not None:
        rate = _rate(facts, facts.theta)
        yield from _term(facts, rate, facts.theta, "the parameter itself", "weight decay (an L2 penalty)")


def l1(facts: Facts) -> Iterator[Proposal]:
    """A multiple of the parameter's signs."""
    if facts.theta is not None:
        signs = np.sign(facts.theta)
        yield from _term(facts, _rate(facts, signs), signs, "the parameter's signs", "an L1 penalty")


def offset(facts: Facts) -> Iterator[Proposal]:
    """One constant in every entry."""
    ones = np.ones_like(facts.numeric)
    constant = _rate(facts, ones)
    yield Proposal(
        facts.numeric + constant,
        f"every entry is off by the same {constant:+.4g}",
        "look for a constant that is added, or a path through a mean that is missing",
        freedom=1,
    )


def offset_by_slice(facts: Facts) -> Iterator[Proposal]:
    """A constant for each row, column or channel."""
    axes = range(facts.claimed.ndim)
    kept_choices = {(axis,) for axis in axes} | {tuple(a for a in axes if a != axis) for axis in axes}
    for kept in sorted(kept_choices, key=lambda chosen: (_count(facts, chosen), chosen)):
        over = tuple(axis for axis in axes if axis not in kept)
        if not kept or math.prod(facts.claimed.shape[axis] for axis in over) < 2:
            continue
        counts = np.sum(facts.known, axis=over, keepdims=True)
        constants = np.sum(facts.discrepancy, axis=over, keepdims=True) / np.maximum(counts, 1)
        along = " and ".join(f"axis {axis}" for axis in kept)
        yield Proposal(
            facts.numeric + np.broadcast_to(constants, facts.numeric.shape),
            f"the claimed gradient is off by one constant for each index of {along}",
            "look for the path through a mean that is missing, as of a normalisation or a softmax, or a broadcast term",
            freedom=_count(facts, kept),
            ways=math.log(len(kept_choices)),
        )


def _count(facts: Facts, axes: tuple[int, ...]) -> int:
    return math.prod(facts.claimed.shape[axis] for axis in axes)


def _rate(facts: Facts, term: Array) -> float:
    """How much of a term the discrepancy is, by least squares."""
    here: Array = np.where(facts.known, term, 0.0)
    largest = float(np.max(np.abs(here), initial=0.0))
    if largest == 0.0:
        return 0.0
    unit = here / largest
    return float(np.sum(facts.discrepancy * unit) / np.sum(unit * unit)) / largest


def _term(facts: Facts, rate: float, term: Array, of: str, name: str) -> Iterator[Proposal]:
    if rate == 0.0 or not math.isfinite(rate):
        return
    much = "too much" if rate > 0 else "too little"
    yield Proposal(
        facts.numeric + rate * term,
        f"the claimed gradient has {abs(rate):.4g} times {of} {much}",
        f"look for {name} that is in the gradient and not in the cost"
        if rate > 0
        else f"look for {name} that is in the cost and not in the gradient",
        freedom=1,
    )

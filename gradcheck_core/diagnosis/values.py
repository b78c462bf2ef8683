"""Mistakes in the values: the sign, a factor, nothing at all."""

import math
from collections.abc import Iterator

import numpy as np

from .facts import Array, Facts, Proposal

_LARGEST_WHOLE = 100_000
"""Whole factors beyond it are no batch sizes."""

_NEAR_WHOLE = 1e-3
"""How close to a whole number a fitted factor has to be for that to be tried, relative."""

NOTHING_CAME = (
    "the claimed gradient is zero, and the cost depends on the parameter",
    "it is detached from the cost, left out of the backward pass, or overwritten",
)
"""What is so where a claim is zero, and where to look."""


def zero(facts: Facts) -> Iterator[Proposal]:
    """Nothing came: not nearly zero, which rounding or a small factor leave, but zero."""
    if not facts.claimed[facts.known].any():
        yield Proposal(np.zeros_like(facts.numeric), *NOTHING_CAME)


def sign_flipped(facts: Facts) -> Iterator[Proposal]:
    """The negative."""
    yield Proposal(
        -facts.numeric,
        "the claimed gradient has the wrong sign throughout",
        "look for a minus that is missing or too much, e.g. prediction - target taken the other way round",
    )


def scaled_by_whole(facts: Facts) -> Iterator[Proposal]:
    """A whole number of times, or a whole part: a batch size, the two of a square."""
    factor = factor_of(facts)
    if not 1 / _LARGEST_WHOLE < factor < _LARGEST_WHOLE:
        return
    ratio = max(factor, 1 / factor)
    whole = round(ratio)
    if whole < 2 or abs(ratio / whole - 1) > _NEAR_WHOLE:
        return
    exact = float(whole) if factor > 1 else 1.0 / whole
    yield Proposal(
        exact * facts.numeric, f"the claimed gradient is {_times(whole, factor > 1)}", _why(whole, factor > 1),
        ways=math.log(2 * whole),
    )  # fmt: skip


def scaled(facts: Facts) -> Iterator[Proposal]:
    """Any other factor."""
    factor = factor_of(facts)
    if np.isfinite(factor):
        yield Proposal(
            factor * facts.numeric,
            f"the claimed gradient is {factor:.6g} times the numeric one in every entry",
            "look for a constant that is missing, or applied twice or upside down",
            freedom=1,
        )


def factor_of(facts: Facts) -> float:
    """The factor between claimed and numeric gradient, by least squares; NaN where there is none."""
    numeric: Array = np.where(facts.known, facts.numeric, 0.0)
    largest = float(np.max(np.abs(numeric), initial=0.0))
    if largest == 0.0:
        return math.nan
    unit = numeric / largest
    claimed = np.where(facts.known, facts.claimed, 0.0)
    return float(np.sum(claimed / largest * unit) / np.sum(unit * unit))


def _times(whole: int, too_large: bool) -> str:
    if whole == 2:
        return "twice the numeric one" if too_large else "half the numeric one"
    return f"{whole} times the numeric one" if too_large else f"1/{whole} of the numeric one"


def _why(whole: int, too_large: bool) -> str:
    if whole == 2:
        return (
            "look for a missing 1/2, a term that is added twice, or a mean of two differentiated as a sum"
            if too_large
            else "look for the missing 2 of a squared term, a 1/2 too much, or a sum of two differentiated as a mean"
        )
    if too_large:
        return f"if {whole} is the batch size or a length, a mean was differentiated as a sum"
    return f"if {whole} is the batch size or a length, a sum was differentiated as a mean, or a mean was taken twice"

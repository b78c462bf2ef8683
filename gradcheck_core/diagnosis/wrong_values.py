"""Mistakes in the values: zero, the wrong sign, a factor."""

import math
from collections.abc import Iterator

import numpy as np

from . import sentences
from .facts import Facts, Proposal
from .fit import find_coefficient

_LARGEST_WHOLE = 100_000
"""Whole factors beyond this are not batch sizes."""

_NEAR_WHOLE = 1e-3
"""A fitted factor is tried as a whole number if it is this close to one, relative."""


def propose_zero(facts: Facts) -> Iterator[Proposal]:
    """Exactly zero: rounding or a small factor leave nearly zero."""
    if not facts.claimed[facts.known].any():
        yield Proposal(np.zeros_like(facts.numeric), sentences.ZERO)


def propose_sign_flip(facts: Facts) -> Iterator[Proposal]:
    """The negative."""
    yield Proposal(-facts.numeric, sentences.SIGN_FLIPPED)


def propose_whole_factor(facts: Facts) -> Iterator[Proposal]:
    """A whole number or its inverse: a batch size, the 2 of a square."""
    factor = find_factor(facts)
    if not 1 / _LARGEST_WHOLE < factor < _LARGEST_WHOLE:
        return
    ratio = max(factor, 1 / factor)
    whole = round(ratio)
    if whole < 2 or abs(ratio / whole - 1) > _NEAR_WHOLE:
        return
    exact = float(whole) if factor > 1 else 1.0 / whole
    large, small = (sentences.TWICE, sentences.HALF) if whole == 2 else (sentences.WHOLE_MULTIPLE, sentences.WHOLE_PART)
    sentence = (large if factor > 1 else small).fill(whole=whole)
    yield Proposal(exact * facts.numeric, sentence, log_choices=math.log(2 * whole))


def propose_factor(facts: Facts) -> Iterator[Proposal]:
    """Any other factor."""
    factor = find_factor(facts)
    if np.isfinite(factor):
        yield Proposal(factor * facts.numeric, sentences.ANY_FACTOR.fill(factor=factor), fitted=1)


def find_factor(facts: Facts) -> float:
    """The factor between claimed and numeric gradient, by least squares; NaN if the numeric one is zero."""
    return find_coefficient(np.where(facts.known, facts.claimed, 0.0), facts.numeric, facts.known)

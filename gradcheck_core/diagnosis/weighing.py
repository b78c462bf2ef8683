"""Whether a proposal explains a discrepancy, or could as well be chance."""

import math

import numpy as np

from .facts import Array, Facts, Proposal

LEAST_FIT = 0.99
"""Share of the squared discrepancy that has to be explained."""

_EXACT = 1.0 - 1e-6
"""From which an explanation counts as exact: a thousandth of the discrepancy, as a norm, is left. What was fitted or
chosen has to be: a factor or a constant also comes near to what it does not explain, as where a saturated layer makes
rows nearly equal."""

_MOST_CHANCE = math.log(1e-4)
"""Of a proposal to fit a random claim as well: some thirty are tried, so one in hundreds is named wrongly."""

_MOST_CHANCE_OF_INEXACT = math.log(1e-8)
"""The same of what is not exact: many entries have to speak for it."""

_CONTRADICTED = 0.3
"""Share of its own discrepancy by which an entry may miss the prediction before it speaks against it."""

_MOST_CONTRADICTED = 0.1
"""Share of the entries that may: a few can be wrong in other ways besides."""

_CLEAR = 4.0
"""Times its error bar that an entry has to be off by to speak against anything: bars are estimates."""


def fit(facts: Facts, proposal: Proposal) -> float | None:
    """The share of the squared discrepancy that a proposal explains, or None where it is no explanation.

    Each entry that the mistake would change says by itself how unlikely it is that chance does the same: by the ratio
    of what remains to what is explained, never finer than its error bar. What was fitted is paid for with the entries
    that say most; choices are paid for with their number.
    """
    usable = facts.known & np.isfinite(proposal.predicted)
    remaining: Array = np.where(usable, facts.claimed - proposal.predicted, facts.discrepancy)
    largest = float(np.max(np.abs(facts.discrepancy), initial=0.0))
    if largest == 0.0 or not np.all(np.isfinite(remaining[facts.known])):
        return None
    explained = share_explained(facts.discrepancy, np.where(facts.known, remaining, 0.0))
    exact = explained > _EXACT or _is_noise(facts, remaining)
    if not explained > LEAST_FIT or not (exact or proposal.freedom == 0 == proposal.ways):
        return None
    if proposal.place is None:
        size = np.maximum(np.abs(facts.discrepancy), np.abs(proposal.predicted - facts.numeric))
        judged = usable & (size > facts.error)
    else:
        inside = facts.discrepancy[proposal.place & facts.known]
        size = np.full(remaining.shape, largest * math.sqrt(float(np.mean((inside / largest) ** 2))))
        judged = usable & ~proposal.place
    if not judged.any():  # nothing speaks for a place that is everything, and of a single number nothing can
        return explained if proposal.place is not None and facts.claimed.size == 1 else None
    left, scale, error = np.abs(remaining[judged]), size[judged], facts.error[judged]
    contradicting = (left > _CONTRADICTED * scale) & (left > _CLEAR * error)
    if np.mean(contradicting) > _MOST_CONTRADICTED:
        return None
    tiny = np.finfo(np.float64).tiny
    ratios = np.log(np.clip(np.maximum(left, error) / scale, tiny, 1.0))
    chance = float(np.sum(np.sort(ratios)[proposal.freedom :])) + proposal.ways
    return explained if chance < (_MOST_CHANCE if exact else _MOST_CHANCE_OF_INEXACT) else None


def share_explained(discrepancy: Array, remaining: Array) -> float:
    """One less the ratio of the squares, without overflow or underflow on the way."""
    largest = float(np.max(np.abs(discrepancy), initial=0.0))
    if largest == 0.0:
        return 0.0
    return 1.0 - float(np.sum((remaining / largest) ** 2)) / float(np.sum((discrepancy / largest) ** 2))


def _is_noise(facts: Facts, remaining: Array) -> bool:
    """Whether error bars explain what remains."""
    left, noise = np.abs(remaining[facts.known]), facts.error[facts.known]
    largest = max(float(np.max(left, initial=0.0)), float(np.max(noise, initial=0.0)))
    if largest == 0.0:
        return True
    return float(np.sum((left / largest) ** 2)) <= _CLEAR**2 * float(np.sum((noise / largest) ** 2))

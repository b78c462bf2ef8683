"""Whether a proposal explains a discrepancy, or fits no better than chance would."""

import math

import numpy as np

from ..numerics.norms import norm
from .facts import Array, Facts, Mask, Proposal

LEAST_FIT = 0.99
"""A proposal has to explain more than this share of the squared discrepancy."""

BEYOND_NOISE = 4.0
"""An entry that is off by more than this many error bars is wrong; less is not evidence, since bars are estimates."""

_EXACT = 1.0 - 1e-6
"""A proposal that explains more than this leaves at most a thousandth of the discrepancy, as a norm. One that fits a
number or is one of several has to: a factor or a constant also comes near to what it does not explain, such as rows
that a saturated layer makes nearly equal."""

_LOG_CHANCE = math.log(1e-4)
"""An exact proposal may fit a random claim with this probability: some thirty are tried, so that about one random
claim in 300 is given a name."""

_LOG_CHANCE_IF_INEXACT = math.log(1e-8)
"""The same for a proposal that is not exact, for which many entries have to speak."""

_CONTRADICTED = 0.3
"""An entry that misses the prediction by more than this share of its own discrepancy speaks against a proposal."""

_MOST_CONTRADICTED = 0.1
"""At most this share of the entries may speak against a proposal: a few can be wrong in other ways as well."""


def measure_fit(facts: Facts, proposal: Proposal) -> float | None:
    """The share of the squared discrepancy that a proposal explains, or None if it is not an explanation.

    Each entry that the mistake would change says how unlikely it is that chance does the same: the ratio of what
    remains to what is explained, but never less than its error bar allows. A fitted number costs the entry that says
    most, and a proposal that was one of several costs their number.
    """
    usable = facts.known & np.isfinite(proposal.predicted)
    remaining: Array = np.where(usable, facts.claimed - proposal.predicted, facts.discrepancy)
    if not facts.discrepancy.any() or not np.all(np.isfinite(remaining[facts.known])):
        return None
    explained = share_explained(facts.discrepancy, np.where(facts.known, remaining, 0.0))
    exact = explained > _EXACT or _is_noise(remaining[facts.known], facts.error[facts.known])
    if not explained > LEAST_FIT or not (exact or proposal.fitted == 0 == proposal.log_choices):
        return None
    telling, size = _find_telling_entries(facts, proposal, usable)
    if not telling.any():  # nothing speaks for a place that is all of a parameter, unless that is a single number
        return explained if proposal.place is not None and facts.claimed.size == 1 else None
    left, size, error = np.abs(remaining[telling]), size[telling], facts.error[telling]
    if np.mean((left > _CONTRADICTED * size) & (left > BEYOND_NOISE * error)) > _MOST_CONTRADICTED:
        return None
    ratios = np.log(np.clip(np.maximum(left, error) / size, np.finfo(np.float64).tiny, 1.0))
    log_chance = float(np.sum(np.sort(ratios)[proposal.fitted :])) + proposal.log_choices
    return explained if log_chance < (_LOG_CHANCE if exact else _LOG_CHANCE_IF_INEXACT) else None


def share_explained(discrepancy: Array, remaining: Array) -> float:
    """The share of a squared discrepancy that is explained if this much of it remains."""
    size = norm(discrepancy.ravel())
    left = norm(remaining.ravel()) / size if size else 1.0
    return 1.0 - left * left  # the power operator would raise on overflow


def find_coefficient(target: Array, term: Array, known: Mask) -> float:
    """The multiple of a term that is nearest to a target, by least squares; NaN if the term is zero.

    The target has to be zero where it is not known.
    """
    here: Array = np.where(known, term, 0.0)
    largest = float(np.max(np.abs(here), initial=0.0))
    if largest == 0.0:
        return math.nan
    unit = here / largest
    return float(np.sum(target / largest * unit) / np.sum(unit * unit))


def _find_telling_entries(facts: Facts, proposal: Proposal, usable: Mask) -> tuple[Mask, Array]:
    """The entries that speak for a proposal if they are as it predicts, and how far off they are without it."""
    if proposal.place is None:
        size: Array = np.maximum(np.abs(facts.discrepancy), np.abs(proposal.predicted - facts.numeric))
        return usable & (size > facts.error), size
    inside = facts.discrepancy[proposal.place & facts.known]
    usual = norm(inside) / math.sqrt(max(inside.size, 1))
    return usable & ~proposal.place, np.full(facts.claimed.shape, usual)


def _is_noise(remaining: Array, error: Array) -> bool:
    """Whether the error bars explain what remains."""
    return norm(remaining) <= BEYOND_NOISE * norm(error)

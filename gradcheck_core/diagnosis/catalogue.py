"""The known mistakes, simplest first, and the one that explains a wrong gradient."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..numerics.norms import norm
from ..report.records import Diagnosis
from . import sentences, wrong_order, wrong_places, wrong_terms, wrong_values
from .facts import Facts, Mistake, Proposal
from .fit import LEAST_FIT, measure_fit, share_explained

CATALOGUE = (
    Mistake("zero", wrong_values.propose_zero),
    Mistake("sign_flipped", wrong_values.propose_sign_flip),
    Mistake("scaled", wrong_values.propose_whole_factor),
    Mistake("transposed", wrong_order.propose_transpose),
    Mistake("reversed", wrong_order.propose_reversal),
    Mistake("shifted", wrong_order.propose_shift),
    Mistake("swapped", wrong_order.propose_swap),
    Mistake("single_entry", wrong_places.propose_single_entry),
    Mistake("scaled", wrong_values.propose_factor),
    Mistake("reduction", wrong_order.propose_reduction),
    Mistake("offset", wrong_terms.propose_offset),
    Mistake("weight_decay", wrong_terms.propose_weight_decay),
    Mistake("l1", wrong_terms.propose_l1),
    Mistake("permuted", wrong_order.propose_permutation),
    Mistake("partial", wrong_places.propose_places),
    Mistake("offset", wrong_terms.propose_offsets),
)
"""Mistakes that fit no number come first, then those that fit one, and last those that choose an order, places or a
row of constants."""

_SHARED = tuple(
    mistake
    for mistake in CATALOGUE
    if mistake.kind in ("zero", "sign_flipped", "scaled", "weight_decay", "l1")
)  # fmt: skip
"""Mistakes that several parameters can have in common."""

_WORTH_A_LOOK = 10.0
"""A discrepancy is looked at if it is more than this many error bars, as norms: noise alone then leaves at most a
hundredth of its square unexplained, which is what a fit of 0.99 allows."""

_BLURRED = 0.1
"""An entry is looked at if its error bar is at most this share of the largest discrepancy."""

_MOST_PARAMETERS = 100
"""At most this many parameters are looked at one by one, those nearest to the cost: each takes milliseconds, and
nobody reads more."""


def diagnose(wrong: Sequence[Facts]) -> dict[str, Diagnosis]:
    """Name the likely mistake in each of the wrong parameters, where one is known.

    Parameters
    ----------
    wrong : sequence of Facts
        All wrong parameters of a check in theta's order, with distinct names, so that a shared mistake is seen.
    """
    with np.errstate(
        all="ignore"
    ):  # numbers at the ends of the range overflow, and what is not finite explains nothing
        clear = [seen for facts in wrong if (seen := _select_clear(facts)) is not None]
        found = _explain_together(clear)
        for facts in clear[-_MOST_PARAMETERS:] if not found else ():
            own = _explain(facts)
            if own is not None:
                found[facts.name] = own
    return found


def diagnose_zero_claim(name: str) -> Diagnosis:
    """The diagnosis of a claim that is wrong and zero throughout, for which nothing has to be measured."""
    return Diagnosis("zero", sentences.ZERO.about(name), 1.0)


def _select_clear(facts: Facts) -> Facts | None:
    """The entries far enough above their error bars to be looked at; None if the discrepancy as a whole is not."""
    known = facts.known & np.isfinite(facts.claimed) & np.isfinite(facts.numeric) & np.isfinite(facts.error)
    away = np.abs(np.where(known, facts.claimed - facts.numeric, 0.0))
    known &= facts.error <= _BLURRED * np.max(away, initial=0.0)
    if not norm(away[known]) > _WORTH_A_LOOK * norm(facts.error[known]):
        return None
    return replace(facts, known=known)


def _explain(facts: Facts) -> Diagnosis | None:
    for mistake in CATALOGUE:
        for proposal in mistake.propose(facts):
            share = measure_fit(facts, proposal)
            if share is not None:
                return Diagnosis(mistake.kind, proposal.sentence.about(facts.name), share)
    return None


def _explain_together(wrong: Sequence[Facts]) -> dict[str, Diagnosis]:
    """One mistake in all wrong parameters: it is made before their ways part, in the derivative of the loss."""
    if len(wrong) < 2:
        return {}
    joined = _join(wrong)
    for mistake in _SHARED:
        for proposal in mistake.propose(joined):
            shares = _measure_fits(joined, proposal, [int(np.sum(facts.known)) for facts in wrong])
            if shares is not None:
                shared = sentences.describe_sharing(mistake.kind, len(wrong))
                return {
                    facts.name: Diagnosis(mistake.kind, proposal.sentence.about(facts.name, shared), share)
                    for facts, share in zip(wrong, shares, strict=True)
                }
    return {}


def _join(wrong: Sequence[Facts]) -> Facts:
    """The known entries of several parameters, laid end to end."""
    thetas = [facts.theta[facts.known] for facts in wrong if facts.theta is not None]
    claimed = np.concatenate([facts.claimed[facts.known] for facts in wrong])
    return Facts(
        name="",
        claimed=claimed,
        numeric=np.concatenate([facts.numeric[facts.known] for facts in wrong]),
        error=np.concatenate([facts.error[facts.known] for facts in wrong]),
        known=np.ones(claimed.shape, dtype=np.bool_),
        theta=np.concatenate(thetas) if len(thetas) == len(wrong) else None,
    )


def _measure_fits(joined: Facts, proposal: Proposal, sizes: Sequence[int]) -> list[float] | None:
    """The share that a proposal explains of each parameter; None unless it explains all of them."""
    if measure_fit(joined, proposal) is None:
        return None
    splits = np.cumsum(sizes)[:-1]
    remaining = np.split(joined.claimed - proposal.predicted, splits)
    away = np.split(joined.discrepancy, splits)
    shares = [share_explained(own, left) for own, left in zip(away, remaining, strict=True)]
    return shares if min(shares) > LEAST_FIT else None

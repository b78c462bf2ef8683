"""The known mistakes, simplest first, and the one that explains a wrong gradient."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..report.records import Diagnosis
from ..report.words import safe
from . import order, places, terms, values
from .facts import Facts, Mistake, Proposal
from .weighing import LEAST_FIT, fit, share_explained

CATALOGUE = (
    Mistake("zero", values.zero),
    Mistake("sign_flipped", values.sign_flipped),
    Mistake("scaled", values.scaled_by_whole),
    Mistake("transposed", order.transposed),
    Mistake("reversed", order.reversed_along),
    Mistake("shifted", order.shifted),
    Mistake("swapped", order.swapped),
    Mistake("single_entry", places.single_entry),
    Mistake("scaled", values.scaled),
    Mistake("reduction", order.reduction),
    Mistake("offset", terms.offset),
    Mistake("weight_decay", terms.weight_decay),
    Mistake("l1", terms.l1),
    Mistake("permuted", order.permuted),
    Mistake("partial", places.partial),
    Mistake("offset", terms.offset_by_slice),
)
"""Nothing is fitted in the first; then come single numbers, then orders, places and whole rows of constants."""

_SHARED = (
    Mistake("zero", values.zero),
    Mistake("sign_flipped", values.sign_flipped),
    Mistake("scaled", values.scaled_by_whole),
    Mistake("scaled", values.scaled),
    Mistake("weight_decay", terms.weight_decay),
    Mistake("l1", terms.l1),
)
"""Those that several parameters can have in common."""

_CLEAR = 10.0
"""Times its error bars, as norms, that a discrepancy has to be for a fit of 0.99 to mean anything: noise alone then
leaves no more than a hundredth of the square unexplained."""

_BLURRED = 0.1
"""Share of the largest discrepancy that an entry's error bar may have for the entry to be looked at."""

_MOST = 100
"""Parameters that are looked at one by one, from the cost on: nobody reads more, and each takes milliseconds."""


def diagnose(wrong: Sequence[Facts]) -> dict[str, Diagnosis]:
    """The likely mistake in each of the wrong parameters, by name, where one is known.

    Parameters
    ----------
    wrong : sequence of Facts
        All wrong parameters of a check in theta's order, so that a mistake that they share is seen; their names
        distinct.
    """
    with np.errstate(all="ignore"):  # of entries at the ends of the range; what is not finite explains nothing
        clear = [seen for facts in wrong if (seen := _clear(facts)) is not None]
        found = _in_common(clear)
        for facts in clear[-_MOST:] if not found else ():
            own = _explained(facts, CATALOGUE)
            if own is not None:
                found[facts.name] = own
    return found


def nothing_came(name: str) -> Diagnosis:
    """Of a claim that is wrong and zero throughout, which needs no measurement to be seen."""
    what, look = values.NOTHING_CAME
    return Diagnosis("zero", f"`{safe(name)}`: {what}; {look}", 1.0)


def _clear(facts: Facts) -> Facts | None:
    """What is far enough above its error bars to be looked at; None where the discrepancy as a whole is not."""
    known = facts.known & np.isfinite(facts.claimed) & np.isfinite(facts.numeric) & np.isfinite(facts.error)
    away = np.abs(np.where(known, facts.claimed - facts.numeric, 0.0))
    largest = float(np.max(away, initial=0.0))
    known &= facts.error <= _BLURRED * largest
    if largest == 0.0 or not known.any():
        return None
    size, noise = (float(np.sum((values[known] / largest) ** 2)) ** 0.5 for values in (away, facts.error))
    if not size > _CLEAR * noise:
        return None
    return replace(facts, known=known)


def _explained(facts: Facts, catalogue: Sequence[Mistake]) -> Diagnosis | None:
    for mistake in catalogue:
        for proposal in mistake.proposals(facts):
            share = fit(facts, proposal)
            if share is not None:
                return Diagnosis(mistake.kind, _sentence(facts.name, proposal), share)
    return None


def _in_common(wrong: Sequence[Facts]) -> dict[str, Diagnosis]:
    """One mistake in all wrong parameters: it is made before their ways part, in the cost's own derivative."""
    if len(wrong) < 2:
        return {}
    joined = _joined(wrong)
    for mistake in _SHARED:
        for proposal in mistake.proposals(joined):
            shares = _shares(joined, proposal, [int(np.sum(facts.known)) for facts in wrong])
            if shares is not None:
                return {
                    facts.name: Diagnosis(
                        mistake.kind, _sentence(facts.name, proposal, _alike(mistake, len(wrong))), share
                    )
                    for facts, share in zip(wrong, shares, strict=True)
                }
    return {}


def _joined(wrong: Sequence[Facts]) -> Facts:
    """What is known of several parameters, laid end to end."""
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


def _shares(joined: Facts, proposal: Proposal, sizes: Sequence[int]) -> list[float] | None:
    """What a proposal explains of each part, or None where it does not explain all of them."""
    if fit(joined, proposal) is None:
        return None
    splits = np.cumsum(sizes)[:-1]
    remaining = np.split(joined.claimed - proposal.predicted, splits)
    away = np.split(joined.discrepancy, splits)
    shares = [share_explained(of_it, left) for of_it, left in zip(away, remaining, strict=True)]
    return shares if min(shares) > LEAST_FIT else None


def _sentence(name: str, proposal: Proposal, alike: str = "") -> str:
    return f"`{safe(name)}`: {proposal.what}{alike}; {proposal.look}"


def _alike(mistake: Mistake, count: int) -> str:
    where = ", so look at the derivative of the loss" if mistake.kind in ("zero", "sign_flipped", "scaled") else ""
    return f" (the same in all {count} wrong parameters{where})"

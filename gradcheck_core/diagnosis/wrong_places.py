"""Mistakes in some places only: an entry, some rows, columns or steps, a diagonal or a triangle."""

import math
from collections.abc import Iterator

import numpy as np

from . import sentences
from .facts import Extent, Facts, Mask, Mistake, Proposal
from .fit import BEYOND_NOISE, measure_fit
from .wrong_values import find_factor, propose_factor, propose_sign_flip, propose_whole_factor, propose_zero

_SLIGHT = 1e-3
"""An entry whose relative discrepancy is below this share of the largest counts as right."""

_WITHIN_SLICES = (
    (Mistake("zero", propose_zero), sentences.ZERO_WITHIN),
    (Mistake("sign_flipped", propose_sign_flip), sentences.SIGN_FLIPPED_WITHIN),
    (Mistake("scaled", propose_whole_factor), sentences.SCALED_WITHIN),
    (Mistake("scaled", propose_factor), sentences.SCALED_WITHIN),
)
"""What the entries of the wrong slices may have in common, and how the sentence says it."""


def propose_single_entry(facts: Facts) -> Iterator[Proposal]:
    """One wrong entry among right ones, or the only entry."""
    wrong = _find_wrong(facts)
    if facts.extent is Extent.SAMPLE or (np.sum(wrong) != 1 and facts.claimed.size != 1):
        return
    index = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.any() else (0,) * wrong.ndim
    claimed, numeric = float(facts.claimed[index]), float(facts.numeric[index])
    times = f" (the claim is {claimed / numeric:.6g} times the numeric value)" if numeric and claimed else ""
    sentence = sentences.SINGLE_ENTRY if facts.claimed.size > 1 else sentences.ONLY_ENTRY
    shown = sentences.name_entry(index, facts.parts)
    yield Proposal(
        np.where(wrong, facts.claimed, facts.numeric),
        sentence.fill(index=shown, claimed=claimed, numeric=numeric, times=times),
        log_choices=math.log(facts.claimed.size),
        place=wrong,
    )


def propose_places(facts: Facts) -> Iterator[Proposal]:
    """Some wrong rows, columns, channels or steps, a wrong diagonal or triangle, smallest first."""
    wrong = _find_wrong(facts)
    if facts.extent is Extent.SAMPLE or not wrong.any():
        return
    yield from sorted((*_propose_slices(facts, wrong), *_propose_diagonals(facts, wrong)), key=_count_entries)


def _count_entries(proposal: Proposal) -> int:
    return int(np.sum(proposal.place)) if proposal.place is not None else proposal.predicted.size


def _propose_slices(facts: Facts, wrong: Mask) -> Iterator[Proposal]:
    axes, sizes = range(wrong.ndim), wrong.shape
    chosen = [np.flatnonzero(wrong.any(axis=tuple(a for a in axes if a != axis))) for axis in axes]
    confined = [axis for axis in axes if chosen[axis].size < sizes[axis]]
    if confined:
        box = np.ix_(*chosen)
        place = np.zeros_like(wrong)
        place[box] = True
        where = " of ".join(_name_slices(facts, axis, chosen[axis]) for axis in confined)
        log_choices = sum(_log_combinations(sizes[axis], chosen[axis].size) for axis in confined)
        yield _propose_place(facts, place, f"{where}{_describe_entries(facts.within(box))}", log_choices)


def _propose_diagonals(facts: Facts, wrong: Mask) -> Iterator[Proposal]:
    if wrong.ndim != 2 or wrong.shape[0] != wrong.shape[1] or facts.parts:
        return
    rows, columns = np.indices(wrong.shape)
    patterns = {
        "on the diagonal": rows == columns,
        "above the diagonal": rows < columns,
        "below the diagonal": rows > columns,
        "off the diagonal": rows != columns,
    }
    for where, place in patterns.items():
        if np.all(place | ~wrong):
            yield _propose_place(facts, place, where, math.log(len(patterns)))


def _propose_place(facts: Facts, place: Mask, where: str, log_choices: float) -> Proposal:
    predicted = np.where(place, facts.claimed, facts.numeric)
    return Proposal(predicted, sentences.SOME_PLACES.fill(where=where), log_choices=log_choices, place=place)


def _find_wrong(facts: Facts) -> Mask:
    away = np.abs(facts.discrepancy)
    clear = away > BEYOND_NOISE * facts.error
    sizes = np.maximum(np.abs(np.where(facts.known, facts.claimed, 0.0)), np.abs(facts.numeric))
    relative = np.divide(away, sizes, out=np.zeros_like(away), where=clear & (sizes > 0.0))
    return np.asarray(clear & (relative > _SLIGHT * np.max(relative, initial=0.0)))


def _describe_entries(facts: Facts) -> str:
    """What the entries of the wrong slices have in common, if anything."""
    for mistake, words in _WITHIN_SLICES:
        if any(measure_fit(facts, proposal) is not None for proposal in mistake.propose(facts)):
            return f", where the claimed entries are {words.format(factor=find_factor(facts))}"
    return ""


def _name_slices(facts: Facts, axis: int, indices: np.ndarray) -> str:
    if facts.parts and axis == facts.claimed.ndim - 1:
        return f"in the {('real', 'imaginary')[int(indices[0])]} parts"
    return sentences.name_slices(indices, axis, len(facts.axes))


def _log_combinations(size: int, chosen: int) -> float:
    return math.lgamma(size + 1) - math.lgamma(chosen + 1) - math.lgamma(size - chosen + 1)

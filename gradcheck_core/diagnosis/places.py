"""Mistakes in some places only: an entry, some rows, columns or steps."""

import math
from collections.abc import Iterator

import numpy as np

from . import values
from .facts import Extent, Facts, Mask, Mistake, Proposal
from .weighing import fit

_CLEAR = 4.0
"""Times its error bar that an entry has to be off by to be one of the wrong ones: bars are estimates."""

_SLIGHT = 1e-3
"""Of the largest relative discrepancy, below which an entry counts as one of the right ones."""

_WITHIN = (
    (Mistake("zero", values.zero), "zero"),
    (Mistake("sign_flipped", values.sign_flipped), "of the wrong sign"),
    (Mistake("scaled", values.scaled_by_whole), "{factor:.6g} times the numeric ones"),
    (Mistake("scaled", values.scaled), "{factor:.6g} times the numeric ones"),
)

_ONE_OF_MANY = "look at what is special there: a boundary, an index, a mask, or an assignment that should add"
_ONLY_ENTRY = ("its one entry", "write its rule down and compare: a factor, a term or a sum may be missing or too much")

_NAMES = {1: (("entry", "entries"),), 2: (("row", "rows"), ("column", "columns"))}


def single_entry(facts: Facts) -> Iterator[Proposal]:
    """One entry, or the only one."""
    wrong = _wrong(facts)
    if facts.extent is Extent.SAMPLE or (np.sum(wrong) != 1 and facts.claimed.size != 1):
        return
    index = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.any() else (0,) * wrong.ndim
    claimed, numeric = float(facts.claimed[index]), float(facts.numeric[index])
    shown, advice = (f"only entry {_entry(facts, index)}", _ONE_OF_MANY) if facts.claimed.size > 1 else _ONLY_ENTRY
    yield Proposal(
        np.where(wrong, facts.claimed, facts.numeric),
        f"{shown} is wrong: claimed {claimed:.6g}, numeric {numeric:.6g}{_ratio(claimed, numeric)}",
        advice,
        ways=math.log(facts.claimed.size),
        place=wrong,
    )


def partial(facts: Facts) -> Iterator[Proposal]:
    """Some rows, columns, channels or steps, a diagonal or a triangle, and the rest right."""
    wrong = _wrong(facts)
    if facts.extent is Extent.SAMPLE or not wrong.any():
        return
    yield from sorted((*_in_slices(facts, wrong), *_by_the_diagonal(facts, wrong)), key=_size)


def _size(proposal: Proposal) -> int:
    return int(np.sum(proposal.place)) if proposal.place is not None else proposal.predicted.size


def _in_slices(facts: Facts, wrong: Mask) -> Iterator[Proposal]:
    axes = range(wrong.ndim)
    chosen = [np.flatnonzero(wrong.any(axis=tuple(a for a in axes if a != axis))) for axis in axes]
    sizes = wrong.shape
    confined = [axis for axis in axes if chosen[axis].size < sizes[axis]]
    if confined:
        box = np.ix_(*chosen)
        place = np.zeros_like(wrong)
        place[box] = True
        where = " of ".join(_slices(facts, axis, chosen[axis]) for axis in confined)
        ways = sum(_choices(sizes[axis], chosen[axis].size) for axis in confined)
        yield _confined(facts, place, f"{where}{_what_there(facts.within(box))}", ways)


def _by_the_diagonal(facts: Facts, wrong: Mask) -> Iterator[Proposal]:
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
            yield _confined(facts, place, where, math.log(len(patterns)))


def _confined(facts: Facts, place: Mask, where: str, ways: float) -> Proposal:
    return Proposal(
        np.where(place, facts.claimed, facts.numeric),
        f"wrong only {where}; the rest is right",
        "look at what is special there: a mask, a slice, a boundary, a step that is left out",
        ways=ways,
        place=place,
    )


def _wrong(facts: Facts) -> Mask:
    away = np.abs(facts.discrepancy)
    clear = away > _CLEAR * facts.error
    sizes = np.maximum(np.abs(np.where(facts.known, facts.claimed, 0.0)), np.abs(facts.numeric))
    relative = np.divide(away, sizes, out=np.zeros_like(away), where=clear & (sizes > 0.0))
    return np.asarray(clear & (relative > _SLIGHT * np.max(relative, initial=0.0)))


def _what_there(facts: Facts) -> str:
    for mistake, said in _WITHIN:
        if any(fit(facts, proposal) is not None for proposal in mistake.proposals(facts)):
            return f", where the claimed entries are {said.format(factor=values.factor_of(facts))}"
    return ""


def _ratio(claimed: float, numeric: float) -> str:
    return f" ({claimed / numeric:.6g} times)" if numeric and claimed else ""


def _entry(facts: Facts, index: tuple[int, ...]) -> str:
    if not facts.parts:
        return str(list(index))
    return f"{list(index[:-1])}.{('real', 'imag')[index[-1]]}"


def _slices(facts: Facts, axis: int, indices: np.ndarray) -> str:
    if facts.parts and axis == facts.claimed.ndim - 1:
        return f"in the {('real', 'imaginary')[int(indices[0])]} parts"
    listed = _listed(indices)
    if len(facts.axes) > 2:
        return f"at {listed} of axis {axis}"
    name, names = _NAMES[len(facts.axes)][axis]
    return f"in {names if indices.size > 1 else name} {listed}"


def _listed(indices: np.ndarray) -> str:
    """Indices as ranges, a few of them: ``0-3, 7``."""
    starts = np.flatnonzero(np.diff(indices, prepend=indices[0] - 2) != 1)
    runs = [(int(run[0]), int(run[-1])) for run in np.split(indices, starts[1:])]
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:5]]
    return ", ".join(shown) + (f" and {len(runs) - 5} more ranges" if len(runs) > 5 else "")


def _choices(size: int, chosen: int) -> float:
    return math.lgamma(size + 1) - math.lgamma(chosen + 1) - math.lgamma(size - chosen + 1)

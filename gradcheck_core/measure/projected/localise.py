"""From a direction along which a gradient is wrong to the entries that are: by moving halves of what moved."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import final

from .walk import Stretch

_LEAF = 4
"""Entries from which each is measured by itself: two more halvings would cost no less."""

_DENSE = 3
"""Halvings in a row with both halves wrong, that is eight eighths, from which all of it is taken to be wrong."""

_SAMPLE = 8
"""Entries that then have to be wrong one by one."""

_MOST_OPEN = 32
"""Ranges of one parameter, looked at or waiting to be, beyond which places are no longer told apart one by one."""

_MOST_NARROWED = 8
"""Parameters that are searched for the place; where more are wrong the cause is none of their entries."""

_FAINT = 4.0
"""Times its error bar below which a discrepancy that was only inferred is measured."""


@final
@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """By how much the cost and the claimed gradient differ along stretches of a direction, and how far off that is."""

    value: float
    error: float

    @property
    def is_there(self) -> bool:
        """Whether the error bar does not explain it."""
        return not abs(self.value) <= self.error

    def less(self, part: "Seen") -> "Seen":
        """What remains for the rest, since a slope is the sum of those of its parts."""
        return Seen(self.value - part.value, self.error + part.error)


Measure = Callable[[tuple[Stretch, ...]], Seen]
"""From stretches to the discrepancy along one direction where only they move."""


@final
@dataclass(frozen=True, slots=True)
class Located:
    """What was found.

    Attributes
    ----------
    looked_at : tuple of Stretch
        Of which every entry was measured by itself.
    all_wrong : tuple of (Stretch, Seen)
        Of which all entries are taken to be wrong, since all halves of halves and all sampled entries are.
    not_narrowed : tuple of (Stretch, Seen)
        In which something is wrong, where there was too much to find out what, or not evaluations enough.
    undivided : tuple of Stretch
        Several parameters, of which some are wrong, where the evaluations did not suffice to tell them apart.
    """

    looked_at: tuple[Stretch, ...] = ()
    all_wrong: tuple[tuple[Stretch, Seen], ...] = ()
    not_narrowed: tuple[tuple[Stretch, Seen], ...] = ()
    undivided: tuple[Stretch, ...] = ()

    @property
    def ranges(self) -> tuple[tuple[Stretch, Seen], ...]:
        """Those of which not every entry was measured, with the discrepancy that a direction shows there."""
        return self.all_wrong + self.not_narrowed

    @property
    def places(self) -> tuple[Stretch, ...]:
        """All of them."""
        return (*self.looked_at, *(stretch for stretch, _ in self.ranges), *self.undivided)

    def and_then(self, more: "Located") -> "Located":
        """These and what was found afterwards."""
        return Located(
            self.looked_at + more.looked_at,
            self.all_wrong + more.all_wrong,
            self.not_narrowed + more.not_narrowed,
            self.undivided + more.undivided,
        )


@final
@dataclass(frozen=True, slots=True, order=True)
class _Node:
    """Stretches in which something is wrong; the largest discrepancy comes first."""

    priority: float
    tie: int
    seen: Seen = field(compare=False)
    along: tuple[Stretch, ...] = field(compare=False)
    both_wrong: int = field(compare=False, default=0)


def localise(
    total: Seen,
    along: tuple[Stretch, ...],
    measure: Measure,
    wrong_at: Callable[[Stretch, int], bool],
    affordable: Callable[[int], bool],
) -> Located:
    """Find the places that make up a discrepancy.

    What moved is halved, first between parameters, then between the entries of one: one half is moved by itself, and
    the other half's discrepancy is what remains. Halves that the error bars explain are left. A range of which all
    halves of halves are wrong, down to eighths, is not divided further if entries sampled from it are all wrong.

    Parameters
    ----------
    total : Seen
        The discrepancy along all of it.
    along : tuple of Stretch
        What was moved.
    measure : callable
        From stretches to the discrepancy along the same direction where only they move.
    wrong_at : callable
        Measures entries of a stretch by themselves, all of them or, evenly spread, as many as its second argument
        says; whether all of these are wrong.
    affordable : callable
        Whether about so many entries or halves may still be measured.

    Returns
    -------
    Located
        Disjoint stretches.
    """
    wrong, undivided = _wrong_parameters(total, along, measure, affordable)
    found = Located(undivided=undivided)
    for position, (stretches, seen) in enumerate(sorted(wrong, key=lambda item: -abs(item[1].value))):
        if position < _MOST_NARROWED:
            found = found.and_then(_narrowed(seen, stretches, measure, wrong_at, affordable))
        else:
            found = found.and_then(Located(not_narrowed=tuple((stretch, seen) for stretch in stretches)))
    return found


def _wrong_parameters(
    total: Seen, along: tuple[Stretch, ...], measure: Measure, affordable: Callable[[int], bool]
) -> tuple[list[tuple[tuple[Stretch, ...], Seen]], tuple[Stretch, ...]]:
    """The stretches of each parameter in which something is wrong, and those that could not be told apart."""
    wrong: list[tuple[tuple[Stretch, ...], Seen]] = []
    undivided: list[Stretch] = []
    waiting = [(along, total)]
    while waiting:
        stretches, seen = waiting.pop()
        parameters = sorted({stretch.parameter for stretch in stretches})
        if len(parameters) == 1:
            wrong.append((stretches, seen))
        elif not affordable(1):
            undivided.extend(stretches)
        else:
            first = set(parameters[: len(parameters) // 2])
            left = tuple(stretch for stretch in stretches if stretch.parameter in first)
            right = tuple(stretch for stretch in stretches if stretch.parameter not in first)
            waiting.extend(half for half in _seen_in(seen, left, right, measure) if half[1].is_there)
    return wrong, tuple(undivided)


def _narrowed(
    total: Seen,
    along: tuple[Stretch, ...],
    measure: Measure,
    wrong_at: Callable[[Stretch, int], bool],
    affordable: Callable[[int], bool],
) -> Located:
    """The places in one parameter."""
    found = Located()
    order = count()
    waiting = [_Node(-abs(total.value), next(order), total, along)]
    while waiting:
        node = heapq.heappop(waiting)
        ranges = len(waiting) + len(found.looked_at) + len(found.not_narrowed)
        if ranges >= _MOST_OPEN or not affordable(_SAMPLE):
            found = found.and_then(Located(not_narrowed=tuple((stretch, node.seen) for stretch in node.along)))
            continue
        single = node.along[0] if len(node.along) == 1 else None
        if single is not None and single.size <= _LEAF:
            wrong_at(single, single.size)
            found = found.and_then(Located(looked_at=(single,)))
            continue
        together = node.both_wrong
        if single is not None and together >= _DENSE:
            if wrong_at(single, _SAMPLE):
                found = found.and_then(Located(all_wrong=((single, node.seen),)))
                continue
            together = 0
        halves = _seen_in(node.seen, *_halves(node.along), measure)
        both = together + 1 if single is not None and all(seen.is_there for _, seen in halves) else 0
        for half, seen in halves:
            if seen.is_there:
                heapq.heappush(waiting, _Node(-abs(seen.value), next(order), seen, half, both))
    return found


def _seen_in(
    seen: Seen, left: tuple[Stretch, ...], right: tuple[Stretch, ...], measure: Measure
) -> tuple[tuple[tuple[Stretch, ...], Seen], ...]:
    """Two halves, each with what is seen in it: the first is measured, the other has what remains."""
    in_left = measure(left)
    in_right = seen.less(in_left)
    if abs(in_right.value) <= _FAINT * in_right.error and in_right.error > 2 * in_left.error:
        in_right = measure(right)  # inferred many times over
    return (left, in_left), (right, in_right)


def _halves(along: tuple[Stretch, ...]) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Of one parameter's stretches."""
    if len(along) > 1:
        return along[: len(along) // 2], along[len(along) // 2 :]
    (stretch,) = along
    middle = stretch.start + stretch.size // 2
    return (
        (Stretch(stretch.parameter, stretch.start, middle),),
        (Stretch(stretch.parameter, middle, stretch.stop),),
    )


def without(along: Sequence[Stretch], places: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Stretches less some others.

    Examples
    --------
    >>> without([Stretch(0, 0, 10)], [Stretch(0, 2, 4), Stretch(0, 8, 10)])
    (Stretch(parameter=0, start=0, stop=2), Stretch(parameter=0, start=4, stop=8))
    """
    kept = []
    for stretch in along:
        start = stretch.start
        inside = sorted(place for place in places if place.parameter == stretch.parameter)
        for place in inside:
            if place.stop <= start or place.start >= stretch.stop:
                continue
            if place.start > start:
                kept.append(Stretch(stretch.parameter, start, place.start))
            start = place.stop
        if start < stretch.stop:
            kept.append(Stretch(stretch.parameter, start, stretch.stop))
    return tuple(kept)

"""From a direction along which a gradient is wrong to the wrong entries, by moving halves of what moved."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import final

from .walk import Stretch

_LEAF = 4
"""At most this many entries are measured one by one: two more halvings would cost as much."""

_DENSE = 3
"""After this many halvings in a row with both halves wrong, down to eight wrong eighths, all of it may be wrong."""

_SAMPLE = 8
"""This many entries of it then have to be wrong one by one."""

_MOST_OPEN = 32
"""With this many ranges of one parameter, finished or waiting, places are no longer told apart."""

_MOST_NARROWED = 8
"""At most this many parameters are searched for the place: if more are wrong, the cause is not in single entries."""

_FAINT = 4.0
"""A discrepancy that was only inferred is measured if it is less than this many error bars."""


@final
@dataclass(frozen=True, slots=True, order=True)
class Discrepancy:
    """By how much cost and claimed gradient differ along stretches of a direction, and how far off that may be."""

    value: float
    error: float

    @property
    def exceeds_error(self) -> bool:
        """Whether the error bar does not explain it."""
        return not abs(self.value) <= self.error

    def minus(self, part: "Discrepancy") -> "Discrepancy":
        """What remains for the other part, since a slope is the sum of the slopes of its parts."""
        return Discrepancy(self.value - part.value, self.error + part.error)


Measure = Callable[[tuple[Stretch, ...]], Discrepancy]
"""From stretches to the discrepancy along one direction if only they move."""


@final
@dataclass(frozen=True, slots=True)
class Places:
    """The places that were found, as disjoint stretches.

    In those `measured`, every entry was measured on its own. In those `all_wrong`, every entry is taken to be wrong,
    since all their parts and all sampled entries are. Those `not_narrowed` contain something wrong which was not looked
    for: there was too much of it, or there were too few evaluations. Those `undivided` are several parameters, some of
    them wrong, with too few evaluations to tell them apart.
    """

    measured: tuple[Stretch, ...] = ()
    all_wrong: tuple[tuple[Stretch, Discrepancy], ...] = ()
    not_narrowed: tuple[tuple[Stretch, Discrepancy], ...] = ()
    undivided: tuple[Stretch, ...] = ()

    @property
    def ranges(self) -> tuple[tuple[Stretch, Discrepancy], ...]:
        """The stretches not measured entry by entry, with the discrepancy that a direction shows there."""
        return self.all_wrong + self.not_narrowed

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All stretches."""
        return (*self.measured, *(stretch for stretch, _ in self.ranges), *self.undivided)

    def plus(self, more: "Places") -> "Places":
        """Add places that were found later."""
        return Places(
            self.measured + more.measured,
            self.all_wrong + more.all_wrong,
            self.not_narrowed + more.not_narrowed,
            self.undivided + more.undivided,
        )


@final
@dataclass(frozen=True, slots=True, order=True)
class _Node:
    """Stretches that contain something wrong; those with the largest discrepancy come first."""

    priority: float
    tie: int
    seen: Discrepancy = field(compare=False)
    along: tuple[Stretch, ...] = field(compare=False)
    both_wrong: int = field(compare=False, default=0)


def localise(
    total: Discrepancy,
    along: tuple[Stretch, ...],
    measure: Measure,
    wrong_at: Callable[[Stretch, int], bool],
    affordable: Callable[[int], bool],
) -> Places:
    """Find the places that make up a discrepancy.

    What moved is halved, first between parameters, then between the entries of one. One half is moved on its own, and
    what remains is the discrepancy of the other half. Halves that the error bars explain are dropped. A range is not
    divided further if all its eight eighths and all entries sampled from it are wrong.

    `wrong_at` measures as many entries of a stretch as its second argument says, evenly spread, and says whether all
    of these are wrong. `affordable` says whether this number of entries or halves may still be measured.
    """
    wrong, undivided = _divide_parameters(total, along, measure, affordable)
    found = Places(undivided=undivided)
    for position, (stretches, seen) in enumerate(sorted(wrong, key=lambda item: -abs(item[1].value))):
        if position < _MOST_NARROWED:
            found = found.plus(_narrow(seen, stretches, measure, wrong_at, affordable))
        else:
            found = found.plus(Places(not_narrowed=tuple((stretch, seen) for stretch in stretches)))
    return found


def _divide_parameters(
    total: Discrepancy, along: tuple[Stretch, ...], measure: Measure, affordable: Callable[[int], bool]
) -> tuple[list[tuple[tuple[Stretch, ...], Discrepancy]], tuple[Stretch, ...]]:
    """Divide stretches between parameters: those of each wrong parameter, and those that could not be told apart."""
    wrong: list[tuple[tuple[Stretch, ...], Discrepancy]] = []
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
            waiting.extend(half for half in _measure_halves(seen, left, right, measure) if half[1].exceeds_error)
    return wrong, tuple(undivided)


def _narrow(
    total: Discrepancy,
    along: tuple[Stretch, ...],
    measure: Measure,
    wrong_at: Callable[[Stretch, int], bool],
    affordable: Callable[[int], bool],
) -> Places:
    """Find the places in one parameter."""
    found = Places()
    order = count()
    waiting = [_Node(-abs(total.value), next(order), total, along)]
    while waiting:
        node = heapq.heappop(waiting)
        ranges = len(waiting) + len(found.measured) + len(found.not_narrowed)
        if ranges >= _MOST_OPEN or not affordable(_SAMPLE):
            found = found.plus(Places(not_narrowed=tuple((stretch, node.seen) for stretch in node.along)))
            continue
        single = node.along[0] if len(node.along) == 1 else None
        if single is not None and single.size <= _LEAF:
            wrong_at(single, single.size)
            found = found.plus(Places(measured=(single,)))
            continue
        together = node.both_wrong
        if single is not None and together >= _DENSE:
            if wrong_at(single, _SAMPLE):
                found = found.plus(Places(all_wrong=((single, node.seen),)))
                continue
            together = 0
        halves = _measure_halves(node.seen, *_halve(node.along), measure)
        both = together + 1 if single is not None and all(seen.exceeds_error for _, seen in halves) else 0
        for half, seen in halves:
            if seen.exceeds_error:
                heapq.heappush(waiting, _Node(-abs(seen.value), next(order), seen, half, both))
    return found


def _measure_halves(
    seen: Discrepancy, left: tuple[Stretch, ...], right: tuple[Stretch, ...], measure: Measure
) -> tuple[tuple[tuple[Stretch, ...], Discrepancy], ...]:
    """Find the discrepancy of two halves: the first is measured, the other has what remains."""
    in_left = measure(left)
    in_right = seen.minus(in_left)
    if abs(in_right.value) <= _FAINT * in_right.error and in_right.error > 2 * in_left.error:
        in_right = measure(right)  # the remainder has collected the errors of several subtractions
    return (left, in_left), (right, in_right)


def _halve(along: tuple[Stretch, ...]) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Halve the stretches of one parameter."""
    if len(along) > 1:
        return along[: len(along) // 2], along[len(along) // 2 :]
    (stretch,) = along
    middle = stretch.start + stretch.size // 2
    return (
        (Stretch(stretch.parameter, stretch.start, middle),),
        (Stretch(stretch.parameter, middle, stretch.stop),),
    )


def cut_out(along: Sequence[Stretch], places: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Cut places out of stretches.

    Examples
    --------
    >>> cut_out([Stretch(0, 0, 10)], [Stretch(0, 2, 4), Stretch(0, 8, 10)])
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

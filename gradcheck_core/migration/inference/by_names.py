"""Targets whose values do not tell which they are, by shapes, names, and the order of their numbers."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ...errors import MappingError
from ..entries import Term
from ..tensors import Precision, Tensor
from .ledger import Found, Ledger, whole
from .likeness import Likeness, outputs_first
from .whole import find_permutations, find_shape_permutations

_SHOWN = 3
"""Names that a reason lists: enough to see what kind they are."""

_TIE = 1e-9
"""Scores closer than this are equal: they are sums of quotients of small whole numbers."""

Group = tuple[list[Tensor], list[Tensor]]
"""Sources and targets that may belong together, by shapes and values."""

AxesSeen = Mapping[tuple[str, str], set[tuple[int, ...]]]
"""Permutations of axes seen between weights, by their names without the layer."""


@final
@dataclass(frozen=True, slots=True)
class _Family:
    """Parameters whose names differ only in their numbers, in that order: layers of one kind."""

    likeness: Likeness
    members: tuple[Tensor, ...]

    @property
    def numbers(self) -> list[tuple[int, ...]]:
        return [Likeness.of(member.name).numbers for member in self.members]


def group_tensors(
    sources: Iterable[Tensor], targets: Iterable[Tensor], precision: Precision | None = None
) -> list[Group]:
    """Parameters by shape, whatever the order of axes; with a precision, also by the value that all entries have."""
    groups: dict[Hashable, Group] = defaultdict(lambda: ([], []))
    for side, tensors in enumerate((sources, targets)):
        for tensor in tensors:
            value = None if precision is None else precision.round(tensor.values.real.reshape(-1)[:1])[0]
            groups[tuple(sorted(tensor.values.shape)), value][side].append(tensor)
    return [group for group in groups.values() if group[0] and group[1]]


def find_by_names(ledger: Ledger, group: Group, seen: AxesSeen, *, valued: bool = True) -> None:
    """Enter the targets of a group whose names tell which source they are, and give the reason for the others.

    Targets that are found already and sources that are used are passed over. What was seen of axes decides where shapes
    and values leave it open; `valued` says whether both sides have the same values.
    """
    _find_by_equal_names(ledger, group, seen, valued=valued)
    sources = _group_families(tensor for tensor in group[0] if ledger.is_unused(tensor.name))
    targets = _group_families(tensor for tensor in group[1] if ledger.is_untouched(tensor.name))
    if not sources or not targets:
        return
    scores = np.array([[target.likeness.score(source.likeness) for source in sources] for target in targets])
    for row, target in enumerate(targets):
        rivals = [
            f"`{each.members[0].name}`" for column, each in enumerate(sources) if np.isfinite(scores[row, column])
        ]
        for member in target.members:
            ledger.reasons[member.name] = _say_undecided(rivals, valued)
    for row, column in _pair_families(scores):
        target, source = targets[row], sources[column]
        if len(target.members) != len(source.members):
            for member in target.members:
                ledger.reasons[member.name] = _say_unequal_number(target, source)
            continue
        if any(len(set(family.numbers)) < len(family.members) for family in (target, source)):
            continue  # a series whose numbers do not tell its members apart
        found_by = _say_how(target, source, float(scores[row, column]))
        for one, other in zip(source.members, target.members, strict=True):
            _enter(ledger, one, other, seen, found_by, valued)


def _find_by_equal_names(ledger: Ledger, group: Group, seen: AxesSeen, *, valued: bool) -> None:
    sources = {tensor.name: tensor for tensor in group[0]}
    for target in group[1]:
        source = sources.get(target.name)
        if source is not None and ledger.is_unused(source.name) and ledger.is_untouched(target.name):
            _enter(ledger, source, target, seen, "names", valued)


def _group_families(tensors: Iterable[Tensor]) -> list[_Family]:
    families: dict[tuple[object, ...], list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        likeness = Likeness.of(tensor.name)
        families[likeness.kind, likeness.stem].append(tensor)
    return [
        _Family(
            Likeness.of(members[0].name), tuple(sorted(members, key=lambda tensor: Likeness.of(tensor.name).numbers))
        )
        for members in families.values()
    ]


def _pair_families(scores: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """The clear pairs of the assignment of rows to columns with the largest sum of scores.

    Minus infinity is the score of what cannot be a pair. A pair is not clear if another assignment is as good: with two
    pairs crossed over, or with a row or column in its place that is in no pair.
    """
    possible = np.isfinite(scores)
    if scores.shape == (1, 1):
        return [(0, 0)] if possible.all() else []
    try:
        # SciPy is an extra; most mappings are read from values and need no assignment
        from scipy.optimize import linear_sum_assignment
    except ModuleNotFoundError as error:
        msg = (
            "`infer_mapping`: several parameters have equal shapes and values, and which is which by name is an "
            "assignment that SciPy solves; SciPy is not installed: pip install 'gradcheck[migration]'"
        )
        raise MappingError(msg) from error
    # an impossible pair is taken only if nothing else is left
    never = -(1.0 + float(np.abs(scores[possible]).sum()))
    filled = np.where(possible, scores, never)
    rows, columns = linear_sum_assignment(filled, maximize=True)
    chosen = filled[rows, columns]
    crossed = filled[np.ix_(rows, columns)]
    gain = chosen[:, None] + chosen[None, :] - crossed - crossed.T
    np.fill_diagonal(gain, np.inf)
    as_good = (gain <= _TIE).any(axis=1)
    spare_rows = np.delete(filled, rows, axis=0)[:, columns]
    spare_columns = np.delete(filled, columns, axis=1)[rows]
    for spare in (spare_rows.T, spare_columns):
        if spare.shape[1]:
            as_good |= spare.max(axis=1) >= chosen - _TIE
    clear = possible[rows, columns] & ~as_good
    return [(int(row), int(column)) for row, column in zip(rows[clear], columns[clear], strict=True)]


def _say_how(target: _Family, source: _Family, score: float) -> str:
    if len(target.members) > 1 and target.numbers != source.numbers:
        return "order"
    return "names" if score > 0 or len(target.members) > 1 else "shapes"


def _enter(ledger: Ledger, source: Tensor, target: Tensor, seen: AxesSeen, found_by: str, valued: bool) -> None:
    if not valued and source.leaf != target.leaf and (_is_fused(source.leaf) or _is_fused(target.leaf)):
        ledger.reasons[target.name] = (
            f"by its name it is `{source.name}`, whose gates or projections have an order that shapes do not show; "
            "carry the weights over, or write the entry"
        )
        return
    ways = find_shape_permutations(source.values.shape, target.values.shape)
    if valued:
        ways = find_permutations(source.values, target.values, ledger.precision)
    axes = _choose_axes(seen, source, target, ways)
    if axes is None:
        listed = " and ".join(f"axes {list(way)}" for way in ways)
        ledger.reasons[target.name] = (
            f"by its name it is `{source.name}`, and {listed} all fit; write in the mapping which it is"
            if ways
            else f"by its name it is `{source.name}`, but no permutation of axes carries that onto it"
        )
        return
    box = whole(target.values.shape)
    if ledger.claim(target.name, box, [Found(box, (Term(source.name, axes),), found_by)], valued=valued):
        ledger.reasons.pop(target.name, None)


def _is_fused(leaf: str) -> bool:
    """Whether a weight holds several gates or projections, by its name: shapes do not tell their order."""
    return any(word in leaf for word in ("_ih", "_hh", "in_proj")) and Likeness.of(leaf).kind != ""


def _choose_axes(
    seen: AxesSeen, source: Tensor, target: Tensor, among: list[tuple[int, ...]]
) -> tuple[int, ...] | None:
    """The permutation of axes between two weights, of those that values or shapes allow; None if it is not clear."""
    if len(among) <= 1:
        return among[0] if among else None
    learnt = {axes for axes in seen.get((source.leaf, target.leaf), ()) if len(axes) == source.values.ndim}
    if len(learnt) > 1:
        return None
    wanted = learnt.pop() if learnt else _find_usual_axes(source.leaf, target.leaf, source.values.ndim)
    return wanted if wanted in among else None


def _find_usual_axes(source: str, target: str, ndim: int) -> tuple[int, ...] | None:
    """The permutation of axes between two weights of these names, by convention; None if there is none.

    Outputs first is ``(out, in, *window)``, outputs last ``(*window, in, out)``.
    """
    one, other = outputs_first(source), outputs_first(target)
    is_table = "embedding" in source.lower() or "embedding" in target.lower()
    if source == target or is_table or (one is not None and one == other):
        return tuple(range(ndim))
    if one is None or other is None or ndim < 2:
        return None
    return (*range(2, ndim), 1, 0) if one else (ndim - 1, ndim - 2, *range(ndim - 2))


def _say_undecided(rivals: list[str], valued: bool) -> str:
    what = "shape and values" if valued else "shape"
    if not rivals:
        return f"no source of its {what} has a matching name"
    if len(rivals) == 1:
        return f"{rivals[0]} has its {what}, but so do other targets, and names do not tell which it is"
    shown = ", ".join(rivals[:_SHOWN]) + (f" and {len(rivals) - _SHOWN} more" if len(rivals) > _SHOWN else "")
    return f"{shown} have its {what}, and names do not tell which it is"


def _say_unequal_number(target: _Family, source: _Family) -> str:
    return (
        f"it has one of {len(target.members)} names such as `{target.members[0].name}`, but the source has "
        f"{len(source.members)} such as `{source.members[0].name}`"
    )

"""Targets whose values do not tell which they are, by shapes, names, and the order of their numbers."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from ...errors import MappingError
from ..entries import Term
from ..tensors import Precision, Tensor
from .axes import AxesSeen, choose_axes, is_fused
from .ledger import Found, Ledger, whole
from .likeness import Likeness
from .whole import find_permutations, find_shape_permutations

_SHOWN = 3
"""Names that a reason lists: enough to see what kind they are."""

Group = tuple[list[Tensor], list[Tensor]]
"""Sources and targets that may belong together, by shapes and values."""


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
            value = None if precision is None else precision.rounded(tensor.values.real.reshape(-1)[:1])[0]
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
    scores = np.array([[_score(target, source) for source in sources] for target in targets])
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
    made = []
    for members in families.values():
        ordered = sorted(members, key=lambda tensor: Likeness.of(tensor.name).numbers)
        made.append(_Family(Likeness.of(ordered[0].name), tuple(ordered)))
    return made


def _score(target: _Family, source: _Family) -> float:
    return target.likeness.score(source.likeness) if target.likeness.may_be(source.likeness) else -np.inf


def _pair_families(scores: "np.typing.NDArray[np.float64]") -> list[tuple[int, int]]:
    if scores.shape == (1, 1):
        return [(0, 0)] if np.isfinite(scores[0, 0]) else []
    try:
        # SciPy is an extra; most mappings are read from values and need no assignment
        from .assignment import find_best_pairs
    except ModuleNotFoundError as error:
        msg = (
            "`infer_mapping`: several parameters have equal shapes and values, and which is which by name is an "
            "assignment that SciPy solves; SciPy is not installed: pip install 'gradcheck[migration]'"
        )
        raise MappingError(msg) from error
    return find_best_pairs(scores)


def _say_how(target: _Family, source: _Family, score: float) -> str:
    if len(target.members) > 1 and target.numbers != source.numbers:
        return "order"
    return "names" if score > 0 or len(target.members) > 1 else "shapes"


def _enter(ledger: Ledger, source: Tensor, target: Tensor, seen: AxesSeen, found_by: str, valued: bool) -> None:
    if not valued and source.leaf != target.leaf and (is_fused(source.leaf) or is_fused(target.leaf)):
        ledger.reasons[target.name] = (
            f"by its name it is `{source.name}`, whose gates or projections are in an order that shapes do not tell; "
            "carry the weights over, or write the entry"
        )
        return
    ways = find_shape_permutations(source.values.shape, target.values.shape)
    if valued:
        ways = find_permutations(source.values, target.values, ledger.precision)
    axes = choose_axes(seen, source, target, ways)
    if axes is None:
        ledger.reasons[target.name] = (
            f"by its name it is `{source.name}`, and {_list_ways(ways)} all carry the one onto the other; write which"
            if ways
            else f"by its name it is `{source.name}`, but no permutation of axes carries that onto it"
        )
        return
    box = whole(target.values.shape)
    if ledger.claim(target.name, box, [Found(box, (Term(source.name, axes),), found_by)], valued=valued):
        ledger.reasons.pop(target.name, None)


def _say_undecided(rivals: list[str], valued: bool) -> str:
    what = "shape and values" if valued else "shape"
    if not rivals:
        return f"no source of its {what} has a name that it could have"
    if len(rivals) == 1:
        return f"{rivals[0]} has its {what}, and other targets have them too; names do not tell which it is"
    shown = ", ".join(rivals[:_SHOWN]) + (f" and {len(rivals) - _SHOWN} more" if len(rivals) > _SHOWN else "")
    return f"{shown} have its {what}, and names do not tell which it is"


def _say_unequal_number(target: _Family, source: _Family) -> str:
    return (
        f"its name is one of {len(target.members)}, as `{target.members[0].name}`, and those of the source, as "
        f"`{source.members[0].name}`, are {len(source.members)}"
    )


def _list_ways(ways: list[tuple[int, ...]]) -> str:
    return " and ".join(f"axes {list(axes)}" for axes in ways)


def find_constants(tensors: Mapping[str, Tensor], names: Iterable[str]) -> list[Tensor]:
    """The named tensors whose entries are all equal."""
    return [tensors[name] for name in names if tensors[name].is_constant]

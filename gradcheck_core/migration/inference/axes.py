"""Which axes of a weight become which: by the names that frameworks give to weights, and by what values showed."""

from collections.abc import Mapping

from ..tensors import Tensor
from .likeness import kind_of

AxesSeen = Mapping[tuple[str, str], set[tuple[int, ...]]]
"""Permutations of axes seen between weights, by their names without the layer."""

_FIRST = ("weight",)
_LAST = ("kernel",)


def outputs_first(leaf: str) -> bool | None:
    """Whether a weight's outputs are its first axis (PyTorch, Equinox) or its last (Keras, Flax); None if unknown."""
    lower = leaf.lower()
    if any(word in lower for word in _LAST):
        return False
    return True if any(word in lower for word in _FIRST) else None


def find_usual_axes(source: str, target: str, ndim: int) -> tuple[int, ...] | None:
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


def choose_axes(seen: AxesSeen, source: Tensor, target: Tensor, among: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The permutation of axes between two weights, of those that values or shapes allow; None if it is not clear."""
    if len(among) <= 1:
        return among[0] if among else None
    learnt = {axes for axes in seen.get((source.leaf, target.leaf), ()) if len(axes) == source.values.ndim}
    if len(learnt) > 1:
        return None
    wanted = learnt.pop() if learnt else find_usual_axes(source.leaf, target.leaf, source.values.ndim)
    return wanted if wanted in among else None


def is_recurrent(leaf: str) -> bool:
    """Whether a weight multiplies a state and not an input, by its name."""
    return "recurrent" in leaf.lower() or "_hh" in leaf.lower()


def is_fused(leaf: str) -> bool:
    """Whether a weight holds several gates or projections, by its name: shapes do not tell their order."""
    return any(word in leaf for word in ("_ih", "_hh", "in_proj")) and kind_of(leaf) != ""

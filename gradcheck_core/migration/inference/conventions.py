"""Where a weight has its outputs, by the frameworks' own names for weights, and how axes go from one to the other."""

from collections import defaultdict
from collections.abc import Iterable
from typing import final

from .likeness import kind_of

_FIRST = ("weight",)
_LAST = ("kernel",)


def outputs_first(leaf: str) -> bool | None:
    """Whether a weight's outputs are its first axis (PyTorch, Equinox) or its last (Keras, Flax); None if unknown."""
    lower = leaf.lower()
    if any(word in lower for word in _LAST):
        return False
    return True if any(word in lower for word in _FIRST) else None


def usual_axes(source: str, target: str, ndim: int) -> tuple[int, ...] | None:
    """The permutation of axes between two weights of these names, by convention; None where there is none.

    Outputs first is ``(out, in, *window)``, outputs last ``(*window, in, out)``.
    """
    one, other = outputs_first(source), outputs_first(target)
    is_table = "embedding" in source.lower() or "embedding" in target.lower()
    if source == target or is_table or (one is not None and one == other):
        return tuple(range(ndim))
    if one is None or other is None or ndim < 2:
        return None
    return (*range(2, ndim), 1, 0) if one else (ndim - 1, ndim - 2, *range(ndim - 2))


@final
class LearntAxes:
    """Permutations of axes seen between weights of two names, to be used where values do not tell.

    Parameters
    ----------
    seen : iterable of (str, str, tuple)
        The names of a source and of a target, without their layers, and the permutation between them.
    """

    def __init__(self, seen: Iterable[tuple[str, str, tuple[int, ...]]]) -> None:
        self._seen: defaultdict[tuple[str, str, int], set[tuple[int, ...]]] = defaultdict(set)
        for source, target, axes in seen:
            self._seen[source, target, len(axes)].add(axes)

    def between(
        self, source: tuple[str, tuple[int, ...]], target: tuple[str, tuple[int, ...]], among: list[tuple[int, ...]]
    ) -> tuple[int, ...] | None:
        """The permutation of axes between two weights, given by their own names and shapes; None where it is not clear.

        Parameters
        ----------
        among : list of tuple
            Those that values or shapes allow.
        """
        if len(among) <= 1:
            return among[0] if among else None
        learnt = self._seen[source[0], target[0], len(source[1])]
        usual = usual_axes(source[0], target[0], len(source[1]))
        clear = list(learnt) if learnt else [usual]
        return clear[0] if len(clear) == 1 and clear[0] in among else None


def is_recurrent(leaf: str) -> bool:
    """Whether a weight's name is that of the one which a state, not an input, is multiplied by."""
    return "recurrent" in leaf.lower() or "_hh" in leaf.lower()


def is_fused(leaf: str) -> bool:
    """Whether a name is that of several gates' or projections' weights in one, in an order that shapes do not tell."""
    return any(word in leaf for word in ("_ih", "_hh", "in_proj")) and kind_of(leaf) != ""

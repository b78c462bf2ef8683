"""Which of several wrong parameters to look at first: the one whose own derivative is wrong.

A mistake in the backward pass of one layer is passed on to all layers before it. So of several wrong parameters the one
nearest to the cost is the place to look, unless another has a mistake that is never passed on.
"""

import re
from collections.abc import Mapping, Sequence

from .facts import Place

NEVER_PASSED_ON = frozenset(
    {"transposed", "reversed", "shifted", "permuted", "swapped", "reduction", "weight_decay", "l1"}
)
"""Kinds of mistake that are made in a parameter's own derivative: none later in the model leaves them.

A factor, a sign or a zero is passed on to all layers before as it is, and a later mask can make rows wrong."""

_NUMBER = re.compile(r"\d+")


def choose_first_to_fix(wrong: Mapping[str, str | None], places: Sequence[Place]) -> str:
    """Choose the wrong parameter to look at first.

    Parameters
    ----------
    wrong : mapping of str to str or None
        Name to kind of mistake, None where that is not known; at least one.
    places : sequence of Place
        All parameters, in theta's order.

    Returns
    -------
    str
        The name nearest to the cost, among those with a mistake that is never passed on if there are any.

    Examples
    --------
    >>> layers = [Place(name, i) for i, name in enumerate(["1.weight", "1.bias", "2.weight", "2.bias"])]
    >>> choose_first_to_fix({"1.weight": None, "1.bias": None, "2.weight": None}, layers)
    '2.weight'
    >>> choose_first_to_fix({"1.weight": "transposed", "2.weight": None}, layers)
    '1.weight'
    """
    own = [name for name, kind in wrong.items() if kind in NEVER_PASSED_ON]
    depth = _rank_by_depth(places)
    return max(own or wrong, key=lambda name: depth[name])


def _rank_by_depth(places: Sequence[Place]) -> dict[str, tuple[tuple[int, int], ...]]:
    """For each name how near to the cost it is, level by level of its path."""
    paths = {place.name: place.name.split(".") for place in sorted(places, key=lambda place: place.position)}
    siblings: dict[tuple[str, ...], dict[str, None]] = {}
    for path in paths.values():
        for level, part in enumerate(path):
            siblings.setdefault(tuple(path[:level]), {})[part] = None
    ranks = {parent: _rank_siblings(list(parts)) for parent, parts in siblings.items()}
    return {
        name: tuple(ranks[tuple(path[:level])][part] for level, part in enumerate(path)) for name, path in paths.items()
    }


def _rank_siblings(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The order of names side by side in theta: by position, or by the numbers in them if the names are sorted.

    The keys of a JAX pytree are sorted, ``b1, b2, w1, w2``, so that their position says nothing.
    """
    numbers = [_NUMBER.findall(name) for name in names]
    by_number = list(names) == sorted(names) and all(numbers)
    return {
        name: (int(found[-1]) if by_number else 0, position)
        for position, (name, found) in enumerate(zip(names, numbers, strict=True))
    }

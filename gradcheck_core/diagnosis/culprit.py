"""Which of several wrong parameters to look at first: the one whose own rule is wrong.

A mistake in a layer's backward pass goes on to all layers before it, so of several wrong parameters the one nearest to
the cost is the place to look; unless the gradient of one has a mistake that is not passed on.
"""

import re
from collections.abc import Mapping, Sequence

from .facts import Place

OF_ITS_OWN = frozenset({"transposed", "reversed", "shifted", "permuted", "swapped", "reduction", "weight_decay", "l1"})
"""Kinds that a wrong derivative by what comes later does not leave: they are made in the parameter's own rule.

A factor, a sign or a zero is passed on to all layers before as it is; and rows can be wrong because of a later mask."""

_NUMBER = re.compile(r"\d+")


def first_to_mend(wrong: Mapping[str, str | None], places: Sequence[Place]) -> str:
    """The wrong parameter to look at first.

    Parameters
    ----------
    wrong : mapping of str to str or None
        Name to kind of mistake, as far as known; at least one.
    places : sequence of Place
        All parameters, in theta's order.

    Returns
    -------
    str
        One of the names: if there are mistakes that are not passed on, of one that has such a mistake, and among those
        the one nearest to the cost.

    Examples
    --------
    >>> layers = [Place(name, i) for i, name in enumerate(["1.weight", "1.bias", "2.weight", "2.bias"])]
    >>> first_to_mend({"1.weight": None, "1.bias": None, "2.weight": None}, layers)
    '2.weight'
    >>> first_to_mend({"1.weight": "transposed", "2.weight": None}, layers)
    '1.weight'
    """
    own = [name for name, kind in wrong.items() if kind in OF_ITS_OWN]
    depth = _depths(places)
    return max(own or wrong, key=lambda name: depth[name])


def _depths(places: Sequence[Place]) -> dict[str, tuple[tuple[int, int], ...]]:
    """For each name how near to the cost it is, level by level of its path."""
    children: dict[tuple[str, ...], list[str]] = {}
    for place in sorted(places, key=lambda place: place.position):
        path = place.name.split(".")
        for level in range(len(path)):
            siblings = children.setdefault(tuple(path[:level]), [])
            if path[level] not in siblings[-1:] and path[level] not in siblings:
                siblings.append(path[level])
    ranks = {parent: _ranks(siblings) for parent, siblings in children.items()}
    return {
        place.name: tuple(
            ranks[tuple(path[:level])][path[level]] for path in [place.name.split(".")] for level in range(len(path))
        )
        for place in places
    }


def _ranks(siblings: Sequence[str]) -> dict[str, tuple[int, int]]:
    """From what stands side by side in theta to its order: by position, or by number where that says more.

    Where names are sorted, as the keys of a JAX pytree are, their position says nothing: ``b1, b2, w1, w2``.
    """
    numbers = [_NUMBER.findall(name) for name in siblings]
    by_number = list(siblings) == sorted(siblings) and all(numbers)
    return {
        name: (int(found[-1]) if by_number else 0, position)
        for position, (name, found) in enumerate(zip(siblings, numbers, strict=True))
    }

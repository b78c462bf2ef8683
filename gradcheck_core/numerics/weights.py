"""Weights with which one direction through all parameters sees the relative error of each of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

_ALIKE = 1e3
"""The effects of parameters that move together differ by at most this factor: a more sensitive one hides others."""

_VANISHED = 1e-9
"""A gradient with less effect than this, relative to the largest, is rounding of the others or that of a saturated
unit."""


@final
@dataclass(frozen=True, slots=True)
class Sizes:
    """The norm of a parameter's claimed gradient and the scale of its entries, both absolute."""

    gradient: float
    scale: float

    @property
    def effect(self) -> float:
        """How much the cost changes if the parameter moves by its own scale."""
        return self.gradient * self.scale


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that are moved together.

    Attributes
    ----------
    weights : mapping of int to float
        By position of the parameter: how far an entry moves at t = 1 along a direction of variance 1, absolute.
    unit : float
        The t at which the parameter that moves most moves by its own scale.
    unseen : frozenset of int
        Positions of the parameters whose claimed gradient vanishes next to the others, which get another weight.
    """

    weights: Mapping[int, float]
    unit: float
    unseen: frozenset[int] = frozenset()


def weigh(sizes: Mapping[int, Sizes], cost: float) -> Sequence[Group]:
    """Group parameters and weigh each with the inverse norm of its claimed gradient.

    The inner product of a direction with ``w * (G - d_theta)`` is then a relative error, and every parameter counts
    alike. Parameters with an effect on the cost a thousand times smaller would have to leave their linear regime before
    they show next to the others, so they move on their own. If a claimed gradient vanishes, the norm of the whole
    gradient takes its place or, if that vanishes too, ``|J|`` over the scale.

    Parameters
    ----------
    sizes : mapping
        The sizes of each parameter by position.
    cost : float
        J at theta.

    Examples
    --------
    >>> groups = weigh({0: Sizes(2.0, 1.0), 1: Sizes(0.5, 1.0), 2: Sizes(2.0**-20, 1.0)}, 1.0)
    >>> [dict(group.weights) for group in groups]
    [{0: 0.5, 1: 2.0}, {2: 1048576.0}]
    """
    largest = max(size.effect for size in sizes.values())
    if largest == 0:
        natural = {i: size.scale / (abs(cost) or 1.0) for i, size in sizes.items()}
        return [_group(natural, sizes, frozenset(sizes))]
    waiting = sorted(sizes, key=lambda i: -sizes[i].effect)
    groups: list[dict[int, float]] = []
    most = math.inf
    for i in waiting:
        effect = sizes[i].effect
        if effect <= _VANISHED * largest:
            break
        if not groups or effect < most / _ALIKE:
            groups.append({})
            most = effect  # the largest effect of this group
        groups[-1][i] = 1 / sizes[i].gradient
    first = groups[0]
    whole = 1 / math.hypot(*(size.gradient for size in sizes.values()))
    farthest = max(weight / sizes[i].scale for i, weight in first.items())
    unseen = frozenset(i for i in waiting if sizes[i].effect <= _VANISHED * largest)
    for i in unseen:
        first[i] = min(whole, farthest * sizes[i].scale)
    return [_group(weights, sizes, unseen.intersection(weights)) for weights in groups]


def _group(weights: dict[int, float], sizes: Mapping[int, Sizes], unseen: frozenset[int]) -> Group:
    return Group(weights, 1 / max(weight / sizes[i].scale for i, weight in weights.items()), unseen)

"""How many evaluations a check makes: at least, usually, at most; and how many are left for finding steps."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, final

_AROUND = 12
"""Evaluations besides the sweep that every check makes: preflight, one table of noise, and one at the end."""

_TO_FIND_STEPS = 24
"""Evaluations that the steps of a few parameters take."""

LEAST_PROBING = 24
"""Evaluations for finding steps even where the sweep then goes short of some."""

_PROBING_SHARE = 0.4
"""Evaluations for finding steps and measuring truncation, for each checked coordinate."""
_PROBING_ALLOWANCE = 150

_FEW_PROBES = 8
"""Coordinates of every parameter that are probed, if it has so many, and one of so many more:"""
_PROBED_SHARE = 8

_MANY = 512
"""Coordinates from which the share that is probed falls with the root of their number: so many tell of the rest."""


CERTIFICATE_EVALUATIONS = 60
"""Evaluations of a certificate by random directions, whatever the number of coordinates."""


_UNENDING = float("inf")


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """What a check may use up.

    Attributes
    ----------
    evaluations : int or None
        Of the cost.
    deadline : float
        On the monotonic clock, in seconds.
    """

    evaluations: int | None = None
    deadline: float = _UNENDING

    @classmethod
    def starting_now(cls, evaluations: int | None, seconds: float | None) -> Self:
        """From what a check was given."""
        return cls(evaluations, _UNENDING if seconds is None else time.monotonic() + seconds)

    def left(self, used: int) -> float:
        """Evaluations left after so many; none once the time is over."""
        if self.deadline < _UNENDING and time.monotonic() >= self.deadline:
            return 0
        return _UNENDING if self.evaluations is None else max(0, self.evaluations - used)


def least_evaluations(coordinates: int) -> int:
    """How many evaluations a check makes at least."""
    return 2 * coordinates + _AROUND


def most_evaluations(coordinates: int) -> int:
    """How many evaluations a check of a right gradient makes at most, but for kinks beyond those."""
    return 5 * coordinates // 2 + 200


def expected_evaluations(sizes: Iterable[int]) -> int:
    """How many evaluations a check of a right gradient usually makes, of parameters of these sizes."""
    sizes = list(sizes)
    coordinates = sum(sizes)
    probing = _TO_FIND_STEPS + 2 * sum(map(probes, sizes))
    return least_evaluations(coordinates) + min(probing, probing_evaluations(coordinates))


def probes(size: int) -> int:
    """At how many of a parameter's coordinates truncation is measured: a few, and an eighth of those of a small one.

    Examples
    --------
    >>> [probes(size) for size in (3, 100, 512, 80_000)]
    [3, 20, 72, 808]
    """
    share = size if size < _MANY else math.sqrt(_MANY * size)
    return min(size, _FEW_PROBES + int(share / _PROBED_SHARE))


def probing_evaluations(coordinates: int) -> int:
    """How many evaluations are for finding steps and measuring truncation."""
    return _PROBING_ALLOWANCE + int(_PROBING_SHARE * coordinates)

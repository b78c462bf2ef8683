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
"""Evaluations for finding steps, even where too few are then left for the sweep."""

_PROBING_SHARE = 0.4
"""Evaluations for finding steps and measuring truncation, for each checked coordinate."""

_PROBING_ALLOWANCE = 150
"""The same, whatever the number of coordinates."""

_FEW_PROBES = 8
"""Coordinates of every parameter that are probed, or all of a smaller one."""

_PROBED_SHARE = 8
"""Besides those, one coordinate in 8 is probed."""

_MANY = 512
"""From this many coordinates on, the probed share falls with the root of their number: they tell of the rest."""

CERTIFICATE_EVALUATIONS = 60
"""Evaluations of a certificate by random directions, whatever the number of coordinates."""

_UNENDING = float("inf")


@final
@dataclass(frozen=True, slots=True)
class Tally:
    """What an evaluator has done so far.

    `evaluations` counts each theta once, `not_finite` the perturbed ones at which the cost was NaN or infinite.
    `ran_out` tells whether more was asked for than was left, and `not_batched` why the cost was evaluated one theta at
    a time although the backend has batches.
    """

    evaluations: int
    not_finite: int
    ran_out: bool
    not_batched: str | None


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """What a check may use up: evaluations of the cost, and time, until a deadline on the monotonic clock."""

    evaluations: int | None = None
    deadline: float = _UNENDING

    @classmethod
    def starting_now(cls, evaluations: int | None, seconds: float | None) -> Self:
        """The limits that a check was given; the time starts now."""
        return cls(evaluations, _UNENDING if seconds is None else time.monotonic() + seconds)

    def left(self, used: int) -> float:
        """Evaluations left after this many; none once the time is over."""
        if self.deadline < _UNENDING and time.monotonic() >= self.deadline:
            return 0
        return _UNENDING if self.evaluations is None else max(0, self.evaluations - used)


class RanOutError(Exception):
    """There is nothing left to evaluate the cost with."""


def least_evaluations(coordinates: int) -> int:
    """How many evaluations a check makes at least."""
    return 2 * coordinates + _AROUND


def most_evaluations(coordinates: int) -> int:
    """How many evaluations a check of a right gradient makes at most, except at kinks."""
    return 5 * coordinates // 2 + 200


def expected_evaluations(sizes: Iterable[int]) -> int:
    """How many evaluations a check of a right gradient usually makes, of parameters of these sizes."""
    sizes = list(sizes)
    coordinates = sum(sizes)
    probing = _TO_FIND_STEPS + 2 * sum(map(probes, sizes))
    return least_evaluations(coordinates) + min(probing, probing_evaluations(coordinates))


def probes(size: int) -> int:
    """How many of a parameter's coordinates truncation is measured at: a few, and an eighth of those of a small one.

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


def share_out(wanted: dict[int, int], left: int) -> dict[int, int]:
    """The probes of each parameter: as many as it wants or, if there are too few, as many as the others get."""
    shares = dict.fromkeys(wanted, 0)
    left = max(0, left)
    for served, i in enumerate(sorted(wanted, key=wanted.__getitem__)):
        shares[i] = min(wanted[i], left // (len(wanted) - served))
        left -= shares[i]
    return shares

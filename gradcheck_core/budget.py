"""How many evaluations a check makes: at least, usually, at most; and how many are left for finding steps."""

from typing import final

_AROUND = 12
"""Evaluations besides the sweep that every check makes: preflight, one table of noise, and one at the end."""

_PROBING_SHARE = 0.4
"""Evaluations for finding steps and measuring truncation, for each checked coordinate."""
_PROBING_ALLOWANCE = 150


@final
class Budget:
    """Evaluations that may still be spent on probing."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        """These were used."""
        self.left -= count


def least_evaluations(coordinates: int) -> int:
    """How many evaluations a check makes at least."""
    return 2 * coordinates + _AROUND


def most_evaluations(coordinates: int) -> int:
    """How many evaluations a check of a right gradient makes at most, but for kinks beyond those."""
    return 5 * coordinates // 2 + 200


def expected_evaluations(coordinates: int) -> int:
    """How many evaluations a check of a right gradient usually makes."""
    return least_evaluations(coordinates) + coordinates // 4 + 40


def probing_evaluations(coordinates: int) -> int:
    """How many evaluations are for finding steps and measuring truncation."""
    return _PROBING_ALLOWANCE + int(_PROBING_SHARE * coordinates)

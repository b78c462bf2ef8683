"""Single entries of a large parameter, each measured on its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import final

import numpy as np
import numpy.typing as npt

from ...evaluate.session import Session, cost_of
from ...numerics.coordinates import Derivatives, Indices, ParameterCost
from ...numerics.steps import first_step, scales
from ...numerics.sweep import sweep
from ...protocol.layout import FloatVector
from ..evidence import Claimed
from ..second_look import look_again
from .walk import Stretch


@final
class SingleEntries:
    """Measures entries one by one and keeps what it finds; the claims decide what is measured a second time."""

    def __init__(self, session: Session, claimed: Mapping[int, Claimed], noise: float) -> None:
        self._session = session
        self._claimed = claimed
        self._noise = noise
        self._found: dict[int, list[tuple[Indices, Derivatives]]] = {}

    def all_wrong(self, stretch: Stretch, count: int) -> bool:
        """Measure some entries of a stretch, evenly spread, and say whether the claim is wrong at all of them.

        If these are all entries of the stretch, each that differs from the claim is measured again, from scratch.
        """
        entries = np.unique(np.linspace(stretch.start, stretch.stop - 1, count).astype(np.intp))
        few = self._select_claim(stretch.parameter, entries)
        at = self._cost_of(stretch.parameter, entries)
        steps = scales(at.theta) * first_step(at.noise, at.cost, at.roundoff)
        found = sweep(at, steps, probes=entries.size).derivatives()
        if entries.size == stretch.size:
            found = look_again(at, self._session.evaluator, steps, found, few)
        self._found.setdefault(stretch.parameter, []).append((entries, found))
        return bool(np.all(_find_wrong(few, found)))

    def any_wrong(self, stretch: Stretch) -> bool:
        """Whether the claim was found wrong at any entry of a stretch."""
        parameter = stretch.parameter
        return any(
            bool(np.any(_find_wrong(self._select_claim(parameter, entries), found) & _lies_inside(entries, stretch)))
            for entries, found in self._found.get(parameter, ())
        )

    def put_into(self, parameter: int, derivatives: Derivatives) -> Derivatives:
        """Put the measured derivatives into those of a whole parameter."""
        for entries, found in self._found.get(parameter, ()):
            derivatives = derivatives.replaced(entries, found)
        return derivatives

    def were_measured(self, parameter: int) -> bool:
        """Whether any entry of a parameter was measured."""
        return parameter in self._found

    def _select_claim(self, parameter: int, entries: Indices) -> Claimed:
        claimed = self._claimed[parameter]
        return Claimed(claimed.values[entries], claimed.rounding)

    def moved_the_cost(self, parameter: int) -> bool:
        """Whether moving any entry of a parameter changed it."""
        return any(found.change > 0 for _, found in self._found.get(parameter, ()))

    def _cost_of(self, parameter: int, entries: Indices) -> ParameterCost:
        """The cost as a function of some entries of a parameter."""
        at = cost_of(self._session, parameter, self._noise)

        def round_some(values: FloatVector) -> FloatVector:
            whole = at.theta.copy()
            whole[entries] = values
            return at.rounded(whole)[entries]

        return replace(
            at,
            theta=at.theta[entries],
            costs_at=lambda chosen, values: at.costs_at(entries[chosen], values),
            rounded=round_some,
        )


def _find_wrong(claimed: Claimed, found: Derivatives) -> npt.NDArray[np.bool_]:
    away = np.abs(claimed.values - found.nearest(claimed.values))
    return np.asarray(away > found.error + claimed.rounding)


def _lies_inside(entries: Indices, stretch: Stretch) -> npt.NDArray[np.bool_]:
    return np.asarray((entries >= stretch.start) & (entries < stretch.stop))

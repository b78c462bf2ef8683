"""J at thetas: calls the cost under a fixed random state, counts, and adds theta's context to what it raises."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from ..protocol import registry
from ..protocol.backend import Problem
from ..protocol.layout import FloatVector, entry_name
from ..protocol.outputs import Contraction, CostValue
from ..protocol.randomness import HostRandomState
from .batching import Batching
from .limits import Limits
from .requests import EntriesMoved, InProcess, ParametersMoved, Request, Source

T = TypeVar("T")

_AT_ONCE = 2**14
"""Thetas between two looks at the clock."""

_MOST_NAMED = 5
"""Parameters that a message lists."""


class RanOutError(Exception):
    """There is nothing left to evaluate the cost with."""


@final
class Evaluator:
    """Evaluates one problem's cost, one theta at a time.

    Attributes
    ----------
    evaluations : int
        Thetas at which the cost was evaluated so far, and what `spend` counted; one that was evaluated both in a batch
        and by itself counts once.
    not_finite : int
        How many of those at perturbed thetas gave NaN or an infinity.
    largest : float
        The largest ``|J|`` at perturbed thetas, as far as it was finite.
    tried : set of int
        Parameters of which some entry was moved by itself, with a finite cost.
    moving : set of int
        Those of them of which some entry changed the cost.
    ran_out : bool
        Whether a cost was asked for when no evaluation was left, one being reserved for the last at theta; it was NaN.
    seconds_each : float
        What the fastest evaluation at theta took.
    """

    def __init__(
        self,
        problem: Problem,
        contraction: Contraction,
        random_state: HostRandomState,
        limits: Limits,
        on_evaluations: Callable[[int], None],
    ) -> None:
        self._problem = problem
        self._contraction = contraction
        self._random_state = random_state
        self._limits = limits
        self._on_evaluations = on_evaluations
        self._source: Source = InProcess()
        self._batching: Batching | None = None
        self._batched_to: tuple[float, int] | None = None
        self._refused_elsewhere: str | None = None
        self.evaluations = 0
        self.not_finite = 0
        self.largest = 0.0
        self.tried: set[int] = set()
        self.moving: set[int] = set()
        self.ran_out = False
        self.seconds_each = math.inf
        self._unperturbed = math.nan

    def cost(self) -> CostValue:
        """J at the present theta."""
        started = time.perf_counter()
        try:
            cost = self._contraction.value(self._returned(), registry.to_numpy)
        except Exception as error:
            error.add_note("gradcheck: raised by `cost(params, *args)` at the unperturbed theta")
            raise
        self.seconds_each = min(self.seconds_each, time.perf_counter() - started)
        self._unperturbed = cost.value
        return cost

    def batch(self, noise: float, memory: int) -> None:
        """From now on evaluate many thetas at once where the backend can.

        Parameters
        ----------
        noise : float
            Of the cost, absolute: what batched answers may differ by.
        memory : int
            Bytes that a batch may take, about.
        """
        batch = self._problem.batch(self._contraction.weights, memory)
        if batch is not None and self._problem.layout.size >= batch.least:
            self._batching = Batching(batch, noise)
        self._batched_to = noise, memory

    @property
    def batched_to(self) -> tuple[float, int] | None:
        """What `batch` was called with, for an evaluator of the same problem elsewhere; None before that."""
        return self._batched_to

    @property
    def not_batched(self) -> str | None:
        """Why the cost could not be evaluated at many thetas at once where the backend tried; None otherwise."""
        return self._refused_elsewhere or (None if self._batching is None else self._batching.refusal)

    def answer_from(self, source: Source) -> None:
        """From now on have every request answered by this source; so far this process evaluates all."""
        self._source = source

    def answered_elsewhere(self, costs: FloatVector, evaluations: int, not_batched: str | None) -> None:
        """Count answers that were not evaluated here."""
        self._count(costs, evaluations)
        self._refused_elsewhere = self._refused_elsewhere or not_batched

    def answer(self, request: Request) -> FloatVector:
        """J at each theta of a request; NaN where there was nothing left to evaluate it with."""
        costs = np.full(request.size, np.nan)
        with contextlib.suppress(RanOutError):
            for start, found in self._source.answers(request, self):
                costs[start : start + len(found)] = found
        return costs

    def left_beyond(self, reserved: int, wanted: int) -> int:
        """How many of the wanted evaluations the check may still make when some are reserved for later."""
        return int(max(0, min(wanted, self._limits.left(self.evaluations) - reserved)))

    def theta(self) -> FloatVector:
        """The present theta, a copy."""
        layout = self._problem.layout
        theta = np.empty(layout.size)
        for i, parameter in enumerate(layout.parameters):
            theta[parameter.range] = self._problem.read(i)
        return theta

    def representable(self, parameter: int, values: FloatVector) -> FloatVector:
        """What new values of a whole parameter become in the precision of the evaluation; theta is as before."""
        present = self._problem.read(parameter)
        self._problem.write(parameter, slice(None), values)
        rounded = self._problem.read(parameter)
        self._problem.write(parameter, slice(None), present)
        return rounded

    def costs_at(
        self, parameter: int, present: FloatVector, entries: npt.NDArray[np.intp], values: FloatVector
    ) -> FloatVector:
        """J with one entry of one parameter replaced at a time; `present` holds the parameter's unperturbed entries."""
        costs = np.full(len(entries), np.nan)
        for start in range(0, len(entries), _AT_ONCE):
            piece = slice(start, start + self._affordable(len(entries[start : start + _AT_ONCE])))
            if piece.stop > start:
                asked = EntriesMoved(parameter, entries[piece], values[piece], present[entries[piece]])
                costs[piece] = self.answer(asked)
        if np.any(np.isfinite(costs)):
            self.tried.add(parameter)
        if np.any(np.isfinite(costs) & (costs != self._unperturbed)):
            self.moving.add(parameter)
        return costs

    def with_entries(
        self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector, present: FloatVector
    ) -> FloatVector:
        """The same, evaluated here; `present` holds the unperturbed values of these entries only."""
        unperturbed = dict(zip(entries.tolist(), present.tolist(), strict=True))

        alone: dict[tuple[int, float], float] = {}

        def one(entry: int, value: float) -> float:
            if (entry, value) not in alone:
                alone[entry, value] = self._cost_with(parameter, entry, value, unperturbed[entry])
            return alone[entry, value]

        def all_moved(moving: npt.NDArray[np.intp], to: FloatVector) -> float:
            still_to_count = len(entries) - len(alone)
            if not self.affords(still_to_count + 1):
                raise RanOutError
            whole = self._problem.read(parameter)
            moved = whole.copy()
            moved[moving] = to
            return self.with_parameters({parameter: moved}, {parameter: whole})

        costs = self._together(parameter, entries, values, one, all_moved)
        if costs is not None:
            self._count(costs, len(costs) - len(alone))
        else:
            costs = np.array([one(*moved) for moved in zip(entries.tolist(), values.tolist(), strict=True)])
        return costs

    def _cost_with(self, parameter: int, entry: int, value: float, present: float) -> float:
        """J with one entry replaced."""
        self._problem.write(parameter, entry, value)
        try:
            return self._perturbed()
        except Exception as error:
            error.add_note(f"gradcheck: raised with {self._where(parameter, entry, present, value)}")
            raise
        finally:
            self._problem.write(parameter, entry, present)

    def _together(
        self,
        parameter: int,
        entries: npt.NDArray[np.intp],
        values: FloatVector,
        one: Callable[[int, float], float],
        all_moved: Callable[[npt.NDArray[np.intp], FloatVector], float],
    ) -> FloatVector | None:
        """The same in batches, or None where there are none."""
        if self._batching is None or self.not_batched is not None:
            return None
        self._random_state.fix()
        try:
            return self._batching.costs_at(parameter, entries, values, one, all_moved)
        except RanOutError:  # no room for what a batch is first held against
            return None

    def perturbed(self, names: Sequence[str]) -> float:
        """J at the present theta, of which some parameters were moved; who moved them gives theta back."""
        try:
            return self._perturbed()
        except Exception as error:
            listed = ", ".join(f"`{name}`" for name in names[:_MOST_NAMED])
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            error.add_note(f"gradcheck: raised with params {listed}{more} moved by a small step")
            raise

    def _count(self, costs: FloatVector, evaluations: int) -> None:
        self.evaluations += evaluations
        finite = np.isfinite(costs)
        self.not_finite += int(np.sum(~finite))
        self.largest = max(self.largest, float(np.max(np.abs(costs[finite]), initial=0.0)))
        self._on_evaluations(evaluations)

    def cost_moved(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """J with all entries of some parameters replaced together; `present` holds their unperturbed entries."""
        return float(self.answer(ParametersMoved(moved, present))[0])

    def with_parameters(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """The same, evaluated here."""
        return self.at_moved(moved, present, self._perturbed)

    def at_moved(self, moved: dict[int, FloatVector], present: dict[int, FloatVector], ask: Callable[[], T]) -> T:
        """What is asked, e.g. a gradient, at such a theta."""
        try:
            for parameter, values in moved.items():
                self._problem.write(parameter, slice(None), values)
            return ask()
        except Exception as error:
            names = ", ".join(f"`{self._problem.layout.parameters[i].name}`" for i in moved)
            error.add_note(f"gradcheck: raised with params {names} moved by a small step")
            raise
        finally:
            for parameter, values in present.items():
                self._problem.write(parameter, slice(None), values)

    def spend(self) -> None:
        """Count one evaluation of another kind, such as of the gradient, that is made next.

        Raises
        ------
        RanOutError
            If it may not be made.
        """
        if not self.affords(1):
            raise RanOutError
        self.evaluations += 1
        self._on_evaluations(1)

    def affords(self, count: int) -> bool:
        """Whether so many may be made, one being reserved for the last at theta."""
        return self._affordable(count) == count

    def _affordable(self, wanted: int) -> int:
        """How many of these may be evaluated now, one being reserved for the last at theta."""
        affordable = self.left_beyond(1, wanted)
        self.ran_out = self.ran_out or affordable < wanted
        return affordable

    def _perturbed(self) -> float:
        if not self._affordable(1):
            raise RanOutError
        value = self._contraction.number(self._returned(), registry.to_numpy)
        if math.isfinite(value):
            self.largest = max(self.largest, abs(value))
        else:
            self.not_finite += 1
        return value

    def _returned(self) -> object:
        self._random_state.fix()
        self.evaluations += 1
        returned = self._problem.evaluate()
        self._on_evaluations(1)
        return returned

    def _where(self, parameter: int, entry: int, present: float, value: float) -> str:
        described = self._problem.layout.parameters[parameter]
        where = entry_name(f"`{described.name}`", described.index(entry), described.part(entry))
        return f"params {where} moved from {present:.9g} to {value:.9g}"

"""J at thetas: calls the cost under a fixed random state, counts, and adds theta's context to what it raises."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from ..protocol import registry
from ..protocol.backend import Problem
from ..protocol.layout import FloatVector, entry_name
from ..protocol.outputs import Contraction, CostValue
from ..protocol.randomness import HostRandomState
from .batching import Batching
from .limits import Limits, RanOutError, Usage
from .requests import EntriesMoved, ParametersMoved, Request, Source

T = TypeVar("T")

_AT_ONCE = 2**14
"""Thetas between two looks at the clock."""

_MOST_NAMED = 5
"""Parameters that a message lists."""


@final
class Evaluator:
    """Evaluates one problem's cost, here or wherever a source has it evaluated.

    Parameters
    ----------
    problem, contraction, random_state
        The check's own.
    limits : Limits
        How much may be evaluated.
    on_evaluations : callable, optional
        Called with the number of evaluations after some were made. None (default): nothing is called.
    """

    def __init__(
        self,
        problem: Problem,
        contraction: Contraction,
        random_state: HostRandomState,
        limits: Limits,
        on_evaluations: Callable[[int], None] | None = None,
    ) -> None:
        self._problem = problem
        self._contraction = contraction
        self._random_state = random_state
        self._limits = limits
        self._on_evaluations = on_evaluations
        self._source: Source | None = None
        self._batching: Batching | None = None
        self.batched_to: tuple[float, int] | None = None  # for an evaluator of the same problem elsewhere
        self._refused_elsewhere: str | None = None
        self._not_finite = 0
        self._ran_out = False
        self.evaluations = 0

    @property
    def usage(self) -> Usage:
        """What was done so far."""
        return Usage(self.evaluations, self._not_finite, self._ran_out)

    def cost(self) -> CostValue:
        """J at the present theta."""
        self._random_state.fix()
        self._count(1)
        try:
            return self._contraction.value(self._problem.evaluate(), registry.to_numpy)
        except Exception as error:
            error.add_note("gradcheck: raised by `cost(params, *args)` at the unperturbed theta")
            raise

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
        self.batched_to = noise, memory

    @property
    def not_batched(self) -> str | None:
        """Why the cost could not be evaluated at many thetas at once where the backend tried; None otherwise."""
        return self._refused_elsewhere or (None if self._batching is None else self._batching.refusal)

    def answer_from(self, source: Source) -> None:
        """From now on have every request answered by this source; so far this process evaluates all."""
        self._source = source

    def answered_elsewhere(self, costs: FloatVector, evaluations: int, not_batched: str | None) -> None:
        """Count answers that were not evaluated here."""
        self._count(evaluations, costs)
        self._refused_elsewhere = self._refused_elsewhere or not_batched

    def answer(self, request: Request) -> FloatVector:
        """J at each theta of a request; NaN where there was nothing left to evaluate it with."""
        costs = np.full(request.size, np.nan)
        with contextlib.suppress(RanOutError):
            if self._source is None:
                return request.costs(self)
            for start, found in self._source.answers(request, self):
                costs[start : start + len(found)] = found
        return costs

    def left_beyond(self, reserved: int, wanted: int) -> int:
        """How many of the wanted evaluations the check may still make when some are reserved for later."""
        return int(max(0, min(wanted, self._limits.left(self.evaluations) - reserved)))

    def costs_at(
        self, parameter: int, present: FloatVector, entries: npt.NDArray[np.intp], values: FloatVector
    ) -> FloatVector:
        """J with one entry of one parameter replaced at a time; NaN where there was nothing left to evaluate it with.

        `present` holds the parameter's unperturbed entries.
        """
        costs = np.full(len(entries), np.nan)
        for start in range(0, len(entries), _AT_ONCE):
            piece = slice(start, start + self._affordable(len(entries[start : start + _AT_ONCE])))
            if piece.stop == start:
                break
            moved = entries[piece], values[piece], present[entries[piece]]
            if self._source is not None:
                costs[piece] = self.answer(EntriesMoved(parameter, *moved))
                continue
            with contextlib.suppress(RanOutError):
                costs[piece] = self.with_entries(parameter, *moved)
        return costs

    def with_entries(
        self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector, present: FloatVector
    ) -> FloatVector:
        """The same, evaluated here; `present` holds the unperturbed values of these entries only.

        Raises
        ------
        RanOutError
            If the evaluations do not suffice.
        """
        alone: dict[tuple[int, float], float] = {}
        costs = self._evaluate_batch(parameter, entries, values, alone) if self._batching is not None else None
        if costs is not None:
            return costs
        costs = np.empty(len(entries))
        steps = zip(entries.tolist(), values.tolist(), present.tolist(), strict=True)
        for k, (entry, value, before) in enumerate(steps):
            if (entry, value) in alone:
                costs[k] = alone[entry, value]
                continue
            self._prepare()
            self._problem.write(parameter, entry, value)
            try:
                costs[k] = self._number(self._problem.evaluate())
            except Exception as error:
                moved = self._problem.layout.parameters[parameter]
                where = entry_name(f"`{moved.name}`", moved.index(entry), moved.part(entry))
                error.add_note(f"gradcheck: raised with params {where} moved from {before:.9g} to {value:.9g}")
                raise
            finally:
                self._problem.write(parameter, entry, before)
        return costs

    def _evaluate_batch(
        self,
        parameter: int,
        entries: npt.NDArray[np.intp],
        values: FloatVector,
        alone: dict[tuple[int, float], float],
    ) -> FloatVector | None:
        """The same in batches, or None where there are none; `alone` gets those evaluated one by one to compare."""
        if self._batching is None or self.not_batched is not None:
            return None

        def one(entry: int, value: float) -> float:
            if (entry, value) not in alone:
                alone[entry, value] = moved_to(np.array([entry]), np.array([value]))
            return alone[entry, value]

        def all_moved(moving: npt.NDArray[np.intp], to: FloatVector) -> float:
            if not self.affords(len(entries) - len(alone) + 1):
                raise RanOutError
            return moved_to(moving, to)

        def moved_to(moving: npt.NDArray[np.intp], to: FloatVector) -> float:
            whole = self._problem.read(parameter)
            moved = whole.copy()
            moved[moving] = to
            return self.with_parameters({parameter: moved}, {parameter: whole})

        self._random_state.fix()
        try:
            costs = self._batching.costs_at(parameter, entries, values, one, all_moved)
        except RanOutError:  # no room for what a batch is first compared with
            return None
        if costs is not None:
            self._count(len(costs) - len(alone), costs)
        return costs

    def cost_moved(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """J with all entries of some parameters replaced together; NaN where no evaluation was left.

        `present` holds their unperturbed entries.
        """
        if self._source is not None:
            return float(self.answer(ParametersMoved(moved, present))[0])
        if not self._affordable(1):
            return math.nan
        with self._move(moved, present):
            self._prepare()
            return self._number(self._problem.evaluate())

    def with_parameters(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """The same, evaluated here.

        Raises
        ------
        RanOutError
            If no evaluation is left.
        """
        return self.at_moved(moved, present, self._evaluate)

    def at_moved(self, moved: dict[int, FloatVector], present: dict[int, FloatVector], ask: Callable[[], T]) -> T:
        """What is asked, e.g. a gradient, at such a theta."""
        with self._move(moved, present):
            return ask()

    @contextlib.contextmanager
    def _move(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> Iterator[None]:
        try:
            with self._naming(moved):
                for parameter, values in moved.items():
                    self._problem.write(parameter, slice(None), values)
                yield
        finally:
            for parameter, values in present.items():
                self._problem.write(parameter, slice(None), values)

    def evaluate_moved(self, parameters: Iterable[int]) -> float:
        """J at the present theta, where these parameters were moved; who moved them gives theta back."""
        with self._naming(parameters):
            return self._evaluate()

    @contextlib.contextmanager
    def _naming(self, parameters: Iterable[int]) -> Iterator[None]:
        """Add to an error which parameters were moved."""
        try:
            yield
        except Exception as error:
            names = [f"`{self._problem.layout.parameters[i].name}`" for i in parameters]
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            listed = ", ".join(names[:_MOST_NAMED])
            error.add_note(f"gradcheck: raised with params {listed}{more} moved by a small step")
            raise

    def spend(self) -> None:
        """Count one evaluation of another kind, such as of the gradient, that is made next.

        Raises
        ------
        RanOutError
            If it may not be made.
        """
        if not self.affords(1):
            raise RanOutError
        self._count(1)

    def affords(self, count: int) -> bool:
        """Whether this many may be made, one being reserved for the last at theta."""
        return self._affordable(count) == count

    def _affordable(self, wanted: int) -> int:
        """How many of these may be evaluated now, one being reserved for the last at theta."""
        affordable = self.left_beyond(1, wanted)
        self._ran_out = self._ran_out or affordable < wanted
        return affordable

    def _evaluate(self) -> float:
        self._prepare()
        return self._number(self._problem.evaluate())

    def _prepare(self) -> None:
        """What comes before every evaluation at a perturbed theta."""
        self.spend()
        self._random_state.fix()

    def _number(self, returned: object) -> float:
        """J from what the cost returned at a perturbed theta."""
        value = self._contraction.number(returned, registry.to_numpy)
        if not math.isfinite(value):
            self._not_finite += 1
        return value

    def _count(self, evaluations: int, costs: FloatVector | None = None) -> None:
        self.evaluations += evaluations
        if costs is not None:
            self._not_finite += int(np.sum(~np.isfinite(costs)))
        if self._on_evaluations is not None:
            self._on_evaluations(evaluations)

"""J at thetas: calls the cost under a fixed random state, counts, and adds theta's context to what it raises."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from ..protocol import registry
from ..protocol.backend import Problem
from ..protocol.layout import FloatVector, entry_name
from ..protocol.outputs import Contraction, CostValue
from ..protocol.randomness import HostRandomState
from .batching import Batching
from .limits import Limits, RanOutError, Tally
from .requests import EntriesMoved, ParametersMoved, Request, Source

T = TypeVar("T")

_AT_ONCE = 2**14
"""Thetas between two looks at the clock."""

_MOST_NAMED = 5
"""Parameters that a message lists."""


@final
class Evaluator:
    """Evaluates one problem's cost, here or wherever a source has it evaluated.

    `evaluations` is the count so far, and `tally` says more. `on_evaluations` is called with the number of evaluations
    after some were made.
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
        self.evaluations = 0
        self._not_finite = 0
        self._ran_out = False

    @property
    def tally(self) -> Tally:
        """What was done so far."""
        return Tally(self.evaluations, self._not_finite, self._ran_out, self.not_batched)

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
        """From now on evaluate many thetas at once where the backend can, in about this much memory, in bytes."""
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

    def count_answers(self, costs: FloatVector, evaluations: int, not_batched: str | None) -> None:
        """Count answers that another process or an earlier run gave."""
        self._count(evaluations, costs)
        self._refused_elsewhere = self._refused_elsewhere or not_batched

    def answer(self, request: Request) -> FloatVector:
        """J at each theta of a request; NaN where there was nothing left to evaluate it with."""
        costs = np.full(request.size, np.nan)
        with contextlib.suppress(RanOutError):
            if self._source is None:
                return self.evaluate(request)
            for start, found in self._source(request):
                costs[start : start + len(found)] = found
        return costs

    def evaluate(self, request: Request) -> FloatVector:
        """J at each theta of a request, evaluated here.

        Raises RanOutError if the evaluations do not suffice.
        """
        if isinstance(request, EntriesMoved):
            return self._with_entries(request.parameter, request.entries, request.values, request.present)
        if isinstance(request, ParametersMoved):
            return np.array([self.with_parameters(request.moved, request.present)])
        return np.array([request.cost()])

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
            evaluate = self._one_by_one if self._batching is None else self._with_entries
            with contextlib.suppress(RanOutError):
                costs[piece] = evaluate(parameter, *moved)
        return costs

    def _with_entries(
        self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector, present: FloatVector
    ) -> FloatVector:
        """J with one entry replaced at a time, in a batch if there is one; `present` holds what they replace."""
        alone: dict[tuple[int, float], float] = {}
        costs = None
        if self._batching is not None and self.not_batched is None:
            costs = self._evaluate_batch(self._batching, parameter, entries, values, present, alone)
        return self._one_by_one(parameter, entries, values, present, alone) if costs is None else costs

    def _one_by_one(
        self,
        parameter: int,
        entries: npt.NDArray[np.intp],
        values: FloatVector,
        present: FloatVector,
        known: Mapping[tuple[int, float], float] = MappingProxyType({}),
    ) -> FloatVector:
        """J with one entry replaced at a time, except where it is known."""
        costs = np.empty(len(entries))
        steps = zip(entries.tolist(), values.tolist(), present.tolist(), strict=True)
        for k, (entry, value, before) in enumerate(steps):
            if (entry, value) in known:
                costs[k] = known[entry, value]
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
        batching: Batching,
        parameter: int,
        entries: npt.NDArray[np.intp],
        values: FloatVector,
        present: FloatVector,
        alone: dict[tuple[int, float], float],
    ) -> FloatVector | None:
        """J at these entries in one batch, None if it is refused; `alone` gets what was evaluated to compare."""

        def evaluate_alone(moving: npt.NDArray[np.intp], to: FloatVector) -> float:
            if len(moving) == 1:
                one = int(moving[0]), float(to[0])
                if one not in alone:
                    alone[one] = float(self._one_by_one(parameter, moving, to, present[entries == moving[0]][:1])[0])
                return alone[one]
            if not self.affords(len(entries) - len(alone) + 1):
                raise RanOutError
            whole = self._problem.read(parameter)
            moved = whole.copy()
            moved[moving] = to
            return self.with_parameters({parameter: moved}, {parameter: whole})

        self._random_state.fix()
        with contextlib.suppress(RanOutError):
            costs = batching.costs_at(parameter, entries, values, evaluate_alone)
            if costs is not None:
                self._count(len(costs) - len(alone), costs)
            return costs
        return None

    def cost_with(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
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
        """J with some parameters replaced, evaluated here; raises RanOutError if no evaluation is left."""
        return self.ask_at(moved, present, self._evaluate)

    def ask_at(self, moved: dict[int, FloatVector], present: dict[int, FloatVector], ask: Callable[[], T]) -> T:
        """What is asked, e.g. a gradient, at such a theta."""
        with self._move(moved, present):
            return ask()

    @contextlib.contextmanager
    def _move(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> Iterator[None]:
        try:
            with self._name(moved):
                for parameter, values in moved.items():
                    self._problem.write(parameter, slice(None), values)
                yield
        finally:
            for parameter, values in present.items():
                self._problem.write(parameter, slice(None), values)

    def evaluate_here(self, parameters: Iterable[int]) -> float:
        """J at the present theta, where these parameters were moved; who moved them gives theta back."""
        with self._name(parameters):
            return self._evaluate()

    @contextlib.contextmanager
    def _name(self, parameters: Iterable[int]) -> Iterator[None]:
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
        """Count one evaluation that is made next, such as of the gradient, or raise RanOutError."""
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

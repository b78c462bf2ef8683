"""J at thetas: calls the cost under a fixed random state, counts, and adds theta's context to what it raises."""

import math
from collections.abc import Callable
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from . import registry
from .batching import Batching
from .outputs import Contraction, CostValue
from .protocol import FloatVector, Problem, entry_name
from .randomness import HostRandomState

T = TypeVar("T")


@final
class Evaluator:
    """Evaluates one problem's cost, one theta at a time.

    Attributes
    ----------
    evaluations : int
        Calls of the cost so far.
    not_finite : int
        How many of those at perturbed thetas gave NaN or an infinity.
    moving : set of int
        Parameters of which some entry, moved by itself, changed the cost.
    """

    def __init__(
        self,
        problem: Problem,
        contraction: Contraction,
        random_state: HostRandomState,
        most: int | None,
        on_evaluations: Callable[[int], None],
    ) -> None:
        self._problem = problem
        self._contraction = contraction
        self._random_state = random_state
        self._most = most
        self._on_evaluations = on_evaluations
        self._batching: Batching | None = None
        self.evaluations = 0
        self.not_finite = 0
        self.moving: set[int] = set()
        self._unperturbed = math.nan

    def cost(self) -> CostValue:
        """J at the present theta."""
        try:
            cost = self._evaluate()
        except Exception as error:
            error.add_note("gradcheck: raised by `cost(params, *args)` at the unperturbed theta")
            raise
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

    @property
    def not_batched(self) -> str | None:
        """Why the cost could not be evaluated at many thetas at once where the backend tried; None otherwise."""
        return None if self._batching is None else self._batching.refusal

    def left_beyond(self, reserved: int, wanted: int) -> int:
        """How many of the wanted evaluations the check may still make when some are reserved for later."""
        return wanted if self._most is None else max(0, min(wanted, self._most - self.evaluations - reserved))

    def theta(self) -> FloatVector:
        """The present theta, a copy."""
        return np.concatenate([self._problem.read(i) for i in range(len(self._problem.layout.parameters))])

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

        def one(entry: int, value: float) -> float:
            return self._cost_with(parameter, entry, value, float(present[entry]))

        costs = self._together(parameter, entries, values, one)
        if costs is None:
            costs = np.array([one(*moved) for moved in zip(entries.tolist(), values.tolist(), strict=True)])
        if np.any(costs != self._unperturbed):
            self.moving.add(parameter)
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
    ) -> FloatVector | None:
        """The same in batches, or None where there are none."""
        if self._batching is None:
            return None
        self._random_state.fix()
        costs = self._batching.costs_at(parameter, entries, values, one)
        if costs is not None:
            self.evaluations += len(costs)
            self.not_finite += int(np.sum(~np.isfinite(costs)))
            self._on_evaluations(len(costs))
        return costs

    def cost_moved(self, moved: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """J with all entries of some parameters replaced together; `present` holds their unperturbed entries."""
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

    def _perturbed(self) -> float:
        value = self._evaluate().value
        self.not_finite += not math.isfinite(value)
        return value

    def _evaluate(self) -> CostValue:
        self._random_state.fix()
        self.evaluations += 1
        cost = self._contraction.value(self._problem.evaluate(), registry.to_numpy)
        self._on_evaluations(1)
        return cost

    def _where(self, parameter: int, entry: int, present: float, value: float) -> str:
        described = self._problem.layout.parameters[parameter]
        where = entry_name(f"`{described.name}`", described.index(entry), described.part(entry))
        return f"params {where} moved from {present:.9g} to {value:.9g}"

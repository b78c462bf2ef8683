"""J at thetas: calls the cost under a fixed random state, counts, and adds theta's context to what it raises."""

import math
from collections.abc import Callable
from typing import final

import numpy as np
import numpy.typing as npt

from . import registry
from .errors import NonFiniteCostError
from .outputs import Contraction, CostValue
from .protocol import FloatVector, Problem
from .randomness import HostRandomState

_NEARBY = (
    "`cost` is {} near theta, although finite at it; "
    "move theta away from the edge of the cost's domain, or pass a smaller step as `epsilon=`"
)


@final
class Evaluator:
    """Evaluates one problem's cost, one theta at a time."""

    def __init__(
        self,
        problem: Problem,
        contraction: Contraction,
        random_state: HostRandomState,
        on_evaluation: Callable[[], None],
    ) -> None:
        self._problem = problem
        self._contraction = contraction
        self._random_state = random_state
        self._on_evaluation = on_evaluation
        self.evaluations = 0

    def cost(self) -> CostValue:
        """J at the present theta."""
        try:
            return self._evaluate()
        except Exception as error:
            error.add_note("gradcheck: raised by `cost(params, *args)` at the unperturbed theta")
            raise

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
        problem = self._problem
        costs = np.empty(len(entries))
        for k, (entry, value) in enumerate(zip(entries.tolist(), values.tolist(), strict=True)):
            problem.write(parameter, entry, value)
            try:
                costs[k] = self._evaluate().value
                if not math.isfinite(costs[k]):
                    raise NonFiniteCostError(_NEARBY.format(costs[k]))
            except Exception as error:
                error.add_note(f"gradcheck: raised with {self._where(parameter, entry, present[entry], value)}")
                raise
            finally:
                problem.write(parameter, entry, float(present[entry]))
        return costs

    def _evaluate(self) -> CostValue:
        self._random_state.fix()
        self.evaluations += 1
        cost = self._contraction.value(self._problem.evaluate(), registry.to_numpy)
        self._on_evaluation()
        return cost

    def _where(self, parameter: int, entry: int, present: float, value: float) -> str:
        described = self._problem.layout.parameters[parameter]
        index = list(described.index(entry))
        return f"params `{described.name}`{index if index else ''} moved from {present:.9g} to {value:.9g}"

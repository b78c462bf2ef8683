"""A side that can still be evaluated: its cost and its gradient at other values of its parameters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...case import CheckOptions, GradientCase
from ...errors import InvalidBackendError
from ...evaluate.preflight import Baseline
from ...evaluate.session import Session, open_case
from ...measure.claims import claimed_gradient
from ...protocol import registry
from ...protocol.backend import Backend, Capability
from ...protocol.causes import Alteration
from ...protocol.layout import FloatVector, as_pairs


@final
@dataclass(frozen=True, slots=True)
class Live:
    """A case as it was checked, in the precision in which its check ended: ``native`` or ``float64``."""

    adapter: Backend
    case: GradientCase
    options: CheckOptions
    precision: str
    baseline: Baseline

    def alter(self, alteration: Alteration) -> "Live":
        """The same with the cost altered, and without a gradient that was written for the unaltered one."""
        return replace(self, case=replace(self.case, cost=alteration.altered(self.case.cost), grads=None))

    @contextmanager
    def ask(self) -> Iterator["OpenSide"]:
        """The side opened; everything of the caller's is as it was when this closes."""
        with open_case(self.precision, self.adapter, self.case, self.options.seed) as it:
            every = tuple(range(len(it.problem.layout.parameters)))
            yield OpenSide(
                Session(
                    self.adapter,
                    self.case,
                    self.options,
                    self.precision,
                    it.problem,
                    it.evaluator(),
                    it.contraction,
                    it.random_state,
                    self.baseline,
                    every,
                )
            )

    @property
    def has_gradient(self) -> bool:
        """Whether the gradient can be asked for elsewhere: by automatic differentiation, or as a function."""
        if self.case.grads is None:
            return Capability.AUTODIFF in self.adapter.capabilities
        return callable(self.case.grads)


@final
class OpenSide:
    """An open side."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._positions = {parameter.name: i for i, parameter in enumerate(session.layout.parameters)}

    def cost(self, values: Mapping[str, npt.NDArray[Any]]) -> float:
        """J with the values of some parameters replaced; it may be NaN or infinite there."""
        moved, present = self._move(values)
        return self._session.evaluator.with_parameters(moved, present)

    def gradients(self, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """The gradient there, by parameter; only for a side with `Live.has_gradient`."""
        moved, present = self._move(values)
        session = self._session
        claim = session.evaluator.ask_at(moved, present, lambda: claimed_gradient(session))
        return {
            parameter.name: parameter.tensor(claim.d_theta[parameter.range]) for parameter in session.layout.parameters
        }

    def alterations(self) -> tuple[Alteration, ...]:
        """What can be changed in the cost; nothing if the backend registers no function that says it.

        Raises InvalidBackendError if it registers something else.
        """
        name, group = self._session.adapter.name, registry.CAUSES_GROUP
        find = registry.load_optional(group, name)
        if find is None:
            return ()
        if not callable(find):
            msg = f"the entry point `{name}` in {group!r} names {find!r}; name a function that takes an open problem"
            raise InvalidBackendError(msg)
        return tuple(find(self._session.problem))

    def _move(self, values: Mapping[str, npt.NDArray[Any]]) -> tuple[dict[int, FloatVector], dict[int, FloatVector]]:
        moved = {self._positions[name]: _numbers(array) for name, array in values.items()}
        return moved, {i: self._session.problem.read(i) for i in moved}


def _numbers(array: npt.NDArray[Any]) -> FloatVector:
    """An array's numbers as theta has them."""
    return as_pairs(array, conjugates=False) if np.iscomplexobj(array) else array.astype(np.float64).reshape(-1)

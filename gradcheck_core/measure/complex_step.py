"""Derivatives by complex steps, from a cost that is shown to be safe for them."""

import cmath
import contextlib
import warnings
from collections.abc import Callable
from typing import NoReturn, final

import numpy as np

from ..errors import GradcheckError, InvalidInputError
from ..evaluate.limits import RanOutError
from ..evaluate.session import EVALUATIONS_ALONG_A_LINE, Line, Session, cost_of
from ..numerics.coordinates import BACKWARD_NOISE, Derivatives
from ..numerics.directions import directions_through
from ..numerics.steps import first_step, scales
from ..protocol import registry
from ..protocol.backend import Problem
from ..protocol.layout import FloatVector
from ..protocol.outputs import ROUNDINGS, Contraction
from ..protocol.randomness import HostRandomState
from .evidence import Claimed
from .second_look import look_again

_STEP = 1e-20
"""Step in units of an entry's scale. The truncation, of the order of its square, is below the rounding of float64, and
nothing is subtracted that could cancel."""


@final
class ComplexCost:
    """J where theta has imaginary parts; refuses a cost that loses them."""

    def __init__(
        self, problem: Problem, contraction: Contraction, random_state: HostRandomState, spend: Callable[[], None]
    ) -> None:
        self._problem = problem
        self._contraction = contraction
        self._random_state = random_state
        self._spend = spend

    def value(self) -> complex:
        """J at the present theta; raises RanOutError if no evaluation is left."""
        self._spend()
        self._random_state.fix()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                returned = self._problem.evaluate()
        except GradcheckError:
            raise
        except Exception as error:
            _refuse(f"it cannot be evaluated with complex parameters ({type(error).__name__}: {error})", error)
        value = self._contraction.complex_value(returned, registry.to_numpy)
        if not isinstance(value, complex):
            _refuse("its result is real for complex parameters, so that the imaginary part is lost on the way")
        return value

    def slope_by(self, parameter: int, entry: int, present: float, step: float) -> float:
        """The derivative by one entry of one parameter."""
        self._problem.write_complex(parameter, entry, complex(present, step))
        try:
            return self.value().imag / step
        finally:
            self._problem.write_complex(parameter, entry, complex(present))

    def slope_along(self, direction: dict[int, FloatVector], present: dict[int, FloatVector]) -> float:
        """The derivative along a direction through some parameters, which is in proportion to their scales."""
        for parameter, along in direction.items():
            self._problem.write_complex(parameter, slice(None), present[parameter] + 1j * _STEP * along)
        try:
            return self.value().imag / _STEP
        finally:
            for parameter in direction:
                self._problem.write_complex(parameter, slice(None), present[parameter].astype(np.complex128))


def measure_by_complex_steps(
    session: Session, cost: ComplexCost, claims: dict[int, Claimed], noise: float
) -> dict[int, Derivatives]:
    """Differentiate by every entry of the chosen parameters: ``Im J(theta + i h e) / h``, one evaluation each.

    The steps are exact to rounding for a cost that is analytic in theta, and wrong without a sign of it for one that
    is not. So they are compared with central differences: along one direction through each parameter beforehand, and
    afterwards at the coordinates that differ from the claim, where the differences then count.

    The session has real parameters, `cost` the same ones as complex numbers; claims and derivatives are by position.

    References
    ----------
    W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998)
    110-112.
    """
    baseline, present = session.baseline, session.present
    try:
        _require_safe(session, cost, noise)
    except RanOutError:  # and a cost that was not shown to be safe has no derivatives by complex steps
        return {i: Derivatives.unknown(entries.size) for i, entries in present.items()}
    found = {}
    for i, claimed in claims.items():
        at = scales(present[i])
        steps = _STEP * at
        entries = zip(present[i].tolist(), steps.tolist(), strict=True)
        slope = np.full(at.size, np.nan)
        with contextlib.suppress(RanOutError):
            for k, (value, step) in enumerate(entries):
                slope[k] = cost.slope_by(i, k, value, step)
        error = ROUNDINGS * baseline.roundoff * np.abs(slope) + BACKWARD_NOISE * noise / at
        error = np.where(np.isfinite(slope), error, np.inf)
        slope = np.nan_to_num(slope, posinf=0.0, neginf=0.0)
        by_steps = Derivatives(slope, slope, error)
        by_entry = cost_of(session, i, noise)
        longer = at * first_step(noise, by_entry.cost, by_entry.roundoff)
        found[i] = look_again(by_entry, session.evaluator, longer, by_steps, claimed)
        away = np.abs(slope - found[i].nearest(slope)) > found[i].error + error
        if away.any():
            entry = session.layout.parameters[i].entry(int(np.argmax(away)))
            _refuse(f"at `{entry}` central differences contradict the complex step")
    return found


def _require_safe(session: Session, cost: ComplexCost, noise: float) -> None:
    value, real, roundoff = cost.value(), session.baseline.cost.value, session.baseline.roundoff
    if not cmath.isfinite(value) or abs(value - real) > ROUNDINGS * roundoff * abs(real):
        _refuse(f"with complex parameters it is {value:.9g} at theta, with real ones {real:.9g}")
    line = Line(session, noise)
    for direction in directions_through(session.present, np.random.default_rng(0)):
        if not session.evaluator.affords(EVALUATIONS_ALONG_A_LINE + 1):
            raise RanOutError
        slope = cost.slope_along(direction, line.present)
        slopes = line.slopes(direction)
        if not slopes.contain(slope, BACKWARD_NOISE * noise + ROUNDINGS * roundoff * abs(slope)):
            names = ", ".join(f"`{session.layout.parameters[i].name}`" for i in direction)
            _refuse(
                f"along a direction through {names} its complex step gives {slope:.9g}, "
                f"central differences {(slopes.lower + slopes.upper) / 2:.9g} ± {slopes.error:.1g}"
            )


def _refuse(reason: str, cause: Exception | None = None) -> NoReturn:
    msg = (
        f"`scheme='complex'`: the cost is not safe for complex steps: {reason}; look for abs, max, norm, conj, "
        "a comparison or a cast to real numbers, or use scheme='central'"
    )
    raise InvalidInputError(msg) from cause

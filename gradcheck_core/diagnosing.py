"""From evidence and verdicts to the likely mistake in each wrong parameter, and the one to look at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from .assessment import Evidence
from .diagnosis import Facts, Place, diagnose, first_to_mend
from .protocol import FloatVector, Parameter, entry_name
from .rendering.text import safe
from .report import Diagnosis, ParameterReport

_Number = TypeVar("_Number", np.float64, np.bool_)


@final
@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What was found out about the mistakes of a check.

    Attributes
    ----------
    parameters : mapping of str to ParameterReport
        By name, with a diagnosis where there is one.
    first : str
        The wrong parameter to look at first; empty where none is.
    notes : tuple of str
        For the reader.
    """

    parameters: Mapping[str, ParameterReport]
    first: str = ""
    notes: tuple[str, ...] = ()


_MOST_ENTRIES = 1_000_000
"""Of a parameter that was not measured entry by entry, beyond which only those that were are laid out."""

_LOOK_NOT_FINITE = (
    "look for a division by zero, the logarithm or root of zero, or an exponential that overflows in the backward pass"
)


def diagnosed(pairs: Sequence[tuple[Evidence, ParameterReport]], theta: FloatVector | None) -> Diagnosed:
    """Say what is wrong with the parameters that the verdicts accuse.

    Parameters
    ----------
    pairs : sequence of (Evidence, ParameterReport)
        One for each parameter, in theta's order.
    theta : numpy.ndarray or None
        Float64; None where second derivatives were claimed: there are no terms of theta in them, and several
        parameters may have been looked at along several directions.
    """
    reports = {report.name: report for _, report in pairs}
    accused = [item for item, report in pairs if report.verdict.is_evidence]
    if not accused:
        return Diagnosed(reports)
    found = {item.parameter.name: _of_the_claim_alone(item) for item in accused}
    numeric = {
        item.parameter.name: _tensor(item.parameter, item.numeric)
        for item, _ in pairs
        if theta is not None and not item.projected
    }
    unexplained = [item for item in accused if found[item.parameter.name] is None and item.by_entries]
    found |= diagnose([_facts(item, numeric, theta) for item in unexplained])
    reports = {name: replace(report, diagnosis=found.get(name)) for name, report in reports.items()}
    first = _first(reports)
    return Diagnosed(reports, first, _notes(first, len(accused)))


def _first(reports: Mapping[str, ParameterReport]) -> str:
    """Among those with the worst verdict."""
    worst = max(report.verdict.severity for report in reports.values())
    kinds = {
        name: report.diagnosis.kind if report.diagnosis else None
        for name, report in reports.items()
        if report.verdict.severity == worst
    }
    return first_to_mend(kinds, [Place(name, i) for i, name in enumerate(reports)])


def _notes(first: str, wrong: int) -> tuple[str, ...]:
    if wrong == 1:
        return ()
    return (
        f"{wrong} parameters are wrong, and `{safe(first)}` is the one to look at first: the nearest to the cost, or "
        "with a mistake of its own; what is wrong in one layer's backward pass goes on to all layers before it",
    )


def _of_the_claim_alone(item: Evidence) -> Diagnosis | None:
    """What a claim shows without any measurement: that it is not finite, or that nothing came."""
    parameter = item.parameter
    first = item.first_not_finite
    if first is None:
        return None
    count = int(np.sum(~np.isfinite(item.claimed)))
    more = f", and {count - 1} more entries are not finite" if count > 1 else ""
    entry = entry_name(safe(parameter.name), parameter.index(first), parameter.part(first))
    return Diagnosis(
        "not_finite", f"`{entry}`: the claimed gradient is {item.claimed[first]}{more}; {_LOOK_NOT_FINITE}", 1.0
    )


def _facts(item: Evidence, numeric: Mapping[str, FloatVector], theta: FloatVector | None) -> Facts:
    parameter, derivatives = item.parameter, item.derivatives
    error = item.error
    # On a kink a claim that is right says nothing: every value between the slopes would be.
    known = (derivatives.lower == derivatives.upper) | (item.numeric != item.claimed)
    if item.projected:
        # What was not measured counts as right, as the certificate says, and as unknown in wrong ranges.
        unmeasured = derivatives.lower == item.claimed
        error = np.where(unmeasured, 0.0, error)
        for start, stop in item.located:
            known[start:stop] &= ~unmeasured[start:stop]
    return Facts(
        name=parameter.name,
        claimed=_tensor(parameter, item.claimed),
        numeric=_tensor(parameter, item.numeric),
        error=_tensor(parameter, error),
        known=_tensor(parameter, known),
        theta=None if theta is None else _tensor(parameter, theta[parameter.range]),
        parts=parameter.is_complex,
        others={name: values for name, values in numeric.items() if name != parameter.name},
    )


def _tensor(parameter: Parameter, numbers: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Numbers of theta in the tensor's shape; of a complex one with an axis for real and imaginary parts."""
    return numbers.reshape((*parameter.shape, 2) if parameter.is_complex else parameter.shape)

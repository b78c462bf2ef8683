"""From evidence and verdicts to the likely mistake in each wrong parameter, and the one to look at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from ..diagnosis import (
    MOST_ENTRIES,
    NEVER_PASSED_ON,
    Extent,
    Facts,
    Place,
    choose_first_to_fix,
    diagnose,
    diagnose_zero_claim,
)
from ..diagnosis.sentences import NOT_FINITE
from ..measure.evidence import Evidence
from ..protocol.layout import FloatVector, Parameter, entry_name
from ..report.records import Diagnosis, ParameterReport
from ..report.words import safe, say_count

_Number = TypeVar("_Number", np.float64, np.bool_)


@final
@dataclass(frozen=True, slots=True)
class Diagnosed:
    """Reports by parameter, with a diagnosis where there is one; the wrong one to look at first, if any; and notes."""

    parameters: Mapping[str, ParameterReport]
    first: str = ""
    notes: tuple[str, ...] = ()


def diagnose_all(pairs: Sequence[tuple[Evidence, ParameterReport]], theta: FloatVector | None) -> Diagnosed:
    """Say what is wrong with the parameters that the verdicts accuse.

    There is one pair for each parameter, in theta's order. `theta` is None where second derivatives were claimed: there
    are no terms of theta in them, and several parameters may have been looked at along several directions.
    """
    reports = {report.name: report for _, report in pairs}
    accused = [item for item, report in pairs if report.verdict.is_evidence]
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
    return Diagnosed(reports, first, _notes(reports[first], len(accused)))


def _first(reports: Mapping[str, ParameterReport]) -> str:
    """Among those with the worst verdict."""
    worst = max(report.verdict.severity for report in reports.values())
    kinds = {
        name: report.diagnosis.kind if report.diagnosis else None
        for name, report in reports.items()
        if report.verdict.severity == worst
    }
    return choose_first_to_fix(kinds, [Place(name, i) for i, name in enumerate(reports)])


def _notes(first: ParameterReport, wrong: int) -> tuple[str, ...]:
    if wrong == 1:
        return ()
    of_its_own = first.diagnosis is not None and first.diagnosis.kind in NEVER_PASSED_ON
    why = (
        "its mistake did not come from another layer"
        if of_its_own
        else "a mistake in one layer's backward pass often spreads to the layers before it"
    )
    return (f"{wrong} parameters are wrong; start with `{safe(first.name)}`: {why}",)


def _of_the_claim_alone(item: Evidence) -> Diagnosis | None:
    """What a wrong claim shows without any measurement: that it is not finite, or zero throughout."""
    parameter = item.parameter
    first = item.first_not_finite
    if first is None:
        return None if item.by_entries or item.claimed.any() else diagnose_zero_claim(parameter.name)
    count = int(np.sum(~np.isfinite(item.claimed)))
    more = f", and {say_count(count - 1, 'more entry is', 'more entries are')} not finite" if count > 1 else ""
    entry = entry_name(safe(parameter.name), parameter.index(first), parameter.part(first))
    sentence = NOT_FINITE.fill(value=item.claimed[first], more=more)
    return Diagnosis("not_finite", f"`{entry}`: {sentence.what}; {sentence.look}", 1.0)


def _facts(item: Evidence, numeric: Mapping[str, FloatVector], theta: FloatVector | None) -> Facts:
    if item.projected:
        return _facts_of_some(item, theta)
    parameter, derivatives = item.parameter, item.derivatives
    return Facts(
        name=parameter.name,
        claimed=_tensor(parameter, item.claimed),
        numeric=_tensor(parameter, item.numeric),
        error=_tensor(parameter, item.error),
        # On a kink a claim that is right says nothing: every value between the slopes would be.
        known=_tensor(parameter, (derivatives.lower == derivatives.upper) | (item.numeric != item.claimed)),
        theta=None if theta is None else _tensor(parameter, theta[parameter.range]),
        parts=parameter.is_complex,
        others=numeric,
    )


def _facts_of_some(item: Evidence, theta: FloatVector | None) -> Facts:
    """Facts about a parameter whose entries were measured one by one in part: in wrong ranges at least."""
    parameter = item.parameter
    measured = item.derivatives.lower != item.claimed
    present = None if theta is None else theta[parameter.range]
    if parameter.size > MOST_ENTRIES:  # in a larger one no entry is looked for in another place
        some = np.flatnonzero(measured)
        return Facts(
            name=parameter.name,
            claimed=item.claimed[some],
            numeric=item.derivatives.lower[some],
            error=item.derivatives.error[some] + item.claim.rounding,
            known=item.derivatives.lower[some] == item.derivatives.upper[some],
            theta=None if present is None else present[some],
            extent=Extent.SAMPLE,
        )
    known = np.ones(parameter.size, dtype=np.bool_)
    for start, stop in item.located:
        known[start:stop] = measured[start:stop]
    return Facts(
        name=parameter.name,
        claimed=_tensor(parameter, item.claimed),
        numeric=_tensor(parameter, item.numeric),
        error=_tensor(parameter, np.where(measured, item.error, 0.0)),  # the rest is right, as the certificate says
        known=_tensor(parameter, known),
        theta=None if present is None else _tensor(parameter, present),
        parts=parameter.is_complex,
        extent=Extent.WRONG_PLACES,
    )


def _tensor(parameter: Parameter, numbers: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Numbers of theta in the tensor's shape; of a complex one with an axis for real and imaginary parts."""
    return numbers.reshape((*parameter.shape, 2) if parameter.is_complex else parameter.shape)

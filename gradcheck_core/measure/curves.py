"""The curves of wrong parameters: further evaluations, for a person to look at, that no verdict rests on."""

import math
from collections.abc import Sequence
from typing import final

import numpy as np

from ..check.judging import Assessed, assess_all
from ..diagnosis import Place, choose_first_to_fix
from ..evaluate.limits import most_evaluations
from ..evaluate.session import Session
from ..numerics.curves import (
    EVALUATIONS_OF_REMAINDERS,
    EVALUATIONS_OF_STEPS,
    Remainders,
    StepCurve,
    remainders,
    step_curve,
)
from ..numerics.steps import own_sizes
from ..protocol.layout import FloatVector
from ..report.pictures import Curves
from ..report.records import ParameterReport
from ..report.verdict import Verdict
from .evidence import Evidence, cost_of

MOST_PICTURED = 5
"""Wrong parameters of which there are pictures: more would not be looked at, and each takes a third of a second."""

_FIRST = 2
"""Parameters whose curves are traced whatever share that is: the one nearest to the cost, and the worst."""

_PATIENCE = 5.0
"""Seconds that those may take: nobody who waits for a verdict asked for pictures."""

_SHARE = 8
"""Part of the evaluations so far that more curves may take: a wrong gradient takes little more than a right one."""

_MOST_ENTRIES = 10_000_000
"""Of a parameter beyond which its curves, which copy it at every step, would take longer than they are worth."""

Pairs = Sequence[tuple[Evidence, ParameterReport]]

_EACH = EVALUATIONS_OF_STEPS + EVALUATIONS_OF_REMAINDERS


def trace(session: Session, evidence: Sequence[Evidence], noise: float) -> dict[str, Curves]:
    """The curves of the wrong parameters that matter most, by name, as far as the check may still evaluate.

    Those of the first two take 100 evaluations, and are left out where that would be some seconds. More are traced as
    long as all together take no more than an eighth of what the check took. Where nothing is wrong and something
    inconclusive, its curves are traced if the check stays within what a right gradient is promised to take; where all
    passes nothing is evaluated.
    """
    baseline = session.baseline
    assessed = assess_all(evidence, baseline.theta, baseline.cost.value, session.options.policy).each
    wrong = _ordered(assessed, session)
    taken = session.evaluator.evaluations
    quick = _FIRST * _EACH * session.evaluator.seconds_each < _PATIENCE
    allowed = max(_FIRST * _EACH if quick else 0, taken // _SHARE)
    if not wrong:
        wrong = _undecided(assessed)
        allowed = max(0, most_evaluations(sum(item.parameter.size for item in evidence)) - taken - 1)
    found: dict[str, Curves] = {}
    for item, report in wrong[: min(MOST_PICTURED, allowed // _EACH)]:
        if session.evaluator.left_beyond(1, _EACH) < _EACH:
            break
        if item.by_entries and item.parameter.size <= _MOST_ENTRIES:
            curves = _Tracer(session, item, noise).curves()
            found |= {report.name: curves} if curves is not None else {}
    return found


def _ordered(assessed: Sequence[Assessed], session: Session) -> list[tuple[Evidence, ParameterReport]]:
    """The wrong ones, worst first, and before all others the one that is to be looked at first as far as is known."""
    wrong = {one.report.name: (one.evidence, one.report) for one in assessed if one.report.verdict.is_evidence}
    if not wrong:
        return []
    worst = max(report.verdict.severity for _, report in wrong.values())
    names = {name: None for name, (_, report) in wrong.items() if report.verdict.severity == worst}
    places = [Place(parameter.name, i) for i, parameter in enumerate(session.layout.parameters)]
    first = choose_first_to_fix(names, places)
    return worst_first(list(wrong.values()), first)


def worst_first(pairs: Pairs, first: str) -> list[tuple[Evidence, ParameterReport]]:
    """The one to look at first, then the others, worst first."""
    return sorted(pairs, key=lambda pair: (pair[1].name == first, pair[1].rank()), reverse=True)


def _undecided(assessed: Sequence[Assessed]) -> list[tuple[Evidence, ParameterReport]]:
    found = [(one.evidence, one.report) for one in assessed if one.report.verdict is Verdict.INCONCLUSIVE]
    return sorted(found, key=lambda pair: pair[1].rank(), reverse=True)[:1]


@final
class _Tracer:
    """Traces the curves of one parameter."""

    def __init__(self, session: Session, item: Evidence, noise: float) -> None:
        self._session = session
        self._item = item
        self._noise = noise
        names = [parameter.name for parameter in session.layout.parameters]
        self._position = names.index(item.parameter.name)
        self._present = session.entries(self._position)
        self._epsilon = math.inf if session.options.epsilon is None else session.options.epsilon

    def curves(self) -> Curves | None:
        """None where the cost raises, or is not finite, beyond where the check had to go: that is no mistake."""
        entry = self._item.worst
        with np.errstate(all="ignore"):
            try:
                found = Curves(self._item.parameter.entry(entry), self._steps(entry), self._remainders())
            except Exception:
                return None
        return found if any(map(math.isfinite, found.steps.error)) else None

    def _steps(self, entry: int) -> StepCurve:
        session = self._session
        at = cost_of(session.evaluator, self._position, self._present, session.baseline, self._noise)
        one = np.array([entry])

        def moved(t: float) -> tuple[float, float]:
            values = self._present.copy()
            values[entry] += t
            to = at.rounded(values)[one]
            return float(to[0] - self._present[entry]), float(at.costs_at(one, to)[0])

        size = float(own_sizes(self._present)[entry])
        return step_curve(moved, at.cost, self._noise, at.roundoff, size, self._epsilon)

    def _remainders(self) -> Remainders:
        """Through the entries found wrong, in the sense of their discrepancy, so that nothing cancels; else all."""
        session, item, present = self._session, self._item, self._present
        apart = np.nan_to_num(item.claimed - item.numeric)
        off = np.abs(apart) > item.error
        direction = own_sizes(present) * (np.where(off, np.sign(apart), 0.0) if off.any() else _signs(present.size))

        def along(t: float) -> float:
            return session.evaluator.cost_moved({self._position: present + t * direction}, {self._position: present})

        return remainders(
            along,
            session.baseline.cost.value,
            float(item.claimed @ direction),
            float(item.numeric @ direction),
            self._noise,
            self._epsilon / float(np.max(np.abs(direction))),
        )


def _signs(size: int) -> FloatVector:
    return np.random.default_rng(0).choice([-1.0, 1.0], size=size)

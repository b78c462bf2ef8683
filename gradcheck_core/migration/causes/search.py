"""Why two sides differ: each known mistake is undone, and named only if the difference then goes away."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from ...numerics.norms import norm
from ...protocol.causes import Alteration
from ...report.verdict import Verdict, VerdictPolicy
from ..parity.carrying import CarriedSide
from ..parity.live import OpenSide
from ..parity.pairing import Difference, compare_side, judge_costs
from ..parity.rows import LikelyCause, Outcome
from ..parity.side import Arrays, Side
from .moves import list_moves
from .numbers import explain_values, find_constant, find_factor, find_noisier

MOST_TRIED = 500
"""Explanations tried for one pair. Each takes an evaluation of the cost, and more than a check of a large model takes
are not worth waiting for."""

_MOST_PAIRS = 150
"""Pairs of explanations: an altered cost is traced or compiled anew, which takes longer than an evaluation."""

_BY_CHANCE = 1e-6
"""Share of the difference that may be left: a wrong explanation leaves less in one case of a million."""

_WITH_GRADIENTS = 1e-3
"""The same, if all gradients have to agree too: frameworks round constants of their own to float32."""

_GRADIENTS_LEFT = 1e-2
"""Share of the gradients' difference that may be left."""


@final
@dataclass(frozen=True, slots=True)
class Explained:
    """What was found, and how many attempts it took."""

    cause: LikelyCause | None
    tried: int


def explain(reference: Side, other: Side, carried: CarriedSide, found: Difference, policy: VerdictPolicy) -> Explained:
    """Name the likely cause of a difference, or nothing."""
    search = _Search(reference, other, carried, found, policy)
    # costs and gradients differ as they should if values are a little off
    is_another = found.is_off and not any(row.values_are_off for row in found.rows)
    sought = Outcome.FORWARD_DIFFERS if is_another else found.outcome
    cause = _SOUGHT[sought](search)
    return Explained(cause, search.tried)


def _kind(alterations: tuple[Alteration, ...]) -> str:
    return ", ".join(dict.fromkeys(alteration.kind for alteration in alterations))


def _gradients_off(found: Difference) -> float:
    return norm(np.array([row.gradient_difference for row in found.rows if not row.why]))


@final
class _Search:
    """The search for the cause of one pair's difference; it counts the attempts."""

    def __init__(
        self, reference: Side, other: Side, carried: CarriedSide, found: Difference, policy: VerdictPolicy
    ) -> None:
        self.reference = reference
        self.other = other
        self.carried = carried
        self.found = found
        self.policy = policy
        self.tried = 0

    def values(self) -> LikelyCause | None:
        """The values differ: how, and whether that is all."""
        shifted = self.found.shifted
        cause = explain_values(self.reference, self.other, self.carried, shifted)
        live = self.other.live
        if live is None:
            return cause
        with live.ask() as asked:
            values = {name: self.carried.values[name] for name in shifted}
            fitting = {name: one for name, one in values.items() if one.shape == self.other.values[name].shape}
            cost = self._ask_cost(asked, fitting)
        agreeing = self._explains(replace(self.other, cost=cost))
        if cause is None:
            listed = ", ".join(f"`{name}`" for name in shifted[:3]) + (", ..." if len(shifted) > 3 else "")
            cause = LikelyCause("values", f"the values of {listed} of `{self.other.name}` were not carried over", "")
            if agreeing is None:
                return None
        said = f"with the reference's values the costs {agreeing or 'still differ'}"
        return replace(cause, evidence="; ".join(filter(None, (cause.evidence, said))))

    def forward(self) -> LikelyCause | None:
        """The values agree and the costs do not."""
        return (
            find_factor(self.reference, self.other, self.carried, self.found)
            or self._first(self._alter)
            or find_constant(self.reference, self.other, self.found)
            or self._first(self._move)
            or self._first(self._alter_twice)
        )

    def gradients(self) -> LikelyCause | None:
        """The costs agree: what the check of the side at fault says of its gradient."""
        blamed = [side for side in (self.reference, self.other) if side.contradicted]
        for side in blamed:
            if side.report is None:
                continue
            worst = sorted(side.report.parameters.values(), key=lambda p: p.rank(), reverse=True)
            for parameter in (side.report.worst, *worst):
                if parameter.diagnosis is not None:
                    share = f"explains {100 * parameter.diagnosis.fit:.4g} % of what differs from finite differences"
                    return LikelyCause(
                        parameter.diagnosis.kind, f"in `{side.name}`, {parameter.diagnosis.sentence}", share
                    )
        return None

    def _first(self, attempt: Callable[[Side], LikelyCause | None]) -> LikelyCause | None:
        """The first explanation, of the one side and then of the other."""
        return attempt(self.other) or attempt(self.reference)

    def _alter(self, side: Side) -> LikelyCause | None:
        """With one thing done otherwise in the framework."""
        return self._best(side, [(one,) for one in self._alterations(side)])

    def _alter_twice(self, side: Side) -> LikelyCause | None:
        """With two things, of different kinds, done otherwise."""
        every = itertools.combinations(self._alterations(side), 2)
        pairs = [pair for pair in every if pair[0].kind != pair[1].kind]
        return self._best(side, pairs[:_MOST_PAIRS])

    def _best(self, side: Side, attempts: Sequence[tuple[Alteration, ...]]) -> LikelyCause | None:
        """The attempt that leaves least of the difference, of the first kind that explains it: the best epsilon."""
        best: tuple[float, LikelyCause] | None = None
        for attempt in attempts:
            if best is not None and _kind(attempt) != best[1].kind:
                continue
            explained = self._try(side, attempt)
            if explained is not None and (best is None or explained[0] < best[0]):
                best = explained
        return None if best is None else best[1]

    def _alterations(self, side: Side) -> tuple[Alteration, ...]:
        if side.live is None:
            return ()
        with side.live.ask() as asked:
            return asked.alterations()

    def _try(self, side: Side, alterations: tuple[Alteration, ...]) -> tuple[float, LikelyCause] | None:
        """As `_judge`, with these alterations; None if the altered cost has no gradient to ask for."""
        live = side.live
        for alteration in alterations:
            live = live and live.alter(alteration)
        if live is None or not live.has_gradient:
            return None
        sentence = ", and ".join(alteration.sentence for alteration in alterations)
        try:
            with live.ask() as asked:
                return self._judge(side, asked, _kind(alterations), sentence, side.asked_at)
        except Exception:  # an altered cost may not fit any more: other shapes, no running averages
            return None

    def _move(self, side: Side) -> LikelyCause | None:
        """With the entries of some parameters in another order."""
        if side.live is None:
            return None
        with side.live.ask() as asked:
            for move in list_moves(side.values):
                values = {**side.asked_at, **move.apply(side.theta)}
                found = self._judge(side, asked, move.kind, move.sentence, values, move.undo)
                if found is not None:
                    return found[1]
        return None

    def _judge(
        self,
        side: Side,
        asked: OpenSide,
        kind: str,
        sentence: str,
        values: Arrays,
        undo: Callable[[Arrays], Arrays] = lambda gradients: gradients,
    ) -> tuple[float, LikelyCause] | None:
        """How much of the costs' difference is left, absolute, and at least its rounding; and the cause."""
        if self.tried >= MOST_TRIED:
            return None
        altered = replace(side, cost=self._ask_cost(asked, values))
        agreeing = self._explains(altered)
        if agreeing is None:
            return None
        told = side.live is not None and side.live.has_gradient
        if told:
            altered = replace(altered, gradients=undo(asked.gradients(values)))
        cause = self._name(side, kind, sentence, agreeing, altered, told=told)
        left = judge_costs(*self._pair(altered), self.policy, self.found.from_values)[0]
        return None if cause is None else (max(left.discrepancy, left.error), cause)

    def _ask_cost(self, asked: OpenSide, values: Arrays) -> float:
        self.tried += 1
        return asked.cost(values)

    def _explains(self, altered: Side) -> str | None:
        """How well the costs agree with one side altered, for a person; None if they do not."""
        reference, other = self._pair(altered)
        cost, verdict = judge_costs(reference, other, self.policy, self.found.from_values)
        before = self.found.cost.discrepancy
        allowed = _WITH_GRADIENTS if verdict is Verdict.CORRECT else _BY_CHANCE
        if not (verdict.passed and cost.discrepancy <= max(cost.error, allowed * before) < before):
            return None
        return f"agree to {cost.difference:.0e}" if cost.difference else "agree exactly"

    def _name(
        self, side: Side, kind: str, sentence: str, agreeing: str, altered: Side, *, told: bool
    ) -> LikelyCause | None:
        """The cause, if the gradients agree too; if they are not known, the costs have to agree to rounding."""
        reference, other = self._pair(altered)
        held = compare_side(reference, other, CarriedSide.over(reference, self.carried.mapping), self.policy)
        before = self.found.cost
        rounding = norm(np.array([row.gradient_resolution for row in held.rows if not row.why]))
        alike = told and _gradients_off(held) <= max(_GRADIENTS_LEFT * _gradients_off(self.found), rounding)
        if not alike and held.cost.discrepancy > max(held.cost.error, _BY_CHANCE * before.discrepancy):
            return None
        gradients = "so do the gradients" if alike else "the gradients still differ" if told else ""
        costs = f"with that changed the costs {agreeing} (before, they differed by {before.difference:.0e})"
        beside = self.other if side.name == self.reference.name else self.reference
        named = sentence.replace("{side}", side.name).replace("{other}", beside.name)
        return LikelyCause(kind, named, ", and ".join(filter(None, (costs, gradients))))

    def _pair(self, altered: Side) -> tuple[Side, Side]:
        """The reference and the other side, one of them altered."""
        is_reference = altered.name == self.reference.name
        return (altered, self.other) if is_reference else (self.reference, altered)


_SOUGHT: dict[Outcome, Callable[[_Search], LikelyCause | None]] = {
    Outcome.AGREE: lambda search: None,
    # nothing differs beyond the resolution, which may be coarse for a reason
    Outcome.UNDECIDED: lambda search: find_noisier(search.reference, search.other),
    Outcome.CONTRADICTED: _Search.gradients,
    Outcome.GRADIENTS_DIFFER: _Search.gradients,
    Outcome.FORWARD_DIFFERS: _Search.forward,
    Outcome.VALUES_DIFFER: _Search.values,
}

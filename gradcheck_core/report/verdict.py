"""Difference and resolution to a verdict: pure numbers in, an enum out."""

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self, final

from ..errors import InvalidInputError


@final
class Verdict(enum.StrEnum):
    """What the evidence says about a gradient."""

    CORRECT = "CORRECT"
    INSPECT = "INSPECT"
    SUSPECT = "SUSPECT"
    BUG = "BUG"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def passed(self) -> bool:
        """Whether a check with this verdict lets a test pass, as CORRECT and INSPECT do."""
        return self in (Verdict.CORRECT, Verdict.INSPECT)

    @property
    def is_evidence(self) -> bool:
        """Whether it is evidence of a mistake, as SUSPECT and BUG are."""
        return self in (Verdict.SUSPECT, Verdict.BUG)

    @property
    def severity(self) -> int:
        """Rank from best (0) to worst (4); evidence of a mistake outranks a lack of evidence."""
        return _FROM_BEST_TO_WORST.index(self)

    @property
    def sentence(self) -> str:
        """What the verdict means, in one sentence for a person."""
        return self.of("gradient")

    def of(self, subject: str) -> str:
        """The sentence about something else that was claimed, e.g. a Hessian-vector product."""
        return _SENTENCES[self].format(subject)


_FROM_BEST_TO_WORST = (Verdict.CORRECT, Verdict.INSPECT, Verdict.INCONCLUSIVE, Verdict.SUSPECT, Verdict.BUG)

_SENTENCES = {
    Verdict.CORRECT: "The claimed {} agrees with finite differences.",
    Verdict.INSPECT: "It passes, but agrees less closely than a correct float64 {} usually does.",
    Verdict.SUSPECT: "The claimed {} differs from finite differences by more than their error.",
    Verdict.BUG: "The claimed {} is wrong.",
    Verdict.INCONCLUSIVE: "Finite differences are too inaccurate here to tell a correct {} from a wrong one.",
}


@final
@dataclass(frozen=True, slots=True)
class VerdictPolicy:
    """The thresholds that turn a difference and its resolution into a verdict.

    Parameters
    ----------
    correct, inspect, bug : float
        Upper ends of the bands CORRECT, INSPECT and SUSPECT, relative (units of the normalised difference, which
        lies in [0, 1]); a difference of `bug` or more is a BUG. The defaults 1e-7, 1e-5 and 1e-3 are the textbook's.
    trusts_resolution : bool
        True (default): a difference within the resolution is not evidence of a mistake, and agreement is never
        claimed finer than the resolution. False: the difference alone decides, as in the textbook.

    Raises
    ------
    InvalidInputError
        If the thresholds are not finite, positive and in ascending order.

    Examples
    --------
    >>> policy = VerdictPolicy()
    >>> policy.judge(difference=3e-9, resolution=1e-9), policy.judge(difference=3e-9, resolution=1e-4)
    (<Verdict.CORRECT: 'CORRECT'>, <Verdict.INSPECT: 'INSPECT'>)
    >>> policy.judge(difference=0.2, resolution=1e-9)
    <Verdict.BUG: 'BUG'>
    """

    correct: float = 1e-7
    inspect: float = 1e-5
    bug: float = 1e-3
    trusts_resolution: bool = True

    def __post_init__(self) -> None:
        thresholds = (self.correct, self.inspect, self.bug)
        if not all(math.isfinite(t) for t in thresholds) or not 0 < self.correct <= self.inspect <= self.bug:
            msg = (
                f"`VerdictPolicy(correct=..., inspect=..., bug=...)`: got {thresholds}; "
                "pass finite numbers with 0 < correct <= inspect <= bug"
            )
            raise InvalidInputError(msg)

    @classmethod
    def textbook(cls) -> Self:
        """The textbook's code: below 1e-7 CORRECT, below 1e-5 INSPECT, else BUG; resolution is ignored."""
        return cls(correct=1e-7, inspect=1e-5, bug=1e-5, trusts_resolution=False)

    def judge(self, difference: float, resolution: float) -> Verdict:
        """Judge one difference against its resolution (both relative; NaN counts as the worst)."""
        if not self.trusts_resolution or not (difference <= resolution or math.isnan(resolution)):
            return self._band(difference)
        return _WITHIN_RESOLUTION[self._band(resolution)]

    def _band(self, size: float) -> Verdict:
        if size < self.correct:
            return Verdict.CORRECT
        if size < self.inspect:
            return Verdict.INSPECT
        return Verdict.SUSPECT if size < self.bug else Verdict.BUG


# No evidence of a mistake: a coarse resolution lowers the claim, it never accuses.
_WITHIN_RESOLUTION = {
    Verdict.CORRECT: Verdict.CORRECT,
    Verdict.INSPECT: Verdict.INSPECT,
    Verdict.SUSPECT: Verdict.INSPECT,
    Verdict.BUG: Verdict.INCONCLUSIVE,
}


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """A claimed gradient compared with a numeric one, as absolute norms over one parameter or all of theta."""

    discrepancy: float  # of numeric - claimed
    error: float  # of the error bars of `numeric`
    claimed: float
    numeric: float
    cost_size: float = 0.0  # near theta; 0 if it is not known

    @property
    def both_zero(self) -> bool:
        """Whether neither gradient can be told from zero."""
        return self.claimed <= self.error and self.numeric <= self.error

    @property
    def difference(self) -> float:
        """The textbook's normalised difference; 0 where both gradients are zero within their error."""
        return 0.0 if self.both_zero else min(1.0, self._relative(self.discrepancy))

    @property
    def resolution(self) -> float:
        """The `difference` that the error bars could produce alone, at most 1."""
        return min(1.0, self._relative(self.error))

    def _relative(self, size: float) -> float:
        total = self.claimed + self.numeric
        if math.isnan(size) or math.isinf(size) or math.isinf(total):
            return 1.0
        if size == 0:
            return 0.0
        return size / total if total > 0 else 1.0


@final
@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and whether it had to be measured on the natural scale."""

    verdict: Verdict
    on_natural_scale: bool


@final
@dataclass(frozen=True, slots=True)
class NaturalScale:
    """The absolute size of this problem's gradient, and the best verdict of a parameter judged on that scale."""

    size: float
    best: Verdict = Verdict.CORRECT
    from_cost: bool = False  # whether it is of `|J|` over theta's scale, not of the gradient

    def at_least(self, size: float) -> Self:
        """The scale of a parameter whose own gradient is known to have at least this size; 0 if that is not known."""
        return (
            replace(
                self, size=max(self.size, size), best=Verdict.CORRECT, from_cost=self.from_cost and size <= self.size
            )
            if size > 0
            else self
        )


def judge_parameter(comparison: Comparison, scale: NaturalScale, policy: VerdictPolicy) -> Judgement:
    """Judge one parameter, on the natural scale if it is too small to measure relative to itself.

    On that scale the verdict is ``scale.best`` if both gradients are zero within an error bar below ``policy.correct``,
    INCONCLUSIVE if the error bar reaches ``policy.bug``, and INSPECT otherwise.
    """
    verdict = policy.judge(comparison.difference, comparison.resolution)
    if verdict is not Verdict.INCONCLUSIVE:
        return Judgement(verdict, on_natural_scale=False)
    coarseness = comparison.error / scale.size if scale.size > 0 else math.inf
    if comparison.both_zero and coarseness < policy.correct:
        return Judgement(scale.best, on_natural_scale=True)
    verdict = Verdict.INSPECT if coarseness < policy.bug else Verdict.INCONCLUSIVE
    return Judgement(verdict, on_natural_scale=True)


_VANISHED = 1e-12
"""A gradient this much smaller than ``|J|`` over theta's scale is what rounding leaves at a fitted optimum."""

_SATURATED = 1e-9
"""A gradient this much smaller, and too small to measure relative to itself, is that of a saturated unit."""

_COARSE = 1e-3
"""Resolution from which a gradient says nothing about itself."""

_ROUNDED = 2.0**-50
"""A claim this much smaller than ``|J|`` over theta's scale, four roundings of float64, is zero."""


CANCELLING = 1 / 16
"""This part of the whole gradient counts as the size of the terms that cancel inside a parameter's gradient: they are
as large as other gradients, and round as those do."""


def natural_scale(whole: Comparison, cost: float, theta_scale: float) -> NaturalScale:
    """The size of this problem's gradient: over all of theta or, where that vanishes, ``|J|`` over theta's scale.

    A cost that is zero at theta, such as a penalty of weights that are all zero, counts with its size one step away.
    If a claimed gradient is hidden entirely by the error, one with the other sign would look the same, so the verdict
    is at best INSPECT.
    """
    from_cost = max(abs(cost), whole.cost_size) / theta_scale
    size = whole.claimed + whole.numeric
    saturated = whole.resolution >= _COARSE and size < _SATURATED * from_cost
    if not (whole.both_zero or size < _VANISHED * from_cost or saturated):
        return NaturalScale(size)
    hidden = whole.both_zero and whole.claimed > _ROUNDED * from_cost
    return NaturalScale(from_cost, Verdict.INSPECT if hidden else Verdict.CORRECT, from_cost=True)


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts."""
    return max(verdicts, key=lambda verdict: verdict.severity)

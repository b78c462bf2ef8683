"""Entries moved together: whether derivatives that are right one by one are a gradient.

Where several entries meet in one kink, such as the tied values of a max or a median, every single entry may agree
and the whole be no gradient, or a right gradient contradict every single entry. Only directions through several
entries tell. Kinks that entries have side by side, as ReLUs with their biases at zero, are no such place.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from .assessment import Evidence
from .numerics.coordinates import Derivatives
from .numerics.directions import directions_through
from .numerics.remeasure import STEPS_ALONG_A_LINE, along_line
from .numerics.steps import CONFIDENT, first_step, scales
from .protocol import FloatVector
from .session import Session

_EVALUATIONS_EACH = 2 * len(STEPS_ALONG_A_LINE)

_MOST_SUSPECTS = 8
"""Parameters that are looked at by themselves; as many places are enough to know that a gradient is wrong."""

_SAMPLES = 12
"""Points nearby at which a slope is taken; all but 1 in 100 times they meet each of three tied entries."""

_NEARBY = 16.0
"""How far away those points are, in steps of a usual difference."""

_FINER = 64.0
"""How much shorter than usual the differences there are, so that few of them cross a kink."""

_SLACK = 1e-2
"""Part of a slope by which it may change from one point nearby to the next where the cost is smooth."""


_FEW = 8
"""Kinks of single entries up to which points nearby show what all of them together can do, to half of the spread."""


@final
class _Kind(enum.Enum):
    KEEP = ""
    GENERALISED = (
        "`{}`: not differentiable at theta, where several of its entries meet in one kink (a tie, a sort); the claimed "
        "gradient is one of those that the cost has nearby"
    )
    UNDECIDED = (
        "`{}`: not differentiable at theta, where several of its entries meet in one kink (a tie, a sort); whether the "
        "claimed gradient is one of those that the cost has nearby was not seen"
    )
    WRONG = (
        "`{}`: moved together, its entries change the cost otherwise than the claimed gradient says, "
        "though each may agree by itself: it lies on a kink where several meet (a tie, a sort)"
    )


@final
@dataclass(frozen=True, slots=True)
class _Finding:
    """What was found out about a parameter; `nearest`: the gradient nearest to a wrong claim that the slopes allow."""

    kind: _Kind
    nearest: FloatVector | None = None


@final
@dataclass(frozen=True, slots=True)
class _Slopes:
    """The cost's slope along a direction, from one side and the other, and how far off both may be."""

    lower: float
    upper: float
    error: float

    def contain(self, value: float, allowed: float) -> bool:
        # written so that an infinite bar, or a slope that is not a number, excludes nothing
        return not (value < self.lower - self.error - allowed or value > self.upper + self.error + allowed)

    def are(self, lower: float, upper: float, allowed: float) -> bool:
        """Whether these are the two slopes."""
        off = max(abs(lower - self.lower), abs(upper - self.upper))
        return not off > self.error + allowed


def hold_jointly(
    session: Session, evidence: Sequence[Evidence], noise: float
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """Hold claims and derivatives against the cost's slopes along directions through many entries.

    One random direction goes through all of theta. Where the slope along it is not what the entries say, and where a
    parameter has several kinks, the parameters are looked at by themselves: whether along a direction the one-sided
    slopes are the sums of the entries' own. If they are not, the claim is held against the slopes along further
    directions. One that is contradicted there still counts as right if the slopes at points nearby surround it, since
    the gradients nearby are what a generalised gradient is made of.

    Parameters
    ----------
    session : Session
        The check's own.
    evidence : sequence of Evidence
        One item for each checked parameter, in the order of `session.chosen`.
    noise : float
        Of the cost, absolute.

    Returns
    -------
    evidence : tuple of Evidence
        The same, but for parameters that were found out; and notes on those.

    References
    ----------
    F. H. Clarke, Optimization and Nonsmooth Analysis (1983), section 2.5: the generalised gradient as the hull of
    gradients nearby. J. V. Burke, A. S. Lewis and M. L. Overton, SIAM J. Optim. 15 (2005), section 1: sampling them.
    """
    # No longer a step than single entries needed: a cost that turns over within it would show any slope at all.
    line = _Line(session, noise, min(item.derivatives.step for item in evidence))
    if not line.affordable:
        return tuple(evidence), ()
    items = dict(zip(session.chosen, evidence, strict=True))
    (everywhere,) = directions_through(session.present, 1, np.random.default_rng(0))
    agreed = sum(float(everywhere[i] @ _believed(item)) for i, item in items.items())
    allowed = sum(float(np.abs(everywhere[i]) @ item.error) for i, item in items.items())
    if line.slopes(everywhere).contain(agreed, allowed):
        suspects = [i for i, item in items.items() if item.derivatives.kinks > 1]
    else:
        suspects = sorted(items, key=lambda i: -(2 * bool(_away(items[i]).any()) + bool(items[i].derivatives.kinks)))
    notes = []
    for i in suspects[:_MOST_SUSPECTS]:
        finding = _examine(line, i, items[i])
        items[i] = _corrected(items[i], finding)
        if finding.kind is not _Kind.KEEP:
            notes.append(finding.kind.value.format(items[i].parameter.name))
    return tuple(items.values()), tuple(notes)


@final
class _Line:
    """The cost along directions through theta."""

    def __init__(self, session: Session, noise: float, longest: float) -> None:
        self._session = session
        self._present = session.present
        self._noise = noise
        self.step = min(first_step(noise, session.baseline.cost.value, session.baseline.roundoff), longest)

    @property
    def affordable(self) -> bool:
        """Whether the check may still make the evaluations that one direction takes."""
        return self._session.evaluator.left_beyond(1, _EVALUATIONS_EACH) == _EVALUATIONS_EACH

    def entries(self, parameter: int) -> FloatVector:
        """The parameter's entries at theta."""
        return self._present[parameter]

    def slopes(self, direction: dict[int, FloatVector]) -> _Slopes:
        """Both one-sided slopes at theta."""
        cost = self._session.baseline.cost.value
        steps = self.step * STEPS_ALONG_A_LINE
        plus = np.array([self._at(direction, float(t)) for t in steps]) - cost
        minus = np.array([self._at(direction, float(-t)) for t in steps]) - cost
        return _Slopes(*along_line(steps, plus, minus, self._noise, self._session.baseline.roundoff))

    def sides(self, parameter: int, found: Derivatives) -> tuple[FloatVector, FloatVector]:
        """Every entry's slope to the right and to the left; one evaluation for each on a kink."""
        right, left = found.upper.copy(), found.lower.copy()
        cost = self._session.baseline.cost.value
        for entry in np.flatnonzero(found.lower < found.upper):
            unit = np.zeros_like(right)
            unit[entry] = scales(self._present[parameter])[entry]
            slope = (self._at({parameter: unit}, self.step) - cost) / (self.step * unit[entry])
            if abs(slope - found.lower[entry]) < abs(slope - found.upper[entry]):
                right[entry], left[entry] = left[entry], right[entry]
        return right, left

    def slopes_nearby(self, direction: dict[int, FloatVector], generator: np.random.Generator) -> _Slopes:
        """The least and the largest slope along the direction at random points beside theta."""
        step = self.step / _FINER
        found = []
        for _ in range(_SAMPLES):
            beside = {
                i: _NEARBY * self.step * scales(self._present[i]) * generator.uniform(-1, 1, size=along.size)
                for i, along in direction.items()
            }
            ahead, behind = (self._at(direction, t, beside) for t in (step, -step))
            found.append((ahead - behind) / (2 * step))
        finite = [slope for slope in found if np.isfinite(slope)]
        if not finite:
            return _Slopes(0.0, 0.0, np.inf)
        error = _SLACK * max(map(abs, finite)) + CONFIDENT * self._noise / step
        return _Slopes(min(finite), max(finite), error)

    def _at(self, direction: dict[int, FloatVector], t: float, beside: dict[int, FloatVector] | None = None) -> float:
        moved = {i: self._present[i] + t * along for i, along in direction.items()}
        for i, offset in (beside or {}).items():
            moved[i] = moved[i] + offset
        return self._session.evaluator.cost_moved(moved, {i: self._present[i] for i in direction})


def _believed(item: Evidence) -> FloatVector:
    """The claimed entries where they agree with the numeric ones by themselves, the numeric ones elsewhere."""
    return np.where(_away(item), item.numeric, np.nan_to_num(item.claimed))


def _away(item: Evidence) -> np.ndarray:
    """Which entries are claimed outside of their error bar."""
    return ~(np.abs(item.claimed - item.numeric) <= item.error)


def _middle(item: Evidence) -> FloatVector:
    return (item.derivatives.lower + item.derivatives.upper) / 2


def _examine(line: _Line, position: int, item: Evidence) -> _Finding:
    if not np.all(np.isfinite(item.claimed)):
        return _Finding(_Kind.KEEP)  # a claim that is not finite is wrong in any case
    generator = np.random.default_rng(position)
    signs = generator.choice([-1.0, 1.0], size=item.claimed.size)
    sizes = scales(line.entries(position)) * generator.uniform(0.5, 1.0, size=signs.size)
    if _side_by_side(line, position, item, (signs * sizes, sizes)):
        return _Finding(_Kind.KEEP)
    findings = [_Finding(_Kind.KEEP)]
    for direction in _telling(item, signs, sizes):
        if not line.affordable:
            break
        allowed = float(np.abs(direction) @ item.error)
        claimed = float(direction @ item.claimed)
        if line.slopes({position: direction}).contain(claimed, allowed):
            continue
        nearby = line.slopes_nearby({position: direction}, generator)
        if nearby.contain(claimed, allowed):
            findings.append(_Finding(_Kind.GENERALISED))
            continue
        # With many tied entries some are not met nearby; what lies far outside is no gradient of any of them.
        width = nearby.upper - nearby.lower
        far = width > nearby.error and not nearby.contain(claimed, allowed + width / 2)
        few = item.derivatives.kinks <= _FEW
        missing = float(np.clip(claimed, nearby.lower, nearby.upper)) - claimed
        nearest = item.claimed + missing * direction / (direction @ direction)
        findings.append(_Finding(_Kind.WRONG, nearest) if far and few else _Finding(_Kind.UNDECIDED))
    return max(findings, key=lambda finding: list(_Kind).index(finding.kind))


def _telling(item: Evidence, signs: FloatVector, sizes: FloatVector) -> list[FloatVector]:
    """Directions that tell a gradient from none: along the discrepancy, at random, all one way, and the worst entry."""
    discrepancy = item.claimed - _middle(item)
    along = np.where(discrepancy == 0, signs, np.sign(discrepancy)) * sizes
    # All one way, the slopes by tied entries are of one sign: a claim of nothing shows there.
    directions = [along, signs * sizes, sizes]
    away = _away(item)
    if away.any():
        directions.append(np.where(np.arange(away.size) == np.argmax(np.abs(discrepancy) * away), sizes, 0.0))
    return directions


def _side_by_side(line: _Line, position: int, item: Evidence, directions: Sequence[FloatVector]) -> bool:
    """Whether along each direction the one-sided slopes are the sums of the entries' own."""
    right, left = line.sides(position, item.derivatives)
    for direction in directions:
        if not line.affordable:
            return True
        ahead = float(np.where(direction > 0, right, left) @ direction)
        behind = float(np.where(direction > 0, left, right) @ direction)
        allowed = float(np.abs(direction) @ item.derivatives.error)
        if not line.slopes({position: direction}).are(min(ahead, behind), max(ahead, behind), allowed):
            return False
    return True


def _corrected(item: Evidence, finding: _Finding) -> Evidence:
    """The evidence as a judge has to see it after a finding."""
    found = item.derivatives
    if finding.kind is _Kind.KEEP:
        return item
    if finding.kind is _Kind.GENERALISED:
        lower, upper = np.minimum(found.lower, item.claimed), np.maximum(found.upper, item.claimed)
        return replace(item, derivatives=replace(found, lower=lower, upper=upper))
    # The central differences count: between the two sides of a kink a single entry could hide.
    central = replace(item, derivatives=replace(found, lower=_middle(item), upper=_middle(item)))
    if finding.nearest is not None:
        joint = replace(item, derivatives=replace(found, lower=finding.nearest, upper=finding.nearest))
        return central if _away(central).any() else joint
    unknown = np.full_like(found.error, np.linalg.norm(item.claimed) + np.linalg.norm(_middle(item)) or np.inf)
    return replace(central, derivatives=central.derivatives.no_better_than(unknown))

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

from ..evaluate.session import Session
from ..numerics.steps import own_sizes
from ..protocol.layout import FloatVector
from .directions import Line
from .evidence import Evidence

_MOST_SUSPECTS = 8
"""Parameters that are looked at by themselves; as many places are enough to know that a gradient is wrong."""

_MOST_ENTRIES = 3
"""Contradicted entries of which it is asked whether they take part in a kink."""

_FEW = 8
"""Kinks of single entries up to which points nearby show what all of them together can do, to a third of the spread."""


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
    longest = min(item.derivatives.step for item in evidence)
    line = Line(session.evaluator, session.present, session.baseline, noise, longest)
    if not line.affordable:
        return tuple(evidence), ()
    items = dict(zip(session.chosen, evidence, strict=True))
    generator = np.random.default_rng(0)
    everywhere = {i: _direction(entries, generator) for i, entries in session.present.items()}
    agreed = sum(float(everywhere[i] @ _believed(item)) for i, item in items.items())
    allowed = sum(float(np.abs(everywhere[i]) @ item.error) for i, item in items.items())
    slopes = line.slopes(everywhere)
    if slopes.contain(agreed, allowed):
        # What contradicts the claim is no gradient either where the cost has a kink that no single entry shows.
        bent = not slopes.are(agreed, agreed, allowed)
        suspects = [i for i, item in items.items() if item.derivatives.kinks > 1 or (bent and _away(item).any())]
    else:
        suspects = sorted(items, key=lambda i: -(2 * bool(_away(items[i]).any()) + bool(items[i].derivatives.kinks)))
    notes = []
    for i in suspects[:_MOST_SUSPECTS]:
        finding = _examine(line, i, items[i])
        items[i] = _corrected(items[i], finding)
        if finding.kind is not _Kind.KEEP:
            notes.append(finding.kind.value.format(items[i].parameter.name))
    return tuple(items.values()), tuple(notes)


def _direction(entries: FloatVector, generator: np.random.Generator) -> FloatVector:
    """A random direction through a parameter, in proportion to each entry itself."""
    signs = generator.choice([-1.0, 1.0], size=entries.size)
    direction: FloatVector = own_sizes(entries) * signs * generator.uniform(0.5, 1.0, size=entries.size)
    return direction


def _believed(item: Evidence) -> FloatVector:
    """The claimed entries where they agree with the numeric ones by themselves, the numeric ones elsewhere."""
    return np.where(_away(item), item.numeric, np.nan_to_num(item.claimed))


def _away(item: Evidence) -> np.ndarray:
    """Which entries are claimed outside of their error bar."""
    return ~(np.abs(item.claimed - item.numeric) <= item.error)


def _middle(item: Evidence) -> FloatVector:
    return (item.derivatives.lower + item.derivatives.upper) / 2


def _examine(line: Line, position: int, item: Evidence) -> _Finding:
    if not np.all(np.isfinite(item.claimed)):
        return _Finding(_Kind.KEEP)  # a claim that is not finite is wrong in any case
    generator = np.random.default_rng(position)
    mixed = _direction(line.entries(position), generator)
    signs, sizes = np.sign(mixed), np.abs(mixed)
    if _side_by_side(line, position, item, (signs * sizes, sizes)):
        return _Finding(_Kind.KEEP)
    away = np.abs(item.claimed - item.numeric) * _away(item)
    if any(away[i] and not line.involves(position, int(i), generator) for i in np.argsort(-away)[:_MOST_ENTRIES]):
        return _Finding(_Kind.WRONG, item.numeric)  # an entry that is wrong by itself, whatever the others meet in
    findings = [_Finding(_Kind.KEEP)]
    for direction in _telling(item, signs, sizes):
        if not line.affordable:
            break
        allowed = float(np.abs(direction) @ item.error)
        claimed = float(direction @ item.claimed)
        if line.slopes({position: direction}).contain(claimed, allowed):
            continue
        nearby = line.slopes_nearby(position, direction, generator)
        if nearby.contain(claimed, allowed):
            findings.append(_Finding(_Kind.GENERALISED))
            continue
        # With many tied entries some are not met nearby; what lies far outside is no gradient of any of them.
        width = nearby.upper - nearby.lower
        far = width > nearby.error and not nearby.contain(claimed, allowed + width / 3)
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


def _side_by_side(line: Line, position: int, item: Evidence, directions: Sequence[FloatVector]) -> bool:
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

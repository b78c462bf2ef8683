"""Kinks in which several entries meet: whether derivatives that are right one by one are a gradient.

Where several entries meet in one kink, such as the tied values of a max or a median, every single entry may agree
and the whole be no gradient, or a right gradient contradict every single entry. Only directions through several
entries tell. Kinks that entries have side by side, as ReLUs with their biases at zero, are not such a place.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from ..evaluate.session import Line, Slopes, random_direction
from ..numerics.coordinates import Derivatives
from ..numerics.steps import CONFIDENT, own_sizes
from ..protocol.layout import FloatVector
from .evidence import Evidence

_MOST_SUSPECTS = 8
"""Parameters that are looked at one by one; that many places are enough to know that a gradient is wrong."""

_MOST_ENTRIES = 3
"""Contradicted entries that are tested for taking part in a kink."""

_FEW = 8
"""With at most this many entries on kinks of their own, the slopes at points nearby span most of what is possible: a
claim that is farther outside than a third of that span is wrong. With more kinks it is undecided."""

_SAMPLES = 24
"""Points nearby at which a slope is taken; all but 1 in 200 times they meet a given one of five tied entries."""

_NEARBY = 16.0
"""How far away those points are, in steps of a usual difference."""

_FINER = 64.0
"""How much shorter than usual the differences there are, so that few of them cross a kink."""

_CROSSINGS = 3
"""Points at which it is seen whether an entry takes part in a kink."""

_SLACK = 1e-2
"""Part of a slope by which it may change from one point nearby to the next where the cost is smooth."""


@final
class _Kind(enum.Enum):
    KEEP = ""
    GENERALISED = (
        "`{}`: not differentiable at theta, where several of its entries meet in one kink (a tie, a sort); the claimed "
        "gradient is one that the cost has nearby"
    )
    UNDECIDED = (
        "`{}`: not differentiable at theta, where several of its entries meet in one kink (a tie, a sort); whether the "
        "claimed gradient is one that the cost has nearby was not determined"
    )
    WRONG = (
        "`{}`: moving its entries together does not change the cost as the claimed gradient says, though each entry "
        "may agree on its own: several entries meet in one kink (a tie, a sort)"
    )


@final
@dataclass(frozen=True, slots=True)
class _Finding:
    """What was found out about a parameter; `nearest`: the gradient nearest to a wrong claim that the slopes allow."""

    kind: _Kind
    nearest: FloatVector | None = None


def examine_kinks(
    line: Line, items: Mapping[int, Evidence], suspects: Sequence[int]
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """Compare claims and derivatives of some parameters with the cost's slopes along directions through their entries.

    It is seen whether along a direction the one-sided slopes are the sums of the entries' own. If they are not, the
    claim is compared with the slopes along further directions. A claim that is contradicted there still counts as
    right if the slopes at points nearby surround it: the gradients nearby are what a generalised gradient is made of.

    All evidence is returned, corrected where something was found, and notes on that. Items and suspects, the most
    suspicious first, are by position.

    References
    ----------
    F. H. Clarke, Optimization and Nonsmooth Analysis (1983), section 2.5: the generalised gradient as the hull of
    gradients nearby. J. V. Burke, A. S. Lewis and M. L. Overton, SIAM J. Optim. 15 (2005), section 1: sampling them.
    """
    corrected = dict(items)
    notes = []
    for i in suspects[:_MOST_SUSPECTS]:
        finding = _examine(line, i, items[i])
        corrected[i] = _correct(items[i], finding)
        if finding.kind is not _Kind.KEEP:
            notes.append(finding.kind.value.format(items[i].parameter.name))
    return tuple(corrected.values()), tuple(notes)


def _middle(item: Evidence) -> FloatVector:
    return (item.derivatives.lower + item.derivatives.upper) / 2


def _examine(line: Line, position: int, item: Evidence) -> _Finding:
    if not np.all(np.isfinite(item.claimed)):
        return _Finding(_Kind.KEEP)  # a claim that is not finite is wrong in any case
    generator = np.random.default_rng(position)
    mixed = random_direction(line.present[position], generator)
    signs, sizes = np.sign(mixed), np.abs(mixed)
    if _side_by_side(line, position, item, (signs * sizes, sizes)):
        return _Finding(_Kind.KEEP)
    away = np.abs(item.claimed - item.numeric) * item.away
    if any(away[i] and not _involves(line, position, int(i), generator) for i in np.argsort(-away)[:_MOST_ENTRIES]):
        return _Finding(_Kind.WRONG, item.numeric)  # an entry that is wrong alone, whatever the others meet in
    findings = [_Finding(_Kind.KEEP)]
    for direction in _choose_directions(item, signs, sizes):
        if not line.affordable:
            break
        allowed = float(np.abs(direction) @ item.error)
        claimed = float(direction @ item.claimed)
        if line.slopes({position: direction}).contain(claimed, allowed):
            continue
        nearby = _slopes_nearby(line, position, direction, generator)
        if nearby.contain(claimed, allowed):
            findings.append(_Finding(_Kind.GENERALISED))
            continue
        # With many tied entries some are not met nearby; a claim far outside is not a gradient of any of them.
        width = nearby.upper - nearby.lower
        far = width > nearby.error and not nearby.contain(claimed, allowed + width / 3)
        few = item.derivatives.kinks <= _FEW
        missing = float(np.clip(claimed, nearby.lower, nearby.upper)) - claimed
        nearest = item.claimed + missing * direction / (direction @ direction)
        findings.append(_Finding(_Kind.WRONG, nearest) if far and few else _Finding(_Kind.UNDECIDED))
    return max(findings, key=lambda finding: list(_Kind).index(finding.kind))


def _choose_directions(item: Evidence, signs: FloatVector, sizes: FloatVector) -> list[FloatVector]:
    """Directions that tell a gradient from none: along the discrepancy, at random, all one way, and the worst entry."""
    discrepancy = item.claimed - _middle(item)
    along = np.where(discrepancy == 0, signs, np.sign(discrepancy)) * sizes
    # All one way, the slopes by tied entries are of one sign: a claim of nothing shows there.
    directions = [along, signs * sizes, sizes]
    away = item.away
    if away.any():
        directions.append(np.where(np.arange(away.size) == np.argmax(np.abs(discrepancy) * away), sizes, 0.0))
    return directions


def _side_by_side(line: Line, position: int, item: Evidence, directions: Sequence[FloatVector]) -> bool:
    """Whether along each direction the one-sided slopes are the sums of the entries' own."""
    right, left = _sides(line, position, item.derivatives)
    for direction in directions:
        if not line.affordable:
            return True
        ahead = float(np.where(direction > 0, right, left) @ direction)
        behind = float(np.where(direction > 0, left, right) @ direction)
        allowed = float(np.abs(direction) @ item.derivatives.error)
        if not line.slopes({position: direction}).are(min(ahead, behind), max(ahead, behind), allowed):
            return False
    return True


def _correct(item: Evidence, finding: _Finding) -> Evidence:
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
        return central if central.away.any() else joint
    unknown = np.full_like(found.error, np.linalg.norm(item.claimed) + np.linalg.norm(_middle(item)) or np.inf)
    return replace(central, derivatives=central.derivatives.no_better_than(unknown))


def _sides(line: Line, parameter: int, found: Derivatives) -> tuple[FloatVector, FloatVector]:
    """Every entry's slope to the right and to the left; one evaluation for each on a kink."""
    right, left = found.upper.copy(), found.lower.copy()
    for entry in np.flatnonzero(found.lower < found.upper):
        unit = np.zeros_like(right)
        unit[entry] = own_sizes(line.present[parameter])[entry]
        ahead = line.cost_with({parameter: line.present[parameter] + line.step * unit})
        slope = (ahead - line.cost) / (line.step * unit[entry])
        if abs(slope - found.lower[entry]) < abs(slope - found.upper[entry]):
            right[entry], left[entry] = left[entry], right[entry]
    return right, left


def _slopes_nearby(line: Line, parameter: int, direction: FloatVector, generator: np.random.Generator) -> Slopes:
    """The least and the largest slope along a direction through one parameter at random points beside theta."""
    found = [_slope(line, parameter, direction, _beside(line, parameter, generator)) for _ in range(_SAMPLES)]
    return _spread(line, found)


def _involves(line: Line, parameter: int, entry: int, generator: np.random.Generator) -> bool:
    """Whether moving one entry, beside theta, changes the slopes by others: it takes part in what they meet in."""
    for _ in range(_CROSSINGS):
        beside = _beside(line, parameter, generator)
        others = own_sizes(line.present[parameter]) * generator.uniform(-1.0, 1.0, size=beside.size)
        others[entry] = 0.0
        reach = _NEARBY * line.step * own_sizes(line.present[parameter])[entry]
        found = []
        for side in (-reach, reach):
            beside[entry] = side
            found.append(_slope(line, parameter, others, beside))
        spread = _spread(line, found)
        if spread.upper - spread.lower > spread.error:
            return True
    return False


def _beside(line: Line, parameter: int, generator: np.random.Generator) -> FloatVector:
    """A random offset from theta, small beside every entry."""
    at = line.present[parameter]
    return _NEARBY * line.step * own_sizes(at) * generator.uniform(-1, 1, size=at.size)


def _slope(line: Line, parameter: int, direction: FloatVector, beside: FloatVector) -> float:
    step = line.step / _FINER
    origin = line.present[parameter] + beside
    ahead, behind = (line.cost_with({parameter: origin + t * direction}) for t in (step, -step))
    return (ahead - behind) / (2 * step)


def _spread(line: Line, found: Sequence[float]) -> Slopes:
    finite = [slope for slope in found if np.isfinite(slope)]
    if not finite:
        return Slopes(0.0, 0.0, np.inf)
    error = _SLACK * max(map(abs, finite)) + CONFIDENT * line.noise / (line.step / _FINER)
    return Slopes(min(finite), max(finite), error)

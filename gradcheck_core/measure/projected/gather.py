"""Gather evidence about a large gradient from a few random directions, and find where it is wrong."""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ...evaluate import preflight
from ...evaluate.preflight import theta_scale
from ...evaluate.session import Session
from ...numerics.coordinates import Derivatives
from ...numerics.noise import LEAST_EVALUATIONS, Noise, estimate_noise
from ...numerics.norms import norm
from ...numerics.steps import first_step
from ...numerics.weights import Group, Sizes, weigh
from ...protocol.layout import FloatVector
from ...report.records import Certificate
from ..claims import claimed_gradient, measure_sensitivity
from ..evidence import Claimed, Evidence, Gathered
from ..notes import observe
from .bounds import GroupResult
from .entries import SingleEntries
from .examination import Examination
from .walk import Stretch, Walk

_NOISE_EVALUATIONS = 2 * LEAST_EVALUATIONS
"""Two tables: one at theta, one over the distance of a step."""

_NOISE_ENTRIES = 2**16
"""At most this many entries of each parameter move when the noise is estimated: every layer then rounds anew, and
moving all of them would take as long as evaluating the cost."""


def gather_projected(session: Session) -> Gathered:
    """Certify the claimed gradient along random directions, or find where it is wrong."""
    layout, baseline = session.layout, session.baseline
    claim = claimed_gradient(session)
    sensitivity = measure_sensitivity(session, claim)
    preflight.require_unchanged(session.problem, baseline.theta)
    claimed = {i: Claimed.of(claim.d_theta[layout.parameters[i].range], claim.dtypes[i]) for i in session.chosen}
    groups = _group_parameters(session, claimed) if session.evaluator.affords(LEAST_EVALUATIONS) else []
    numbers = itertools.count()
    noise = _estimate_noise_along(session, groups[0], numbers) if groups else _assume_rounding(session)
    session.evaluator.batch(noise.level, session.options.max_memory)
    entries = SingleEntries(session, claimed, noise.level)
    alpha = (1 - session.options.confidence) / max(len(groups), 1)
    outcomes: dict[int, GroupResult] = {}
    for group in groups:
        walk = _make_walk(session, group)
        examination = Examination(session, walk, group.unit, claim.d_theta, claimed, noise.level, entries, numbers)
        found = examination.conclude(alpha)
        outcomes |= dict.fromkeys(group.weights, found)
    evidence = tuple(_make_evidence(session, i, claimed[i], outcomes.get(i), entries) for i in session.chosen)
    unmoved = tuple(layout.parameters[i].name for i in session.chosen if _is_ignored(i, outcomes, entries))
    found_notes = dict.fromkeys(note for found in outcomes.values() for note in found.notes(layout))
    notes = (
        *claim.notes,
        *found_notes,
        *observe(evidence, unmoved, layout, noise, baseline, session.evaluator.tally.not_finite),
    )
    unseen = tuple(layout.parameters[i].name for i in sorted(i for group in groups for i in group.unseen))
    certificate = _make_certificate(session, outcomes, unseen)
    return Gathered(evidence, notes, sensitivity, unmoved, certificate=certificate, claim=claim, noise=noise.level)


def _group_parameters(session: Session, claimed: dict[int, Claimed]) -> list[Group]:
    whole = theta_scale(session.baseline.theta)
    gradients = {i: norm(claim.values) for i, claim in claimed.items()}
    finite = [i for i, size in gradients.items() if math.isfinite(size)]
    sizes = {i: Sizes(gradients[i], _measure_scale(session.entries(i), whole)) for i in finite}
    return list(weigh(sizes, session.baseline.cost.value)) if sizes else []


def _measure_scale(entries: FloatVector, whole: float) -> float:
    """The scale of a parameter's entries; if all are zero, as in a new bias, that of the whole of theta."""
    size = norm(entries)
    return size / math.sqrt(entries.size) if size else whole


def _make_walk(session: Session, group: Group) -> Walk:
    return Walk(
        session.problem, session.evaluator, session.layout, session.baseline.theta, session.options.seed, group.weights
    )


def _assume_rounding(session: Session) -> Noise:
    return Noise(session.baseline.roundoff * abs(session.baseline.cost.value), settled=False)


def _estimate_noise_along(session: Session, group: Group, numbers: Iterator[int]) -> Noise:
    """Estimate the noise of the cost along a direction through some entries of every parameter of a group."""
    walk = _make_walk(session, group)
    number, baseline = next(numbers), session.baseline
    cost, roundoff = baseline.cost.value, baseline.roundoff
    away = first_step(0.0, cost, roundoff)

    def noise_of(along: tuple[Stretch, ...]) -> Noise:
        most = session.evaluator.left_beyond(1, _NOISE_EVALUATIONS)
        return estimate_noise(lambda t: walk.cost(number, t * group.unit, along), cost, roundoff, away, most)

    some = walk.sample(_NOISE_ENTRIES)
    try:
        noise = noise_of(some)
        # The cost may depend on none of these, e.g. if they are rows of an embedding that no token uses.
        in_vain = not noise.settled and some != walk.everything and session.evaluator.affords(LEAST_EVALUATIONS)
        return max(noise, noise_of(walk.everything), key=lambda found: found.level) if in_vain else noise
    finally:
        walk.restore()


def _make_evidence(
    session: Session, parameter: int, claimed: Claimed, found: GroupResult | None, entries: SingleEntries
) -> Evidence:
    described = session.layout.parameters[parameter]
    if found is None:  # the claim is not finite, and so wrong whatever the cost does; or there were no evaluations left
        nothing = np.broadcast_to(0.0, claimed.values.shape)
        return Evidence(described, claimed, Derivatives(nothing, nothing, np.broadcast_to(np.inf, nothing.shape)))
    weight = found.weights[parameter]
    each = found.bound_of(parameter) / (weight * np.sqrt(described.size))
    rest = Derivatives(claimed.values, claimed.values, np.broadcast_to(each, claimed.values.shape))
    derivatives = entries.put_into(parameter, rest)
    if parameter in found.doubtful:  # single entries then do not say all
        derivatives = derivatives.no_better_than(rest.error)
    return Evidence(
        described,
        claimed,
        derivatives,
        projected=found.discrepancy_of(parameter) / weight,
        located=found.ranges_of(parameter),
        by_entries=entries.were_measured(parameter),
    )


def _is_ignored(parameter: int, outcomes: dict[int, GroupResult], entries: SingleEntries) -> bool:
    """Whether no move of a parameter changed the cost."""
    if parameter not in outcomes:
        return False
    if entries.were_measured(parameter):
        return not entries.moved_the_cost(parameter)
    return not outcomes[parameter].moves_the_cost


def _make_certificate(
    session: Session, outcomes: dict[int, GroupResult], unseen: tuple[str, ...]
) -> Certificate | None:
    certified = [found for found in outcomes.values() if found.directions]
    if not certified:
        return None
    bound = max(found.bound for found in certified)
    directions = min(found.directions for found in certified)  # each group is as certain as its own directions
    return Certificate(bound, session.options.confidence, directions, session.options.seed, unseen)

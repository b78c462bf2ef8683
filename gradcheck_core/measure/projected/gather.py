"""Evidence about a large gradient from a few random directions, and where it is wrong, if it is."""

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
from ..claims import claimed_gradient, sensitivity_to_rounding
from ..evidence import Claimed, Evidence, Gathered
from ..notes import observations
from .certified import Certified
from .entries import SingleEntries
from .examination import Examination
from .walk import Stretch, Walk

_NOISE_EVALUATIONS = 18
"""Two tables of nine: at theta, and over the distance of a step."""

_NOISE_ENTRIES = 2**16
"""Of each parameter, that are moved for the noise: every layer then rounds anew, and moving all would take as long as
evaluating the cost."""


def gather_projected(session: Session) -> Gathered:
    """Certify the claimed gradient along random directions; where that fails, find out where it is wrong."""
    layout, baseline = session.layout, session.baseline
    claim = claimed_gradient(session)
    sensitivity = sensitivity_to_rounding(session, claim)
    preflight.require_unchanged(session.problem, baseline.theta)
    claimed = {i: Claimed.of(claim.d_theta[layout.parameters[i].range], claim.dtypes[i]) for i in session.chosen}
    groups = _groups(session, claimed) if session.evaluator.affords(LEAST_EVALUATIONS) else []
    numbers = itertools.count()
    noise = _noise_along(_walk(session, groups[0]), groups[0], session, numbers) if groups else _rounding(session)
    session.evaluator.batch(noise.level, session.options.max_memory)
    entries = SingleEntries(session, claimed, noise.level)
    alpha = (1 - session.options.confidence) / max(len(groups), 1)
    outcomes: dict[int, Certified] = {}
    for group in groups:
        walk = _walk(session, group)
        examination = Examination(session, walk, group.unit, claim.d_theta, claimed, noise.level, entries, numbers)
        found = examination.conclude(alpha)
        outcomes |= dict.fromkeys(group.weights, found)
    evidence = tuple(_evidence(session, i, claimed[i], outcomes.get(i), entries) for i in session.chosen)
    unmoved = tuple(layout.parameters[i].name for i in session.chosen if _is_ignored(session, i, outcomes, entries))
    found_notes = dict.fromkeys(note for found in outcomes.values() for note in found.notes(layout))
    notes = (
        *claim.notes,
        *found_notes,
        *observations(evidence, unmoved, layout, noise, baseline, session.evaluator.not_finite),
    )
    unseen = tuple(layout.parameters[i].name for i in sorted(i for group in groups for i in group.unseen))
    certificate = _certificate(session, outcomes, unseen)
    return Gathered(evidence, notes, sensitivity, unmoved, certificate=certificate, claim=claim, noise=noise.level)


def _groups(session: Session, claimed: dict[int, Claimed]) -> list[Group]:
    whole = theta_scale(session.baseline.theta)
    gradients = {i: norm(claim.values) for i, claim in claimed.items()}
    sizes = {i: Sizes(size, _scale(session.entries(i), whole)) for i, size in gradients.items() if math.isfinite(size)}
    return list(weigh(sizes, session.baseline.cost.value)) if sizes else []


def _scale(entries: FloatVector, whole: float) -> float:
    """Of a parameter's entries; of one that is all zeros, as a new bias is, that of theta as a whole."""
    size = norm(entries)
    return size / math.sqrt(entries.size) if size else whole


def _walk(session: Session, group: Group) -> Walk:
    return Walk(
        session.problem, session.evaluator, session.layout, session.baseline.theta, session.options.seed, group.weights
    )


def _rounding(session: Session) -> Noise:
    return Noise(session.baseline.roundoff * abs(session.baseline.cost.value), settled=False)


def _noise_along(walk: Walk, group: Group, session: Session, numbers: Iterator[int]) -> Noise:
    """The noise of the cost along a direction through some entries of every parameter of the group."""
    number, baseline = next(numbers), session.baseline
    cost, roundoff = baseline.cost.value, baseline.roundoff
    away = first_step(0.0, cost, roundoff)

    def noise_of(along: tuple[Stretch, ...]) -> Noise:
        most = session.evaluator.left_beyond(1, _NOISE_EVALUATIONS)
        return estimate_noise(lambda t: walk.cost(number, t * group.unit, along), cost, roundoff, away, most)

    some = walk.some(_NOISE_ENTRIES)
    try:
        noise = noise_of(some)
        # The cost may not depend on just those, e.g. on the rows of an embedding that no token asks for.
        in_vain = not noise.settled and some != walk.everything and session.evaluator.affords(LEAST_EVALUATIONS)
        return noise_of(walk.everything) if in_vain else noise
    finally:
        walk.back()


def _evidence(
    session: Session, parameter: int, claimed: Claimed, found: Certified | None, entries: SingleEntries
) -> Evidence:
    described = session.layout.parameters[parameter]
    if found is None:  # not finite, and so wrong whatever the cost does; or there were no evaluations for it
        nothing = np.broadcast_to(0.0, claimed.values.shape)
        return Evidence(described, claimed, Derivatives(nothing, nothing, np.broadcast_to(np.inf, nothing.shape)))
    weight = found.weights[parameter]
    each = found.bound_of(parameter) / (weight * np.sqrt(described.size))
    rest = Derivatives(claimed.values, claimed.values, np.broadcast_to(each, claimed.values.shape))
    derivatives = entries.put_into(parameter, rest)
    if parameter in found.doubtful:  # then what single entries say is not all
        derivatives = derivatives.no_better_than(rest.error)
    return Evidence(
        described,
        claimed,
        derivatives,
        projected=found.discrepancy_of(parameter) / weight,
        located=found.ranges_of(parameter),
        by_entries=entries.were_measured(parameter),
    )


def _is_ignored(session: Session, parameter: int, outcomes: dict[int, Certified], entries: SingleEntries) -> bool:
    """Whether nothing that was done to a parameter changed the cost."""
    if parameter not in outcomes:
        return False
    if entries.were_measured(parameter):
        return parameter not in session.evaluator.moving
    return not outcomes[parameter].moves_the_cost


def _certificate(session: Session, outcomes: dict[int, Certified], unseen: tuple[str, ...]) -> Certificate | None:
    certified = [found for found in outcomes.values() if found.directions]
    if not certified:
        return None
    bound = max(found.bound for found in certified)
    directions = min(found.directions for found in certified)  # each group is as certain as its own directions make it
    return Certificate(bound, session.options.confidence, directions, session.options.seed, unseen)

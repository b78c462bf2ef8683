"""Evidence about a gradient: claimed and numeric derivatives by every entry, side by side."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from ..errors import GradcheckError, InvalidInputError
from ..evaluate import preflight
from ..evaluate.session import Line, Session, random_direction
from ..numerics.coordinates import Derivatives
from ..numerics.noise import LEAST_EVALUATIONS, MOST_EVALUATIONS, Noise, estimate_noise
from ..numerics.steps import first_step
from ..protocol.backend import Capability
from .claims import claimed_gradient, measure_sensitivity
from .complex_step import ComplexCost, measure_by_complex_steps
from .evidence import Claimed, Evidence, Gathered
from .forward import what_forward_mode_says
from .kinks import examine_kinks
from .notes import observe
from .sweeping import measure_again, sweep_all


def gather_first_order(session: Session) -> Gathered:
    """Differentiate the cost by every entry of the chosen parameters and lay the claimed gradient beside."""
    layout, options, baseline, evaluator = session.layout, session.options, session.baseline, session.evaluator
    claim = claimed_gradient(session)
    sensitivity = measure_sensitivity(session, claim)
    preflight.require_unchanged(session.problem, baseline.theta)
    line, away, most = _choose_line_for_noise(session)
    noise = estimate_noise(line, baseline.cost.value, baseline.roundoff, away, most)
    if not noise.size:  # if a cost is zero wherever it was met, no other scale than 1 is known
        noise = Noise(baseline.roundoff, settled=False, size=1.0)
    evaluator.batch(noise.level, options.max_memory)
    claimed = {i: Claimed.of(claim.d_theta[layout.parameters[i].range], claim.dtypes[i]) for i in session.chosen}
    if options.scheme == "complex":
        derivatives = _by_complex_steps(session, claimed, noise)
    else:
        swept = sweep_all(session, {i: claim.values.size for i, claim in claimed.items()}, noise)
        derivatives = measure_again(session, swept, claimed, noise)
    unmoved = tuple(layout.parameters[i].name for i, found in derivatives.items() if found.change == 0)
    evidence = tuple(Evidence(layout.parameters[i], claimed[i], derivatives[i]) for i in session.chosen)
    joint_notes: tuple[str, ...] = ()
    if options.epsilon is None:  # a forced step leaves no other
        along = Line(session, noise.level, min(item.derivatives.step for item in evidence))
        items = dict(zip(session.chosen, evidence, strict=True))
        suspects = _find_suspects(along, items) if along.affordable else []
        if suspects:
            evidence, joint_notes = examine_kinks(along, items, suspects)
    notes = [
        *joint_notes,
        *claim.notes,
        *observe(evidence, unmoved, layout, noise, baseline, evaluator.tally.not_finite),
    ]
    if evaluator.tally.not_batched is not None:
        notes.append(f"evaluated one theta at a time, since the cost cannot be batched ({evaluator.tally.not_batched})")
    own = session.case.grads is None and options.mode == "reverse"
    if own and Capability.FORWARD in session.adapter.capabilities:
        notes = [*what_forward_mode_says(session.problem, session.contraction.weights, evidence), *notes]
    return Gathered(evidence, tuple(notes), sensitivity, unmoved, claim=claim, noise=noise.level)


def _choose_line_for_noise(session: Session) -> tuple[Callable[[float], float], float, int]:
    """One random line through all chosen parameters, how far away on it a step ends, and evaluations for it."""
    generator, present, baseline = np.random.default_rng(0), session.present, session.baseline
    # Each entry moves in proportion to itself: entries of far apart sizes in one tensor then all stay near.
    direction = {i: random_direction(values, generator) for i, values in present.items()}
    forced = session.options.epsilon is not None
    away = 0.0 if forced else first_step(0.0, baseline.cost.value, baseline.roundoff)
    sweep_and_last = 2 * sum(values.size for values in present.values()) + 1
    # Without noise no error bar means anything: a few evaluations are for it even if the sweep goes short.
    left_beyond = session.evaluator.left_beyond
    most = max(left_beyond(sweep_and_last, MOST_EVALUATIONS), left_beyond(1, LEAST_EVALUATIONS))
    return partial(session.cost_along, direction), away, most


def _find_suspects(line: Line, items: Mapping[int, Evidence]) -> list[int]:
    """Positions of parameters whose entries may meet in one kink, the most suspicious first.

    One random direction goes through all of theta. All parameters are suspects if the slope along it is not what the
    entries say, and otherwise those that have several kinks, or contradict their claim where the cost is bent.
    """
    generator = np.random.default_rng(0)
    everywhere = {i: random_direction(line.present[i], generator) for i in items}
    # Of entries that are claimed outside their error bar the numeric value, of the others the claim.
    believed = {i: np.where(item.away, item.numeric, np.nan_to_num(item.claimed)) for i, item in items.items()}
    agreed = sum(float(everywhere[i] @ values) for i, values in believed.items())
    allowed = sum(float(np.abs(everywhere[i]) @ item.error) for i, item in items.items())
    slopes = line.slopes(everywhere)
    if not slopes.contain(agreed, allowed):
        return sorted(items, key=lambda i: -(2 * bool(items[i].away.any()) + bool(items[i].derivatives.kinks)))
    # If the cost has a kink that no single entry shows, numeric values that contradict a claim may not be a gradient.
    bent = not slopes.are(agreed, agreed, allowed)
    return [i for i, item in items.items() if item.derivatives.kinks > 1 or (bent and item.away.any())]


def _by_complex_steps(session: Session, claimed: dict[int, Claimed], noise: Noise) -> dict[int, Derivatives]:
    adapter, case = session.adapter, session.case
    _require_real_parameters(session)
    try:
        problem = adapter.open(case.cost, case.params, case.args, "complex128", session.options.seed)
    except GradcheckError:
        raise
    except Exception as error:
        msg = (
            f"`scheme='complex'`: the parameters cannot be held as complex numbers ({type(error).__name__}: {error}); "
            "use scheme='central'"
        )
        raise InvalidInputError(msg) from error
    with problem:
        cost = ComplexCost(problem, session.contraction, session.random_state, session.evaluator.spend)
        return measure_by_complex_steps(session, cost, claimed, noise.level)


def _require_real_parameters(session: Session) -> None:
    if Capability.COMPLEX_STEP not in session.adapter.capabilities:
        msg = f"`scheme='complex'`: {session.adapter.name} cannot hold parameters as complex numbers; use 'central'"
        raise InvalidInputError(msg)
    complex_ones = [parameter.name for parameter in session.layout.parameters if parameter.is_complex]
    if complex_ones:
        msg = f"`scheme='complex'` needs real parameters, and `{complex_ones[0]}` is complex; use scheme='central'"
        raise InvalidInputError(msg)

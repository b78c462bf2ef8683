"""Evidence about a gradient: claimed and numeric derivatives, side by side."""

from ..errors import GradcheckError, InvalidInputError
from ..evaluate import preflight
from ..evaluate.session import Session
from ..numerics.coordinates import Derivatives
from ..numerics.noise import Noise
from ..protocol.backend import Capability
from .claims import claimed_gradient, sensitivity_to_rounding
from .complex_step import ComplexCost, measure_by_complex_steps
from .evidence import Claimed, Evidence, Gathered
from .forward import what_forward_mode_says
from .kinks import hold_jointly
from .notes import observations
from .sweeping import measure, measure_noise


def gather_first_order(session: Session) -> Gathered:
    """Differentiate the cost by every entry of the chosen parameters and lay the claimed gradient beside."""
    layout, options, baseline, chosen = session.layout, session.options, session.baseline, session.chosen
    claim = claimed_gradient(session)
    sensitivity = sensitivity_to_rounding(session, claim)
    preflight.require_unchanged(session.problem, baseline.theta)
    noise = measure_noise(session.evaluator, baseline, layout, chosen, options.epsilon)
    session.evaluator.batch(noise.level, options.max_memory)
    claimed = {i: Claimed.of(claim.d_theta[layout.parameters[i].range], claim.dtypes[i]) for i in chosen}
    if options.scheme == "complex":
        derivatives = _by_complex_steps(session, claimed, noise)
    else:
        derivatives = measure(session.evaluator, layout, baseline, claimed, noise, options.epsilon)
    evidence = tuple(Evidence(layout.parameters[i], claimed[i], derivatives[i]) for i in chosen)
    joint_notes: tuple[str, ...] = ()
    if options.epsilon is None:  # a forced step leaves no other
        evidence, joint_notes = hold_jointly(session, evidence, noise.level)
    still = session.evaluator.tried - session.evaluator.moving if options.scheme == "central" else ()
    unmoved = tuple(layout.parameters[i].name for i in chosen if i in still)
    notes = [
        *joint_notes,
        *claim.notes,
        *observations(evidence, unmoved, layout, noise, baseline, session.evaluator.not_finite),
        *_not_batched(session.evaluator.not_batched),
    ]
    own = session.case.grads is None and options.mode == "reverse"
    if own and Capability.FORWARD in session.adapter.capabilities:
        notes = [*what_forward_mode_says(session.problem, session.contraction.weights, evidence), *notes]
    return Gathered(evidence, tuple(notes), sensitivity, unmoved, claim=claim, noise=noise.level)


def _not_batched(reason: str | None) -> tuple[str, ...]:
    return () if reason is None else (f"evaluated one theta at a time, since the cost cannot be batched ({reason})",)


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
        return measure_by_complex_steps(session.evaluator, cost, session.layout, session.baseline, claimed, noise.level)


def _require_real_parameters(session: Session) -> None:
    if Capability.COMPLEX_STEP not in session.adapter.capabilities:
        msg = f"`scheme='complex'`: {session.adapter.name} cannot hold parameters as complex numbers; use 'central'"
        raise InvalidInputError(msg)
    complex_ones = [parameter.name for parameter in session.layout.parameters if parameter.is_complex]
    if complex_ones:
        msg = f"`scheme='complex'` needs real parameters, and `{complex_ones[0]}` is complex; use scheme='central'"
        raise InvalidInputError(msg)

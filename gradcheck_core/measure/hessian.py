"""Evidence about Hessian-vector products: claimed ones beside differences of the gradient along the same directions."""

import contextlib
from functools import partial

import numpy as np

from ..errors import InvalidInputError
from ..evaluate.limits import RanOutError
from ..evaluate.session import Session
from ..numerics.coordinates import Derivatives
from ..numerics.directions import directions_through
from ..numerics.norms import norm
from ..numerics.second_order import derivative_of_gradient
from ..protocol.layout import FloatVector
from .claims import claimed_gradient, claimed_product
from .evidence import Claimed, Evidence, Gathered
from .notes import note_ineffective, note_unchecked

_SEEN = 1e-2
"""Step, in units of theta's scale, at which a parameter that reaches the cost changes it."""

_NOTE = "the gradient itself was not checked: order=2 compares its derivatives with its own differences"


def gather_second_order(session: Session) -> Gathered:
    """Differentiate the gradient along random directions and lay the claimed products beside.

    The directions go through the chosen parameters, and every product gives one item of evidence for each of them.
    """
    if session.case.grads is not None and not callable(session.case.grads):
        msg = "`order=2` takes differences of the gradient, so pass `grads` as a function: grads(params, *args)"
        raise InvalidInputError(msg)
    layout, roundoff = session.layout, session.baseline.roundoff
    product = claimed_product(session)
    at_theta = np.zeros(layout.size)
    with contextlib.suppress(RanOutError):
        at_theta = _gradient(session)
    evidence: list[Evidence] = []
    notes: dict[str, None] = {}
    unmoved: list[str] = []
    for direction in directions_through(session.present, np.random.default_rng(0)):
        whole = np.zeros(layout.size)
        for i, along in direction.items():
            whole[layout.parameters[i].range] = along
        if session.cost_along(direction, _SEEN) == session.baseline.cost.value:
            unmoved += [layout.parameters[i].name for i in direction]
        claim = product(whole)
        notes.update(dict.fromkeys(claim.notes))
        try:
            numeric = derivative_of_gradient(partial(_gradient_along, session, direction), at_theta, roundoff)
        except RanOutError:
            numeric = Derivatives.unknown(layout.size)
        for i in session.chosen:
            parameter = layout.parameters[i]
            claimed = Claimed.of(claim.d_theta[parameter.range], claim.dtypes[i])
            natural = norm(at_theta[parameter.range])
            evidence.append(Evidence(parameter, claimed, numeric.taking(parameter.range), natural))
    found = (*note_ineffective(unmoved, len(session.chosen)), _NOTE, *notes, *note_unchecked(evidence, layout))
    return Gathered(tuple(evidence), found, unmoved=tuple(unmoved))


def _gradient(session: Session) -> FloatVector:
    """The gradient at the present theta, one evaluation."""
    session.evaluator.spend()
    return claimed_gradient(session).d_theta


def _gradient_along(session: Session, direction: dict[int, FloatVector], t: float) -> FloatVector:
    return session.evaluator.ask_at(*session.move(direction, t), partial(_gradient, session))

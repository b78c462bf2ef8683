"""The gradients of a case: the backend's own, and what is claimed."""

from collections.abc import Callable

import numpy as np

from . import claims, registry, trees
from .errors import InvalidInputError
from .forward import forward_gradient
from .numerics.norms import norm
from .outputs import Contraction, is_below_float64, roundoff_of
from .protocol import Backend, Capability, FloatVector, Gradient, Layout, Problem
from .session import Session


def own_gradient(session: Session) -> Gradient:
    """The backend's automatic differentiation at the present theta, in the mode that was asked for."""
    session.random_state.fix()
    return differentiate(session.adapter, session.problem, session.contraction, session.options.mode, session.precision)


def differentiate(adapter: Backend, problem: Problem, contraction: Contraction, mode: str, precision: str) -> Gradient:
    """The backend's automatic differentiation of an open problem, in reverse or forward mode.

    Raises
    ------
    InvalidInputError
        If the backend has no forward mode and that was asked for.
    """
    if mode == "reverse":
        return problem.gradient(contraction.weights)
    if Capability.FORWARD not in adapter.capabilities:
        msg = f"`mode='forward'`: {adapter.name} has no forward mode; use mode='reverse', or pass `grads`"
        raise InvalidInputError(msg)
    evaluated_in = [parameter.dtype if precision == "native" else precision for parameter in problem.layout.parameters]
    return forward_gradient(problem, contraction.weights, tuple(evaluated_in))


def claimed_gradient(session: Session) -> Gradient:
    """The gradient to be checked, at the present theta: the user's, else the backend's own.

    Raises
    ------
    InvalidInputError
        If the user's is unusable, or the cost returns several numbers, of which it cannot be the gradient.
    """
    case = session.case
    if case.grads is None:
        return own_gradient(session)
    if session.options.mode != "reverse":
        msg = "`mode='forward'` chooses how the backend differentiates, and `grads` is given; leave one of them out"
        raise InvalidInputError(msg)
    if session.baseline.cost.outputs > 1:
        msg = (
            f"`cost` returned {session.baseline.cost.outputs} numbers (a complex one counts as two), and `grads` can "
            "only be the gradient of one; return a real scalar, e.g. the sum, or leave `grads` out where the backend "
            "has automatic differentiation"
        )
        raise InvalidInputError(msg)
    session.random_state.fix()
    claimed = case.grads(session.problem.params(), *case.args) if callable(case.grads) else case.grads
    return claims.lay_out(claimed, session.layout, registry.to_numpy, session.adapter.conjugates, registry.dtype_of)


def sensitivity_to_rounding(session: Session, claim: Gradient) -> dict[str, float]:
    """By parameter, how much the backend's float64 gradient changes, as a norm, when theta is rounded.

    Rounded to the parameters' own precision, where that is below float64; nothing otherwise.
    """
    parameters, problem = session.layout.parameters, session.problem
    lower = any(is_below_float64(parameter.dtype) for parameter in parameters)
    if session.precision != "float64" or session.case.grads is not None or not lower:
        return {}
    present = [problem.read(i) for i in range(len(parameters))]
    generator = np.random.default_rng(0)
    for i, values in enumerate(present):
        rounding = 2 * roundoff_of(parameters[i].dtype) * generator.choice([-1.0, 1.0], size=values.size)
        problem.write(i, slice(None), values * (1 + rounding))
    rounded = own_gradient(session).d_theta
    for i, values in enumerate(present):
        problem.write(i, slice(None), values)
    return {parameters[i].name: norm((rounded - claim.d_theta)[parameters[i].range]) for i in session.chosen}


def claimed_product(session: Session) -> Callable[[FloatVector], Gradient]:
    """The Hessian-vector product to be checked, as a function of a direction of theta.

    Raises
    ------
    InvalidInputError
        If the user passed none and the backend has none.
    """
    hvp, case = session.options.hvp, session.case
    if hvp is None and Capability.HESSIAN not in session.adapter.capabilities:
        msg = (
            f"`hvp` is missing: {session.adapter.name} has no second derivatives of its own; pass a function "
            "hvp(params, direction, *args) that returns the Hessian-vector product, in the structure of `params`"
        )
        raise InvalidInputError(msg)

    def product(direction: FloatVector) -> Gradient:
        session.random_state.fix()
        if hvp is None:
            return session.problem.hvp(direction, session.contraction.weights)
        handed = _structured(direction, case.params, session.layout)
        returned = hvp(session.problem.params(), handed, *case.args)
        return claims.lay_out(
            returned, session.layout, registry.to_numpy, session.adapter.conjugates, registry.dtype_of
        )

    return product


def _structured(direction: FloatVector, params: object, layout: Layout) -> object:
    """A direction in the structure of `params`, as NumPy arrays; a model's as a mapping from parameter name."""
    arrays = {p.name: p.tensor(direction[p.range]) for p in layout.parameters}

    def place(leaf: trees.Leaf) -> object:
        inside = f"{leaf.name}." if leaf.path else ""
        within = {name.removeprefix(inside): array for name, array in arrays.items() if name.startswith(inside)}
        return arrays.get(leaf.name, within or leaf.value)

    return trees.rebuilder(params)(iter([place(leaf) for leaf in trees.leaves(params)]))

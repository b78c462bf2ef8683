"""The gradient to be checked: the backend's own or the user's, in any form, laid out as theta is."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from ..evaluate.session import Session
from ..numerics.norms import norm
from ..protocol import registry, trees
from ..protocol.backend import Backend, Capability, Problem
from ..protocol.layout import FloatVector, Gradient, Layout, as_pairs
from ..protocol.outputs import Contraction, is_below_float64, is_floating, roundoff_of
from .forward import forward_gradient


def own_gradient(session: Session) -> Gradient:
    """The backend's automatic differentiation at the present theta, in the mode that was asked for."""
    session.random_state.fix()
    return differentiate(session.adapter, session.problem, session.contraction, session.options.mode, session.precision)


def differentiate(adapter: Backend, problem: Problem, contraction: Contraction, mode: str, precision: str) -> Gradient:
    """The backend's automatic differentiation of an open problem, in reverse or forward mode."""
    if mode == "reverse":
        return problem.gradient(contraction.weights)
    if Capability.FORWARD not in adapter.capabilities:
        msg = f"`mode='forward'`: {adapter.name} has no forward mode; use mode='reverse', or pass `grads`"
        raise InvalidInputError(msg)
    evaluated_in = [parameter.dtype if precision == "native" else precision for parameter in problem.layout.parameters]
    return forward_gradient(problem, contraction.weights, tuple(evaluated_in))


def claimed_gradient(session: Session) -> Gradient:
    """The gradient to be checked, at the present theta: the user's, else the backend's own."""
    case = session.case
    if case.grads is None:
        return own_gradient(session)
    if session.options.mode != "reverse":
        msg = "`mode='forward'` chooses how the backend differentiates, and `grads` is given; leave one of them out"
        raise InvalidInputError(msg)
    if session.baseline.cost.outputs > 1:
        msg = (
            f"`cost` returned {session.baseline.cost.outputs} numbers (a complex one counts as two); a gradient can "
            "only be checked for one: return their sum (a real scalar), or leave `grads` out if the backend has "
            "automatic differentiation"
        )
        raise InvalidInputError(msg)
    session.random_state.fix()
    claimed = case.grads(session.problem.params(), *case.args) if callable(case.grads) else case.grads
    return lay_out(claimed, session.layout, session.adapter.conjugates)


def measure_sensitivity(session: Session, claim: Gradient) -> dict[str, float]:
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
    """The Hessian-vector product to be checked, as a function of a direction of theta."""
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
        handed = _structure(direction, case.params, session.layout)
        returned = hvp(session.problem.params(), handed, *case.args)
        return lay_out(returned, session.layout, session.adapter.conjugates)

    return product


def _structure(direction: FloatVector, params: object, layout: Layout) -> object:
    """A direction in the structure of `params`, as NumPy arrays; a model's as a mapping from parameter name."""
    arrays = {p.name: p.tensor(direction[p.range]) for p in layout.parameters}

    def place(leaf: trees.Leaf) -> object:
        inside = f"{leaf.name}." if leaf.path else ""
        within = {name.removeprefix(inside): array for name, array in arrays.items() if name.startswith(inside)}
        return arrays.get(leaf.name, within or leaf.value)

    return trees.rebuilder(params)(iter([place(leaf) for leaf in trees.leaves(params)]))


def lay_out(grads: object, layout: Layout, conjugates: bool = False) -> Gradient:
    """Lay a claimed gradient out as theta is.

    It comes in the params' own structure; or as a mapping from parameter name; or a flat vector of shape ``(n,)``; or,
    where the names do not match but the number does, a list or tuple with one array for each parameter in order. The
    arrays may be any framework's; None stands for zero. `conjugates` says that gradients by complex parameters come as
    dJ/dx - i dJ/dy, and not as dJ/dx + i dJ/dy.
    """
    if grads is None:
        msg = "`grads` is a function that returned None; return the gradient, in the structure of `params` or by name"
        raise InvalidInputError(msg)
    found = trees.leaves(grads)
    named = {leaf.name: leaf.value for leaf in found}
    if len(named) < len(found):
        repeated = next(leaf.name for i, leaf in enumerate(found) if leaf.name in [other.name for other in found[:i]])
        msg = f"`grads`: two gradients are both named `{repeated}`, their keys joined by dots; pass each once"
        raise InvalidInputError(msg)
    if list(named) == [trees.ROOT_NAME]:
        return _from_bare(named[trees.ROOT_NAME], layout, conjugates)
    names = [parameter.name for parameter in layout.parameters]
    positional = isinstance(grads, list | tuple) and len(named) == len(names) and not set(named) & set(names)
    if positional:
        named = dict(zip(names, named.values(), strict=True))
    carried = {leaf.name for leaf in layout.carried}
    missing = [name for name in names if name not in named]
    extra = [name for name in named if name not in names and name not in carried]
    if missing or extra:
        msg = (
            f"`grads`: {_list('missing', missing)}{_list('not a checked parameter', extra)}"
            f"pass one gradient for each of {', '.join(names)}, in the structure of `params` or by name"
        )
        raise InvalidInputError(msg)
    return _gather({name: named[name] for name in names}, layout, conjugates)


def _list(label: str, names: list[str]) -> str:
    return f"{label}: {', '.join(f'`{name}`' for name in names)}; " if names else ""


def _from_bare(value: object, layout: Layout, conjugates: bool) -> Gradient:
    array = registry.to_numpy(value)
    only = layout.parameters[0]
    if len(layout.parameters) == 1 and array.shape == only.shape:
        return _gather({only.name: value}, layout, conjugates)
    if array.shape != (layout.size,):
        shapes = ", ".join(f"`{p.name}` {p.shape}" for p in layout.parameters)
        msg = (
            f"`grads`: one array of shape {array.shape} came; pass the structure of `params` ({shapes}) "
            f"or a flat vector of shape ({layout.size},)"
        )
        raise InvalidInputError(msg)
    _require_numbers("grads", value, array, "iu")
    return Gradient(array.astype(np.float64), (registry.dtype_of(value),) * len(layout.parameters))


def _gather(named: Mapping[str, object], layout: Layout, conjugates: bool) -> Gradient:
    d_theta = np.zeros(layout.size)
    dtypes: list[str] = []
    notes: list[str] = []
    for parameter in layout.parameters:
        value = named[parameter.name]
        if value is None:
            notes.append(f"`{parameter.name}`: the claimed gradient is None and counts as zero")
            dtypes.append("float64")
            continue
        array = registry.to_numpy(value)
        if array.shape != parameter.shape:
            transposed = " (transposed?)" if array.shape == parameter.shape[::-1] else ""
            msg = (
                f"`grads`: the gradient of `{parameter.name}` has shape {array.shape}, but `{parameter.name}` has "
                f"{parameter.shape}{transposed}; pass a gradient of its parameter's shape"
            )
            raise InvalidInputError(msg)
        _require_numbers(f"grads[{parameter.name!r}]", value, array, "iuc" if parameter.is_complex else "iu")
        d_theta[parameter.range] = as_pairs(array, conjugates) if parameter.is_complex else array.reshape(-1)
        dtypes.append(registry.dtype_of(value))
    return Gradient(d_theta, tuple(dtypes), tuple(notes))


def _require_numbers(path: str, value: object, array: npt.NDArray[np.generic], besides: str) -> None:
    """Refuse what is of no floating dtype and of none of the kinds besides; integers are exact small numbers."""
    if array.dtype.kind not in besides and not is_floating(array.dtype):
        msg = f"`{path}` is {type(value).__name__} of dtype {array.dtype}; pass real floating arrays"
        raise InvalidInputError(msg)

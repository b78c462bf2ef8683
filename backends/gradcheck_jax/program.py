"""A cost as JAX traces it, and what XLA compiles of that; kept from check to check, found again by what it computes."""

import contextlib
import enum
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from gradcheck_core.protocol import chunks

_KEPT = 16
"""Programs that are kept; a check needs two to four. Each is compiled code and holds nothing of the user's."""


@final
class Program:
    """A traced cost without the arrays that it closes over, and functions compiled of it.

    `outputs` takes those arrays and the checked leaves, and gives what the cost returns. `groups` are positions of the
    leaves that one function perturbs. For each of them, `perturbed` has a function of those arrays, the leaves,
    indices, shape ``(k,)``, into the leaves of the group laid end to end, and values, shape ``(k,)``; it gives what the
    cost returns with one number replaced, ``k`` times. And `bytes_each` has what one theta takes at most, with all that
    depends on it.
    """

    def __init__(self, closed: ClosedJaxpr, constants: int, leaves: Sequence[Any]) -> None:
        def outputs(constants: Sequence[Any], leaves: Sequence[Any]) -> list[Any]:
            return evaluate_jaxpr(closed.jaxpr, closed.consts, [*constants, *leaves])

        def perturb(group: Sequence[int]) -> Callable[..., list[Any]]:
            def one(constants: Sequence[Any], leaves: Sequence[Any], index: Any, value: Any) -> list[Any]:
                return outputs(constants, _replace(leaves, group, index, value))

            return jax.jit(jax.vmap(one, in_axes=(None, None, 0, 0)))

        # `jit` compiles for every shape, placement and configuration of JAX that it meets.
        self.outputs = jax.jit(outputs)
        self.groups = tuple(chunks.group_small(leaves))
        self.perturbed = tuple(map(perturb, self.groups))
        self.bytes_each = tuple(
            _count_bytes(closed.jaxpr, [constants + position for position in group]) for group in self.groups
        )


def trace_program(outputs: Callable[[list[Any]], list[Any]], leaves: list[Any]) -> tuple[Program, list[Any]]:
    """The program of what a cost computes of its leaves, and the arrays that it closes over; raises what JAX raises."""
    closed = _jaxpr(outputs, leaves)
    if closed.effects:
        msg = f"the cost has side effects ({', '.join(map(str, closed.effects))})"
        raise TypeError(msg)
    # Copies: JAX takes a NumPy array for what it is in an x64 scope, outside of it too, for as long as that is alive.
    constants = [constant if isinstance(constant, jax.Array) else jnp.array(constant) for constant in closed.consts]
    try:
        key = _key(closed.jaxpr, taken_apart=True)
    except _NotComparableError:
        return _program(closed.jaxpr, constants, leaves), constants
    if key not in _programs:
        _programs[key] = _program(closed.jaxpr, constants, leaves)
    _programs.move_to_end(key)
    while len(_programs) > _KEPT:
        _programs.popitem(last=False)
    return _programs[key], constants


def _jaxpr(outputs: Callable[[list[Any]], list[Any]], leaves: list[Any]) -> ClosedJaxpr:
    tracers: list[Any] = []

    def note(leaves: list[Any]) -> list[Any]:
        tracers.extend(leaves)
        return outputs(leaves)

    try:
        return jax.make_jaxpr(note)(leaves)
    except Exception:
        # JAX keeps a failed trace for ever, and with it all arrays that the cost closes over.
        with contextlib.suppress(AttributeError):
            for tracer in tracers:
                tracer._trace.invalidate()
        raise


_programs: OrderedDict[object, Program] = OrderedDict()


def _program(jaxpr: Jaxpr, constants: list[Any], leaves: list[Any]) -> Program:
    # Traced once more without custom rules: evaluating needs none, and they may close over anything of the user's.
    inlined = jax.make_jaxpr(lambda constants, leaves: evaluate_jaxpr(jaxpr, constants, leaves))(constants, leaves)
    return Program(inlined, len(constants), leaves)


Instead = Callable[[JaxprEqn, Sequence[Any]], list[Any] | None]
"""What an equation of these operands gives instead of what it computes; None if it gives what it computes."""


def evaluate_jaxpr(
    jaxpr: Jaxpr, constants: Sequence[Any], arguments: Sequence[Any], instead: Instead = lambda equation, operands: None
) -> list[Any]:
    """What a jaxpr computes; inner jitted functions and functions with custom derivatives count as a part of it."""
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def value(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else values[atom]

    for equation in jaxpr.eqns:
        inner = find_inlined(equation)
        replaced = instead(equation, [value(atom) for atom in equation.invars])
        if replaced is not None:
            results = replaced
        elif inner is not None:
            results = evaluate_jaxpr(inner.jaxpr, inner.consts, [value(atom) for atom in equation.invars], instead)
        else:
            variables = list(dict.fromkeys(atom for atom in equation.invars if not isinstance(atom, Literal)))
            alone = jaxpr.replace(constvars=[], invars=variables, outvars=equation.outvars, eqns=[equation])
            results = jax.core.eval_jaxpr(alone, (), *map(value, variables))
        values.update(zip(equation.outvars, results, strict=True))
    return [value(atom) for atom in jaxpr.outvars]


def find_inlined(equation: JaxprEqn) -> ClosedJaxpr | None:
    """The function that an equation calls, where `evaluate_jaxpr` takes it apart."""
    inner = equation.params.get(_INNER.get(equation.primitive.name, ""))
    return inner if isinstance(inner, ClosedJaxpr) else None


_INNER = {"jit": "jaxpr", "pjit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}


def _replace(leaves: Sequence[Any], group: Sequence[int], index: Any, value: Any) -> list[Any]:
    replaced, start = list(leaves), 0
    for position in group:
        leaf = leaves[position]
        # a selection, since XLA's scatter goes through the thetas one by one
        chosen = jnp.arange(leaf.size, dtype=index.dtype) == index - start
        replaced[position] = jnp.where(chosen.reshape(leaf.shape), value, leaf)
        start += leaf.size
    return replaced


def _count_bytes(jaxpr: Jaxpr, positions: Sequence[int]) -> int:
    """The bytes of everything in a jaxpr that depends on some of its arguments, as if all of it were kept."""
    depending = {jaxpr.invars[position] for position in positions}
    total = sum(map(_bytes_of, depending))
    for equation in jaxpr.eqns:
        if any(not isinstance(atom, Literal) and atom in depending for atom in equation.invars):
            depending.update(equation.outvars)
            total += sum(map(_bytes_of, equation.outvars))
            inner = _jaxprs_in(tuple(equation.params.values()))
            total += sum(_count_bytes(jaxpr, range(len(jaxpr.invars))) for jaxpr in inner)
    return total


def _bytes_of(variable: Any) -> int:
    return int(variable.aval.size) * int(variable.aval.dtype.itemsize)


def _jaxprs_in(value: object) -> Iterator[Jaxpr]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _jaxprs_in(item)
    elif isinstance(value, Jaxpr | ClosedJaxpr):
        yield value.jaxpr if isinstance(value, ClosedJaxpr) else value


class _NotComparableError(Exception):
    """Two of these may be equal and still compute different things."""


def _key(jaxpr: Jaxpr, *, taken_apart: bool) -> tuple[object, ...]:
    """What equals that of another jaxpr only if both compute the same.

    Rules for derivatives are left out where `evaluate_jaxpr` takes a function apart.
    """
    numbers: dict[Any, int] = {}

    def number(variable: Any) -> tuple[int, object]:
        return numbers.setdefault(variable, len(numbers)), variable.aval

    def atom(item: Any) -> object:
        return (_key_of(np.asarray(item.val)), item.aval) if isinstance(item, Literal) else number(item)

    rows: list[object] = [tuple(map(number, jaxpr.constvars)), tuple(map(number, jaxpr.invars))]
    for equation in jaxpr.eqns:
        inner = find_inlined(equation) if taken_apart else None
        does = (
            tuple((name, _key_of(value)) for name, value in sorted(equation.params.items()))
            if inner is None
            else _key_of_closed(inner, taken_apart=True)
        )
        operands = tuple(map(atom, equation.invars))
        rows.append((equation.primitive, does, operands, tuple(map(number, equation.outvars))))
    return (*rows, tuple(map(atom, jaxpr.outvars)))


def _key_of_closed(closed: ClosedJaxpr, *, taken_apart: bool) -> tuple[object, ...]:
    if closed.consts:
        raise _NotComparableError
    return _key(closed.jaxpr, taken_apart=taken_apart)


def _key_of(value: Any) -> object:
    """The key of an equation's parameter. The type is part of it: 1, 1.0 and True are equal in Python."""
    kind = type(value)
    if isinstance(value, tuple):
        return kind, tuple(map(_key_of, value))
    if isinstance(value, ClosedJaxpr):
        return _key_of_closed(value, taken_apart=False)
    if isinstance(value, Jaxpr):
        return _key(value, taken_apart=False)
    if isinstance(value, np.ndarray | np.generic):
        return value.shape, value.dtype, value.tobytes()
    if isinstance(value, float):
        return kind, value.hex()  # 0.0 and -0.0 are equal, too
    if isinstance(value, _BY_VALUE) or kind.__name__ == _UNSPECIFIED:
        return kind, value
    if isinstance(value, FunctionType) and value.__module__.startswith("jax.") and "<locals>" not in value.__qualname__:
        return value
    raise _NotComparableError


_BY_VALUE = (
    *(type(None), bool, int, complex, str, bytes, type, np.dtype, enum.Enum),
    *(jax.sharding.Sharding, jax.sharding.Mesh, jax.sharding.AbstractMesh),
)

_UNSPECIFIED = "UnspecifiedValue"
"""How an inner `jit` says that it leaves the placement to its surroundings; JAX has no public name for the type."""

"""What migrations between frameworks get wrong, done otherwise in what a JAX cost is traced to."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from gradcheck_core.protocol import Alteration, conventions
from gradcheck_core.protocol.conventions import EPSILONS, SLOPES

from . import rules
from .program import Instead, evaluated, inlined
from .pytrees import flatten, floating, is_inexact
from .rules import Values

Rule = Callable[[], Instead]
"""A new rule for every call of the cost: some remember what they met in it."""


def alterations(closed: ClosedJaxpr) -> Iterator[Alteration]:
    """The alterations that change something in what this computes, the likelier first."""
    for kind, sentence, rule in _rules(list(_equations(closed.jaxpr))):
        yield Alteration(kind, sentence, partial(_altered, rule))


def _altered(rule: Rule, cost: Callable[..., object]) -> Callable[..., object]:
    def called(params: object, *args: object) -> object:
        pytree = flatten(params)
        leaves = [leaf.value for leaf in pytree.leaves]
        moving = [i for i, leaf in enumerate(leaves) if is_inexact(leaf)]

        def outputs(values: Sequence[Any]) -> list[jax.Array]:
            replaced = dict(zip(moving, values, strict=True))
            return floating(cost(pytree.rebuild(replaced.get(i, leaf) for i, leaf in enumerate(leaves)), *args))

        values = [jnp.asarray(leaves[i]) for i in moving]
        closed = jax.make_jaxpr(outputs)(values)
        found = evaluated(closed.jaxpr, closed.consts, values, rule())
        return found[0] if len(found) == 1 else found

    return called


def _equations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All equations that `evaluated` meets, those of functions taken apart after the call itself."""
    for equation in jaxpr.eqns:
        yield equation
        inner = inlined(equation)
        if inner is not None:
            yield from _equations(inner.jaxpr)


def _rules(equations: list[JaxprEqn]) -> Iterator[tuple[str, str, Rule]]:
    names = {equation.primitive.name for equation in equations}
    called = {equation.params.get("name") for equation in equations}
    if "_bernoulli" in called:
        yield "dropout", conventions.DROPOUT, rules.WithoutDropout
    if names & {"erf", "erfc"}:
        yield "gelu", conventions.of_gelu(exact=True), lambda: rules.approximating
    if any(map(rules.is_gelu_by_tanh, equations)):
        yield "gelu", conventions.of_gelu(exact=False), rules.Exact
    for at_the_end, sentence in ((True, conventions.PADDING), (False, conventions.PADDING_AT_THE_END)):
        padded = [one.primitive.name for one in equations if rules.otherwise_padded(one, at_the_end) is not None]
        for windows in conventions.each_and_all(padded):
            yield "padding", sentence, partial(_padding, windows, at_the_end)
        if any(map(rules.is_padded, equations)):
            yield "padding", sentence, partial(_padding_itself, at_the_end)
    present = {epsilon for equation in equations if (epsilon := rules.added_epsilon(equation)) is not None}
    for epsilon in EPSILONS:
        for chosen in ([present] if len(present) > 1 else []) + [{one} for one in sorted(present)]:
            if chosen != {epsilon}:
                sentence = conventions.of_epsilon("", chosen, epsilon)
                yield "epsilon", sentence, partial(_adding, chosen, epsilon)
    slopes = {slope for equation in equations if (slope := rules.slope_of(equation)) is not None}
    for slope in SLOPES if slopes else ():
        if slopes != {slope}:
            yield "slope", conventions.of_slope(slopes, slope), partial(_sloping, slope)
    if any(map(rules.is_convolution, equations)):
        for layout in rules.LAYOUTS:
            yield "layout", conventions.of_layout(layout), partial(_relaying, layout)
    made = [variable for equation in equations for variable in equation.outvars]
    lower = {str(variable.aval.dtype) for variable in made if rules.is_lower(variable)}
    if lower:
        yield "dtype", conventions.of_dtypes(lower), lambda: rules.widening


def _padding(names: frozenset[str], at_the_end: bool) -> Instead:
    def instead(equation: JaxprEqn, values: Values) -> rules.Results:
        padding = rules.otherwise_padded(equation, at_the_end) if equation.primitive.name in names else None
        return None if padding is None else rules.bound(equation, values, padding=padding)

    return instead


def _padding_itself(at_the_end: bool) -> Instead:
    return partial(rules.pads_moved, at_the_end=at_the_end)


def _adding(chosen: set[float], epsilon: float) -> Instead:
    return partial(rules.adding, chosen=chosen, epsilon=epsilon)


def _sloping(slope: float) -> Instead:
    return partial(rules.sloping, slope=slope)


def _relaying(layout: str) -> Instead:
    first = True

    def instead(equation: JaxprEqn, values: Values) -> rules.Results:
        nonlocal first
        if not first or not rules.is_convolution(equation):
            return None
        first = False
        return rules.bound(equation, [rules.relaid(values[0], equation, layout), *values[1:]])

    return instead

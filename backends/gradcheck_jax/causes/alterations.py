"""What migrations between frameworks get wrong, changed in the program that a JAX cost is traced to."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, JaxprEqn

from gradcheck_core.protocol import Alteration, causes

from ..backend import JaxProblem
from ..program import Instead, evaluate_jaxpr, find_inlined
from ..pytrees import flatten, is_inexact, select_floating
from . import rules

Rule = Callable[[], Instead]
"""A new rule for every call of the cost: some remember what they met in it."""

Change = tuple[str, str, Rule]
"""Kind and sentence of an alteration, and its rule."""


def find_alterations(problem: JaxProblem) -> Iterator[Alteration]:
    """The alterations that change something in a problem's cost, the likelier first."""
    traced = problem.trace()
    for kind, sentence, rule in () if traced is None else _find_changes(list(_equations(traced.jaxpr))):
        yield Alteration(kind, sentence, partial(_alter, rule))


def _alter(rule: Rule, cost: Callable[..., object]) -> Callable[..., object]:
    def call(params: object, *args: object) -> object:
        pytree = flatten(params)
        leaves = [leaf.value for leaf in pytree.leaves]
        moving = [i for i, leaf in enumerate(leaves) if is_inexact(leaf)]

        def outputs(values: Sequence[Any]) -> list[jax.Array]:
            replaced = dict(zip(moving, values, strict=True))
            return select_floating(cost(pytree.rebuild(replaced.get(i, leaf) for i, leaf in enumerate(leaves)), *args))

        values = [jnp.asarray(leaves[i]) for i in moving]
        closed = jax.make_jaxpr(outputs)(values)
        found = evaluate_jaxpr(closed.jaxpr, closed.consts, values, rule())
        return found[0] if len(found) == 1 else found

    return call


def _equations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All equations that `evaluate_jaxpr` meets, those of functions taken apart after the call itself."""
    for equation in jaxpr.eqns:
        yield equation
        inner = find_inlined(equation)
        if inner is not None:
            yield from _equations(inner.jaxpr)


def _find_changes(equations: list[JaxprEqn]) -> Iterator[Change]:
    names = {equation.primitive.name for equation in equations}
    if any(equation.params.get("name") == "_bernoulli" for equation in equations):
        yield "dropout", causes.DROPOUT, rules.WithoutDropout
    if names & {"erf", "erfc"}:
        yield "gelu", causes.describe_gelu(exact=True), lambda: rules.approximate_gelu
    if any(map(rules.is_gelu_by_tanh, equations)):
        yield "gelu", causes.describe_gelu(exact=False), rules.Exact
    for at_the_end, sentence in causes.PADDINGS:
        padded = [one.primitive.name for one in equations if rules.find_other_padding(one, at_the_end) is not None]
        for windows in causes.each_and_all(padded):
            yield "padding", sentence, _always(partial(rules.pad_windows, windows, at_the_end))
        if any(map(rules.is_padded, equations)):
            yield "padding", sentence, _always(partial(rules.move_pads, at_the_end))
    present = sorted({epsilon for equation in equations if (epsilon := rules.find_epsilon(equation)) is not None})
    places = [("", chosen, chosen) for chosen in ([present] if len(present) > 1 else []) + [[one] for one in present]]
    for sentence, chosen, epsilon in causes.other_epsilons(places):
        yield "epsilon", sentence, _always(partial(rules.add_epsilon, chosen, epsilon))
    slopes = [slope for equation in equations if (slope := rules.find_slope(equation)) is not None]
    for sentence, slope in causes.other_slopes(slopes):
        yield "slope", sentence, _always(partial(rules.set_slope, slope))
    if any(map(rules.is_convolution, equations)):
        for layout in causes.LAYOUTS:
            yield "layout", causes.describe_layout(layout), partial(_read_first_in_layout, layout)
    made = [variable for equation in equations for variable in equation.outvars]
    lower = {str(variable.aval.dtype) for variable in made if rules.is_lower(variable)}
    if lower:
        yield "dtype", causes.describe_dtypes(lower), lambda: rules.widen


def _always(instead: Instead) -> Rule:
    """A rule that remembers nothing."""
    return lambda: instead


def _read_first_in_layout(layout: str) -> Instead:
    return causes.answer_once(partial(rules.read_in_layout, layout))

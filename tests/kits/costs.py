"""Random costs of several parameters with their gradients by the chain rule, over twenty orders of magnitude."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from functions import SMOOTH

INNER = {name: SMOOTH[name] for name in ("sin", "tanh", "softplus", "root", "rational", "cube", "linear", "wave")}
OUTER = {name: SMOOTH[name] for name in ("sin", "root", "rational", "softplus")}
EDGES = {  # of u > 0, the distance to the edge of the domain, weighted to a size of about 1
    "log": (lambda u: u * np.log(u), lambda u: np.log(u) + 1),
    "root": (np.sqrt, lambda u: 0.5 / np.sqrt(u)),
    "arcsine": (lambda u: np.arcsin(1 - u), lambda u: -1 / np.sqrt(u * (2 - u))),
}


@dataclass(frozen=True)
class Term:
    """A function of the parameters, each divided by its scale, and its gradient by them."""

    value: Callable
    gradient: Callable


@dataclass(frozen=True)
class Problem:
    cost: Callable
    params: dict
    gradient: dict
    on_kinks: frozenset  # the parameters with entries exactly on a kink, where subgradients are right as well


def elementwise(position, function, weights):
    f, slope = function
    return Term(
        lambda x: np.sum(weights * f(x[position])),
        lambda x: [weights * slope(v) if i == position else 0 * v for i, v in enumerate(x)],
    )


def mixed(weights, function, shift):
    """A function of a weighted sum over several parameters."""
    f, slope = function

    def inner(x):
        return sum(np.sum(w * x[i]) for i, w in weights.items()) + shift

    return Term(
        lambda x: f(inner(x)),
        lambda x: [weights[i] * slope(inner(x)) if i in weights else 0 * v for i, v in enumerate(x)],
    )


def product(a, b):
    return Term(
        lambda x: a.value(x) * b.value(x),
        lambda x: [b.value(x) * p + a.value(x) * q for p, q in zip(a.gradient(x), b.gradient(x), strict=True)],
    )


def composed(function, inner):
    f, slope = function
    return Term(lambda x: f(inner.value(x)), lambda x: [slope(inner.value(x)) * g for g in inner.gradient(x)])


def total(terms, factors, constant):
    return Term(
        lambda x: sum(c * t.value(x) for c, t in zip(factors, terms, strict=True)) + constant,
        lambda x: [
            sum(c * g for c, g in zip(factors, of, strict=True))
            for of in zip(*(t.gradient(x) for t in terms), strict=True)
        ],
    )


def _one(generator, table):
    return table[generator.choice(list(table))]


def _term(generator, x):
    position = int(generator.integers(len(x)))
    kind = generator.choice(["elementwise", "mixed", "product", "composed"])
    if kind == "elementwise":
        return elementwise(position, _one(generator, INNER), generator.normal(size=x[position].size))
    if kind == "mixed":
        several = generator.choice(len(x), size=min(len(x), 3), replace=False)
        weights = {int(i): generator.normal(size=x[i].size) / x[i].size ** 0.5 for i in several}
        return mixed(weights, _one(generator, INNER), generator.normal())
    if kind == "product":
        return product(_term(generator, x), _term(generator, x))
    return composed(_one(generator, OUTER), _term(generator, x))


def _edge(generator, x):
    position = int(generator.integers(len(x)))
    edge = x[position] - 10.0 ** generator.uniform(-6, 0, size=x[position].size)
    f, slope = _one(generator, EDGES)
    weights = generator.normal(size=edge.size)
    return elementwise(position, (lambda v: f(v - edge), lambda v: slope(v - edge)), weights)


def _kinks(generator, x):
    """Absolute values or ReLUs; seven of ten far from their kink, the others near to it or on it."""
    position = int(generator.integers(len(x)))
    size = x[position].size
    signs, kind = generator.choice([-1, 1], size=size), generator.random(size)
    far, near = generator.uniform(0.05, 3, size=size), 10.0 ** generator.uniform(-12, 0.5, size=size)
    away = signs * np.where(kind < 0.7, far, np.where(kind < 0.85, near, 0.0))
    place = x[position] - away
    function = _one(
        generator, {"abs": (np.abs, np.sign), "relu": (lambda u: np.maximum(u, 0), lambda u: 1.0 * (u > 0))}
    )
    weights = generator.normal(size=size)
    shifted = tuple(lambda v, g=g: g(v - place) for g in function)
    on = {position} if np.any(x[position] == place) else set()
    return elementwise(position, shifted, weights), on


def make(seed, flavour="smooth"):
    """A cost of one to four parameters of up to eleven entries, scaled over twenty decades, and its gradient.

    Flavours: smooth; edges of the domain nearby; kinks; an added constant up to 1e6 times as large; a grid that the
    cost is rounded to.
    """
    with np.errstate(all="ignore"):
        return _made(np.random.default_rng(seed), flavour)


def _made(generator, flavour):
    number = int(generator.integers(1, 5))
    scale, unit = 10.0 ** generator.uniform(-10, 10, size=number), 10.0 ** generator.uniform(-10, 10)
    params = {
        f"p{i}": scale[i] * generator.choice([0.3, 1, 3]) * generator.normal(size=int(generator.integers(1, 12)))
        for i in range(number)
    }
    x = [values / scale[i] for i, values in enumerate(params.values())]
    terms, on = [_term(generator, x) for _ in range(int(generator.integers(1, 6)))], set()
    if flavour == "edges":
        terms.append(_edge(generator, x))
    if flavour == "kinks":
        kinked, on = _kinks(generator, x)
        terms.append(kinked)
    factors = generator.normal(size=len(terms)) * 10.0 ** generator.uniform(-2, 2, size=len(terms))
    whole = total(terms, factors, 0.0)
    size = abs(whole.value(x)) or 1.0
    if flavour == "offset":
        whole = total(terms, factors, size * 10.0 ** generator.uniform(0, 6))
    grid = size * 10.0 ** generator.uniform(-9, -5) if flavour == "grid" else 0.0

    def cost(p):
        value = whole.value([values / scale[i] for i, values in enumerate(p.values())])
        return float(unit * (np.round(value / grid) * grid if grid else value))

    gradient = {f"p{i}": unit * g / scale[i] for i, g in enumerate(whole.gradient(x))}
    return Problem(cost, params, gradient, frozenset(f"p{i}" for i in on))


def with_a_mistake(problem, seed):
    """The problem with a wrong gradient of one parameter, its name, and how wrong it is as a normalised difference."""
    generator = np.random.default_rng(seed)
    name = generator.choice(list(problem.gradient))
    right = problem.gradient[name]
    wrong = right * generator.choice([2.0, -1.0, 0.0, 1.1, 1.0021])
    if generator.random() < 0.4:
        wrong = right.copy()
        wrong[generator.integers(right.size)] *= 1.5
    size = np.max(np.abs(right)) or 1.0
    off = np.linalg.norm((wrong - right) / size) / (np.linalg.norm(wrong / size) + np.linalg.norm(right / size) or 1.0)
    return replace(problem, gradient={**problem.gradient, name: wrong}), str(name), float(off)

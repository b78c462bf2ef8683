"""jax.scipy.stats: every function of every distribution, inside, in the tails and at the edges."""

from collections.abc import Iterator

import jax.scipy.stats
import numpy as np

from samples import Sample, Spec, at, op, positive_definite, probabilities, real, scalar, within

ST = "jax.scipy.stats"
LEVEL = within(0.1, 0.9, 3)

CONTINUOUS: dict[str, tuple[Spec, ...]] = {
    "beta": (within(0.2, 0.7, 3), scalar(1.6), scalar(2.3), scalar(0.05), scalar(1.1)),
    "cauchy": (real(3), scalar(0.2), scalar(1.3)),
    "chi2": (within(1.0, 4.0, 3), scalar(2.7), scalar(0.1), scalar(1.2)),
    "expon": (within(1.0, 3.0, 3), scalar(0.3), scalar(1.2)),
    "gamma": (within(1.0, 3.0, 3), scalar(1.7), scalar(0.3), scalar(1.2)),
    "gennorm": (within(0.3, 2.0, 3), scalar(1.6)),
    "gumbel_l": (real(3), scalar(0.2), scalar(1.3)),
    "gumbel_r": (real(3), scalar(0.2), scalar(1.3)),
    "laplace": (real(3), scalar(0.2), scalar(1.3)),
    "logistic": (real(3), scalar(0.2), scalar(1.3)),
    "norm": (real(3), scalar(0.2), scalar(1.3)),
    "pareto": (within(2.0, 4.0, 3), scalar(1.6), scalar(0.2), scalar(1.1)),
    "t": (real(3), scalar(3.4), scalar(0.2), scalar(1.3)),
    "truncnorm": (within(-0.5, 0.9, 3), scalar(-1.2), scalar(1.5), scalar(0.1), scalar(1.1)),
    "uniform": (within(0.5, 1.0, 3), scalar(0.2), scalar(1.3)),
    "vonmises": (real(3), scalar(1.4)),
    "wrapcauchy": (within(0.5, 3.0, 3), scalar(0.4)),
    "dirichlet": (probabilities(3), within(0.8, 2.5, 3)),
    "multivariate_normal": (real(3), real(3), positive_definite(3)),
}
"""The argument and then the parameters."""

DISCRETE: dict[str, tuple[np.ndarray, tuple[Spec, ...]]] = {
    "bernoulli": (np.array([0, 1]), (scalar(0.3),)),
    "betabinom": (np.array([1, 3]), (scalar(5.0), scalar(1.6), scalar(2.3))),
    "binom": (np.array([1, 3]), (scalar(5.0), scalar(0.3))),
    "geom": (np.array([1, 4]), (scalar(0.3),)),
    "multinomial": (np.array([1, 2, 2]), (probabilities(3),)),
    "nbinom": (np.array([1, 3]), (scalar(2.5), scalar(0.3))),
    "poisson": (np.array([0, 3]), (scalar(1.8),)),
}
"""Outcomes, which are integers, and the parameters that are differentiated by."""

NASTY: tuple[tuple[str, str, str, tuple[Spec, ...]], ...] = (
    ("norm", "logcdf logsf logpdf", "tails", (at(-40.0, 40.0, 0.0, -6.0),)),
    ("norm", "cdf sf pdf", "tails", (at(-40.0, 40.0, 0.0),)),
    ("norm", "ppf isf", "tails", (at(1e-12, 1 - 1e-9),)),
    ("logistic", "logpdf cdf sf pdf", "tails", (at(-40.0, 40.0, 0.0),)),
    ("cauchy", "logcdf logsf cdf sf", "tails", (at(-1e6, 1e6, 0.0),)),
    ("cauchy", "ppf isf", "tails", (at(1e-9, 1 - 1e-9, 0.5),)),
    ("laplace", "logpdf pdf cdf", "at the kink", (at(0.0),)),
    ("gennorm", "logpdf pdf cdf", "at the middle", (at(0.0), scalar(1.5))),
    ("gennorm", "logpdf pdf cdf", "negative", (at(-0.7, -2.0), scalar(1.5))),
    ("expon", "logpdf cdf logcdf sf logsf", "tails and the edge", (at(1e-9, 50.0),)),
    ("expon", "logpdf pdf cdf logsf sf", "at the edge", (at(0.0),)),
    ("expon", "pdf cdf logsf sf", "outside", (at(-1.0),)),
    ("gamma", "logcdf logsf cdf sf logpdf", "tails", (at(1e-6, 60.0), scalar(1.7))),
    ("gamma", "pdf cdf", "outside", (at(-1.0), scalar(1.7))),
    ("gamma", "pdf cdf", "at the edge", (at(0.0), scalar(2.0))),
    ("chi2", "logcdf logsf cdf sf", "tails", (at(1e-6, 100.0), scalar(2.7))),
    ("beta", "logpdf pdf cdf sf logcdf logsf", "x alone, near the ends", (at(1e-9, 1 - 1e-9),)),
    ("beta", "pdf", "at the ends", (at(0.0, 1.0), scalar(2.0), scalar(2.0))),
    ("beta", "pdf", "outside", (at(-0.5, 1.5), scalar(2.0), scalar(2.0))),
    ("pareto", "logpdf cdf logsf sf", "at the edge", (at(1.0), scalar(1.6))),
    ("pareto", "pdf cdf", "outside", (at(0.3), scalar(1.6))),
    ("uniform", "logpdf pdf cdf", "at the edges", (at(0.0, 1.0),)),
    ("uniform", "pdf cdf", "outside", (at(-0.5, 1.5),)),
    ("truncnorm", "logpdf logcdf logsf", "far tail", (at(12.0), scalar(10.0), scalar(14.0))),
    ("truncnorm", "cdf sf pdf", "outside", (at(2.0), scalar(-1.0), scalar(1.5))),
    ("truncnorm", "logpdf cdf", "at the edges", (at(-1.0, 1.5), scalar(-1.0), scalar(1.5))),
    ("gumbel_r", "logpdf logcdf cdf sf logsf", "tails", (at(-3.0, 40.0),)),
    ("gumbel_l", "logpdf logcdf cdf sf logsf", "tails", (at(3.0, -40.0),)),
    ("t", "logpdf pdf", "tails", (at(0.0, 1e6), scalar(3.4))),
    ("t", "logpdf", "many degrees of freedom", (at(0.5), scalar(1e8))),
    ("vonmises", "logpdf pdf", "concentrated", (at(0.0, 0.1), scalar(500.0))),
    ("wrapcauchy", "logpdf pdf", "nearly uniform", (at(0.5), scalar(1e-9))),
    ("dirichlet", "logpdf pdf", "nearly at a corner", (at(1e-9, 0.4, 0.6 - 1e-9), at(1.5, 2.0, 0.7))),
    (
        "multivariate_normal",
        "logpdf pdf",
        "nearly singular",
        (at(0.1, 0.2), at(0.0, 0.0), at([[1.0, 0.999], [0.999, 1.0]])),
    ),
)


def samples() -> Iterator[Sample]:
    """Every function by its argument and parameters, then by the argument alone, then the nasty places."""
    for distribution, arguments in CONTINUOUS.items():
        for name in _functions(distribution):
            operator = f"{ST}.{distribution}.{name}"
            inputs = (LEVEL, *arguments[1:]) if name in ("ppf", "isf") else arguments
            yield op(operator, *inputs)
            if len(arguments) > 1:
                yield op(operator, inputs[0], label="the argument alone", call=_with_fixed(arguments[1:]))
    for distribution, (outcomes, parameters) in DISCRETE.items():
        for name in _functions(distribution):
            yield op(
                f"{ST}.{distribution}.{name}",
                *parameters,
                label="by the parameters",
                call=_discrete(name, distribution, outcomes),
            )
    for distribution, names, label, inputs in NASTY:
        for name in names.split():
            yield op(
                f"{ST}.{distribution}.{name}",
                *inputs,
                label=label,
                call=_beta_parameters if label.startswith("x alone") else None,
            )
    yield op(f"{ST}.poisson.entropy", at(0.3, 5.0, 30.0, 200.0), label="small to large")
    yield op(
        f"{ST}.binom.logpmf", scalar(5.0), scalar(1.0 - 1e-12), label="nearly certain", call=lambda f, n, p: f(5, n, p)
    )
    yield op(f"{ST}.sem", real(5))
    yield op(f"{ST}.sem", at(1.0, 1.0, 1.0), label="all equal")
    yield op(f"{ST}.mode", real(4), call=lambda f, x: f(x).mode)
    yield op(f"{ST}.rankdata", real(4), label="as an index", call=lambda f, x: x[f(x).astype(int) - 1])
    for name in "evaluate logpdf integrate_gaussian integrate_box_1d integrate_kde".split():
        yield op(f"{ST}.gaussian_kde", real(5), label=name, call=_kde(name))


def _functions(distribution: str) -> list[str]:
    module = getattr(jax.scipy.stats, distribution)
    return [name for name in dir(module) if not name.startswith("_") and callable(getattr(module, name))]


def _with_fixed(parameters: tuple[Spec, ...]):  # type: ignore[no-untyped-def]
    fixed = [draw(np.random.default_rng(0)) for draw in parameters]
    return lambda f, x: f(x, *fixed)


def _beta_parameters(f, x):  # type: ignore[no-untyped-def]
    return f(x, 1.7, 2.2)


def _discrete(name: str, distribution: str, outcomes: np.ndarray):  # type: ignore[no-untyped-def]
    if name == "entropy":
        return lambda f, *parameters: f(*parameters)
    if name == "ppf":
        return lambda f, *parameters: f(np.array([0.2, 0.9]), *parameters)
    if distribution == "multinomial":
        return lambda f, p: f(outcomes, 5, p)
    return lambda f, *parameters: f(outcomes, *parameters)


def _kde(name: str):  # type: ignore[no-untyped-def]
    points = np.array([-0.5, 0.4])

    def call(f, data):  # type: ignore[no-untyped-def]
        kde = f(data)
        if name == "integrate_gaussian":
            return kde.integrate_gaussian(np.array([0.2]), np.array([[0.7]]))
        if name == "integrate_box_1d":
            return kde.integrate_box_1d(-0.5, 0.8)
        if name == "integrate_kde":
            return kde.integrate_kde(f(data * 0.8 + 0.1))
        return getattr(kde, name)(points)

    return call

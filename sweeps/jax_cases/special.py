"""jax.scipy.special, jax.nn and the activations' kinks and tails."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from samples import Sample, at, each, one_by_one, op, probabilities, real, scalar, within

SP, NN = "jax.scipy.special", "jax.nn"


def samples() -> Iterator[Sample]:
    """Functions of one argument, of several, activations."""
    yield from _of_one_argument()
    yield from _of_several()
    yield from _softmaxes()
    yield from _activations()
    yield from _attention()


def _of_one_argument() -> Iterator[Sample]:
    everywhere = "erf erfc erfcx dawsn expit i0 i0e i1 i1e log_ndtr ndtr fresnel sici wofz gammasgn"
    yield from each(SP, everywhere, real(6))
    yield from each(SP, "digamma gamma gammaln loggamma entr spence exp1 expi factorial", within(0.3, 4.0, 5))
    yield from each(SP, "logit ndtri", within(0.1, 0.9, 5))
    yield op(f"{SP}.erfinv", within(-0.9, 0.9, 5))
    for v in (0, 1, 3):
        yield op(f"{SP}.bessel_jn", within(0.5, 6.0, 4), v=v)
    for names, label, values in (
        ("erf erfc erfcx dawsn", "zero and tails", (0.0, 5.0, -5.0, 12.0)),
        ("erfcx", "large", (50.0, 1e6, -20.0)),
        ("dawsn", "large", (50.0, 1e6)),
        ("erfinv", "near the ends", (0.0, 1 - 1e-9, -1 + 1e-6)),
        ("ndtri", "tails", (1e-12, 1e-300, 1 - 1e-9, 0.5)),
        ("log_ndtr", "tails", (0.0, -5.0, -20.5, -1000.0, 8.5)),
        ("ndtr", "tails", (0.0, -10.0, 10.0)),
        ("logit", "near the ends", (1e-12, 1 - 1e-9)),
        ("expit", "saturated", (40.0, -40.0, -700.0)),
        ("gamma gammaln digamma", "between poles", (-0.5, -1.5, -2.25)),
        ("gamma gammaln loggamma digamma", "near zero", (1e-6, 1e-3)),
        ("gammaln loggamma digamma", "large", (1e3, 1e8)),
        ("gammaln loggamma", "at the zeros", (1.0, 2.0)),
        ("gamma factorial", "large", (100.5, 20.0)),
        ("digamma", "at its zero", (1.4616321449683622,)),
        ("entr", "at zero", (0.0,)),
        ("entr", "near zero", (1e-300, 1e-9)),
        ("spence", "special places", (1.0, 1 + 1e-9, 0.5, 2.0, 1e-9)),
        ("spence", "at zero", (0.0,)),
        ("spence", "large", (1e6,)),
        ("exp1 expi", "small and large", (1e-9, 20.0, 100.0)),
        ("expi", "negative", (-0.5, -30.0)),
        ("i0 i1", "large", (0.0, 30.0, -600.0)),
        ("i0e i1e", "large", (0.0, 30.0, -600.0, 1e6)),
        ("fresnel", "zero and large", (0.0, 1e-9, 10.0, 40.0, -5.0)),
        ("sici", "small and large", (1e-9, 10.0, 40.0)),
        ("wofz", "zero and large", (0.0, 10.0, -30.0)),
    ):
        yield from one_by_one(SP, names, values, label)


def _of_several() -> Iterator[Sample]:
    pair = within(0.5, 3.0, 4)
    yield from each(SP, "beta betaln poch kl_div rel_entr xlogy xlog1py boxcox boxcox1p", pair, pair)
    yield from each(SP, "gammainc gammaincc", pair, pair)
    yield from each(SP, "gammainc gammaincc", at(0.01, 0.5, 40.0, 250.0), at(0.02, 9.0, 45.0, 240.0), label="extreme")
    yield from each(SP, "gammainc gammaincc", at(0.5, 2.0), at(40.0, 80.0), label="upper tail")
    yield from each(SP, "gammainc gammaincc", at(30.0, 8.0), at(1.0, 0.05), label="lower tail")
    yield op(f"{SP}.betainc", pair, pair, within(0.1, 0.9, 4))
    yield op(f"{SP}.betainc", within(0.1, 0.9, 4), label="x alone", call=lambda f, x: f(1.7, 2.2, x))
    for x in (1e-9, 1 - 1e-9):
        yield op(f"{SP}.betainc", at(x), label=f"x alone, near the end: {x:.10g}", call=lambda f, x: f(1.7, 2.2, x))
    for x in (0.0, 1.0):
        yield op(f"{SP}.betainc", at(x), label=f"x alone, at the end: {x:g}", call=lambda f, x: f(2.0, 2.0, x))
    yield op(f"{SP}.comb", within(4.2, 6.0, 3), within(1.2, 3.0, 3))
    yield op(f"{SP}.comb", within(4.2, 6.0, 3), within(1.2, 3.0, 3), repetition=True)
    yield op(f"{SP}.expn", within(0.5, 3.0, 3), label="x alone", call=lambda f, x: f(np.array([1, 2, 5]), x))
    for x in (1e-6, 30.0):
        yield op(f"{SP}.expn", at(x), label=f"x alone: {x:g}", call=lambda f, x: f(2, x))
    yield op(f"{SP}.hyp1f1", at(0.7, 1.5), at(1.2, 2.5), at(0.4, -1.3))
    yield op(f"{SP}.hyp1f1", at(0.4, -1.3, 8.0, 60.0, -40.0), label="x alone", call=lambda f, x: f(0.7, 1.9, x))
    yield op(f"{SP}.hyp2f1", at(0.7, 1.5), at(1.2, 0.5), at(2.5, 1.7), at(0.4, -0.6))
    yield op(f"{SP}.hyp2f1", at(0.4, -0.6, 0.93, 0.0), label="x alone", call=lambda f, x: f(0.7, 1.2, 2.5, x))
    yield op(f"{SP}.multigammaln", within(2.0, 4.0, 3), d=2)
    yield op(f"{SP}.owens_t", real(4), real(4))
    yield op(f"{SP}.owens_t", at(0.0, 1.0, 9.0), at(1.0, 0.0, 0.5), label="special places")
    yield op(f"{SP}.polygamma", within(0.5, 3.0, 3), label="x alone", call=lambda f, x: f(np.array([0, 1, 4]), x))
    yield op(f"{SP}.polygamma", at(-0.5, -1.25), label="x alone, negative", call=lambda f, x: f(1, x))
    yield op(f"{SP}.zeta", within(0.5, 3.0, 3), label="q alone", call=lambda f, q: f(np.array([1.5, 2.0, 4.0]), q))
    yield op(f"{SP}.zeta", within(1.5, 3.0, 3), within(0.5, 3.0, 3), label="order too")
    yield op(
        f"{SP}.sph_harm_y",
        within(0.5, 2.5, 3),
        within(0.5, 2.5, 3),
        label="by the angles",
        call=lambda f, t, p: f(np.array([1, 2, 3]), np.array([0, 1, -2]), t, p, n_max=3),
    )
    yield op(
        f"{SP}.sph_harm_y",
        at(0.0, np.pi),
        at(0.3, 0.7),
        label="at the poles",
        call=lambda f, t, p: f(np.array([2, 3]), np.array([1, 1]), t, p, n_max=3),
    )
    yield from each(SP, "xlogy xlog1py", at(0.0, 2.0), at(0.5, 0.0 + 1e-9), label="a zero factor")
    yield op(f"{SP}.xlogy", at(0.0), at(0.0), label="both zero")
    yield op(f"{SP}.xlog1py", at(0.0), at(-1.0), label="zero times minus infinity")
    yield from each(SP, "kl_div rel_entr", at(0.0), at(1.0), label="p zero")
    yield from each(SP, "kl_div rel_entr", at(0.7), at(0.7), label="p equal to q")
    yield from each(SP, "boxcox boxcox1p", at(2.0), at(0.0), label="exponent zero")
    yield from each(SP, "boxcox boxcox1p", at(3.0), at(1e-9), label="exponent near zero")
    yield from each(SP, "beta betaln", at(1e-3), at(5.0), label="small")
    yield from each(SP, "beta betaln", at(1e3), at(2e3), label="large")
    yield op(f"{SP}.poch", at(3.0, 2.5), at(0.0, 1.0), label="m of 0 and 1")


def _softmaxes() -> Iterator[Sample]:
    where = np.array([True, False, True])
    for module in (SP, NN):
        yield from each(module, "softmax log_softmax", real(2, 3), axis=1)
        yield from each(module, "softmax log_softmax", at(0.0, 800.0, -800.0), label="saturated", axis=0)
        yield from each(module, "softmax log_softmax", at(1.0, 1.0, 1.0), label="ties", axis=0)
        yield op(f"{module}.logsumexp", real(2, 3), axis=1)
        yield op(f"{module}.logsumexp", real(3), within(0.5, 1.5, 3), label="weights", call=lambda f, x, b: f(x, b=b))
        yield op(
            f"{module}.logsumexp",
            real(3),
            real(3),
            label="weights of both signs",
            call=lambda f, x, b: f(x, b=b, return_sign=True)[0],
        )
        yield op(f"{module}.logsumexp", at(800.0, -800.0, 800.0), label="large and a tie")
        yield op(f"{module}.logsumexp", real(3), label="a masked entry", where=where)
        yield op(
            f"{module}.logsumexp",
            real(2),
            label="an entry of minus infinity",
            call=lambda f, x: f(jnp.append(x, -jnp.inf)),
        )
    yield op(f"{NN}.softmax", real(2, 3), where=where)
    yield op(
        f"{NN}.log_softmax",
        real(2, 3),
        label="a masked column, left out of the cost",
        call=lambda f, x: f(x, where=where)[:, np.array([0, 2])],
    )
    yield op(f"{NN}.logmeanexp", real(2, 3), axis=1)
    yield op(f"{NN}.logmeanexp", at(800.0, -800.0), label="far apart")
    yield op(f"{NN}.standardize", real(2, 4))
    yield op(f"{NN}.standardize", real(2, 4), algorithm="stable")
    yield op(f"{NN}.standardize", at(1.5, 1.5, 1.5), label="all equal")
    yield op(f"{NN}.standardize", at(1e4, 1e4 + 1, 1e4 + 3), label="large mean")
    yield op(
        f"{NN}.standardize",
        real(4),
        scalar(0.3),
        scalar(1.7),
        label="mean and variance given",
        call=lambda f, x, m, v: f(x, mean=m, variance=v),
    )


def _activations() -> Iterator[Sample]:
    yield from each(
        NN,
        "celu elu gelu glu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu log_sigmoid mish relu "
        "relu6 selu sigmoid silu soft_sign softplus sparse_plus sparse_sigmoid squareplus swish tanh",
        real(2, 4),
    )
    yield op(f"{NN}.gelu", real(4), approximate=False)
    yield op(f"{NN}.log1mexp", within(0.1, 3.0, 4))
    yield op(f"{NN}.log1mexp", at(1e-12, 40.0, float(np.log(2))), label="small, large, at the joint")
    for names, label, values in (
        (
            "relu relu6 leaky_relu elu celu selu hard_tanh hard_sigmoid hard_silu hard_swish soft_sign",
            "at zero",
            (0.0, -0.0),
        ),
        ("relu6", "at six", (6.0,)),
        ("hard_tanh sparse_plus sparse_sigmoid", "at the ends", (1.0, -1.0)),
        ("hard_sigmoid hard_silu hard_swish", "at the ends", (3.0, -3.0)),
        (
            "gelu silu swish mish softplus log_sigmoid sigmoid tanh squareplus",
            "tails",
            (0.0, 40.0, -40.0, 800.0, -800.0),
        ),
        ("elu celu selu", "very negative", (-40.0, -800.0)),
        ("gelu", "near zero", (1e-9, -1e-9)),
    ):
        yield from one_by_one(NN, names, values, label)
    yield op(f"{NN}.gelu", at(0.0, 40.0, -40.0, -5.0), label="tails", approximate=False)
    for name in "elu celu leaky_relu squareplus".split():
        yield op(f"{NN}.{name}", real(4), scalar(1.3), label="by its parameter too")
    yield op(f"{NN}.squareplus", at(0.0), scalar(0.0), label="b of zero, at zero")


def _attention() -> Iterator[Sample]:
    query, other = real(1, 3, 2, 2), real(1, 4, 2, 2)
    yield op(f"{NN}.dot_product_attention", query, other, other)
    yield op(f"{NN}.dot_product_attention", query, other, other, real(1, 2, 3, 4), label="bias")
    yield op(f"{NN}.dot_product_attention", real(1, 3, 1, 2), real(1, 3, 1, 2), real(1, 3, 1, 2), is_causal=True)
    mask = np.array([[True, False, True, True], [True, True, False, False], [False, True, True, True]])[None, None]
    yield op(
        f"{NN}.dot_product_attention", query, other, other, label="mask", call=lambda f, q, k, v: f(q, k, v, mask=mask)
    )
    empty = np.array([[True, False, True, True], [False] * 4, [False, True, True, True]])[None, None]
    yield op(
        f"{NN}.dot_product_attention",
        query,
        other,
        other,
        label="a row all masked",
        call=lambda f, q, k, v: f(q, k, v, mask=empty),
    )
    yield op(
        f"{NN}.dot_product_attention",
        real(1, 2, 4, 2),
        real(1, 3, 2, 2),
        real(1, 3, 2, 2),
        label="grouped heads",
        scale=0.4,
    )
    yield op(f"{NN}.one_hot", probabilities(3), label="as a constant", call=lambda f, x: f(np.array([1, 0, 2]), 3) * x)

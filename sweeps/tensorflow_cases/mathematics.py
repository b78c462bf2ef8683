"""tf.math: elementwise functions, reductions, segments."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from samples import Sample, Spec, at, each, one_by_one, op, real, scalar, within

MATH = "tf.math"


def samples() -> Iterator[Sample]:
    """Smooth places first, then the nasty ones."""
    yield from _unary()
    yield from _nasty_unary()
    yield from _binary()
    yield from _nasty_binary()
    yield from _reductions()
    yield from _segments()


def _unary() -> Iterator[Sample]:
    everywhere = (
        "abs asinh atan bessel_i0 bessel_i0e bessel_i1 bessel_i1e ceil cos cosh erf erfc exp expm1 floor log_sigmoid "
        "negative rint round sigmoid sign sin sinh softplus softsign square tan tanh reciprocal_no_nan conj real imag "
        "angle special.dawsn special.fresnel_cos special.fresnel_sin special.bessel_j0 special.bessel_j1"
    )
    yield from each(MATH, everywhere, real(6))
    positive = (
        "digamma lgamma log log1p rsqrt sqrt reciprocal special.expint special.spence special.bessel_k0 "
        "special.bessel_k0e special.bessel_k1 special.bessel_k1e special.bessel_y0 special.bessel_y1"
    )
    yield from each(MATH, positive, within(0.2, 3.0, 5))
    yield from each(MATH, "acos asin atanh erfinv", within(-0.9, 0.9, 5))
    yield from each(MATH, "erfcinv", within(0.2, 1.8, 5))
    yield from each(MATH, "acosh", within(1.3, 4.0, 5))
    yield from each(MATH, "ndtri", within(0.1, 0.9, 5))
    yield from each("tf", "cast stop_gradient", real(3), call=lambda f, x: f(x, tf.float64) if f is tf.cast else f(x))
    yield op("tf.saturate_cast", real(3), call=lambda f, x: f(x, tf.float64))
    yield op(f"{MATH}.lbeta", within(0.5, 3.0, 4))
    yield op(f"{MATH}.scalar_mul", scalar(0.7), real(3))
    yield op(
        f"{MATH}.polyval", real(3), real(3), label="by coefficients and place", call=lambda f, c, x: f(tf.unstack(c), x)
    )
    yield op(
        f"{MATH}.sobol_sample", real(3), label="as a constant", call=lambda f, x: f(2, 3, dtype=tf.float64)[:, 0] * x
    )


def _nasty_unary() -> Iterator[Sample]:
    for names, label, values in (
        ("abs", "at the kink", (0.0, -0.0, 1e-9, -1e-12)),
        ("sqrt", "at zero", (0.0,)),
        ("sqrt rsqrt", "near zero", (1e-12, 1e-6, 1e-3)),
        ("asin acos", "near the ends", (1 - 1e-9, -1 + 1e-6)),
        ("asin acos", "at the end", (1.0,)),
        ("acosh", "at the end", (1.0,)),
        ("acosh", "near the end and large", (1 + 1e-9, 1e8, 1e160)),
        ("asinh", "large and small", (1e8, -1e8, 1e-12, 1e160)),
        ("tan", "near a pole", (1.5707, 4.7123)),
        ("sin cos", "large", (1e4, 1e8)),
        ("log", "tiny and large", (1e-300, 1e-30)),
        ("log1p expm1", "tiny", (1e-14, -1e-14, 0.0)),
        ("exp expm1", "very negative", (-40.0, -800.0)),
        ("exp", "large", (700.0,)),
        ("tanh sigmoid softplus log_sigmoid erf erfc", "saturated", (0.0, 40.0, -40.0, 800.0, -800.0)),
        ("erfc", "tail", (5.0, 10.0)),
        ("softsign softplus", "at zero", (0.0,)),
        ("reciprocal_no_nan", "at zero", (0.0,)),
        ("reciprocal", "tiny", (1e-150, -1e-3)),
        ("floor ceil round rint sign", "at the jump", (0.0, 0.5, 1.0)),
        ("erfinv", "near the ends", (0.0, 1 - 1e-9, -1 + 1e-6)),
        ("ndtri", "tails", (1e-12, 1e-300, 1 - 1e-9, 0.5)),
        ("erfcinv", "tails", (1e-12, 1.0, 2 - 1e-9)),
        ("lgamma digamma", "near poles", (1e-6, -0.5, -1.0001, -20.3)),
        ("lgamma digamma", "large", (1e3, 1e10)),
        ("lgamma", "at its zeros", (1.0, 2.0, 1 + 1e-9)),
        ("bessel_i0e bessel_i1e", "zero and large", (0.0, 30.0, -600.0, 1e6)),
        ("bessel_i0 bessel_i1", "zero and large", (0.0, 30.0, -600.0)),
        ("special.bessel_j0 special.bessel_j1", "zero and large", (0.0, 1e-9, 30.0, -20.0)),
        ("special.bessel_k0 special.bessel_k1 special.bessel_k0e special.bessel_k1e", "small and large", (1e-6, 30.0)),
        ("special.bessel_y0 special.bessel_y1", "small and large", (1e-6, 30.0)),
        ("special.dawsn", "large", (0.0, 50.0, 1e6)),
        ("special.fresnel_cos special.fresnel_sin", "zero and large", (0.0, 10.0, -5.0)),
        ("special.expint", "small and large", (1e-9, 20.0)),
        ("special.spence", "special places", (1.0, 1 + 1e-9, 0.5, 2.0, 1e-9)),
        ("special.spence", "at zero", (0.0,)),
        ("square", "zero and tiny", (0.0, 1e-150)),
    ):
        yield from one_by_one(MATH, names, values, label)
    yield op(f"{MATH}.lbeta", at(1e-3, 1e3), label="extreme")


def _binary() -> Iterator[Sample]:
    names = (
        "add subtract multiply divide truediv divide_no_nan multiply_no_nan maximum minimum squared_difference atan2 "
        "floordiv floormod xdivy"
    )
    yield from each(MATH, names, real(2, 3), real(2, 3))
    yield from each(MATH, names, real(2, 3), within(0.5, 2.0, 3), label="broadcast")
    yield from each("tf", "truncatediv truncatemod realdiv", real(2, 3), within(0.5, 2.0, 3))
    yield from each(MATH, "pow xlogy xlog1py", within(0.3, 2.0, 4), within(0.5, 2.0, 4))
    yield op(f"{MATH}.nextafter", real(3), call=lambda f, x: f(x, tf.fill([3], tf.constant(9.0, tf.float64))))
    yield op("tf.complex", real(3), real(3))
    yield from each(
        MATH, "real imag conj angle abs", real(3), real(3), label="complex", call=lambda f, x, y: f(tf.complex(x, y))
    )
    yield from each(
        MATH,
        "square exp sin tanh sqrt log",
        within(0.5, 1.5, 3),
        within(0.5, 1.5, 3),
        label="complex",
        call=lambda f, x, y: f(tf.complex(x, y)),
    )
    yield from each(MATH, "add_n accumulate_n", real(3), real(3), call=lambda f, x, y: f([x, y, x]))
    for name in ("igamma", "igammac"):
        yield op(f"{MATH}.{name}", within(0.5, 3.0, 4), within(0.5, 4.0, 4))
        yield op(
            f"{MATH}.{name}", within(0.5, 4.0, 3), label="x alone", call=lambda f, x: f(_constant(0.4, 2.0, 7.5), x)
        )
    yield op(f"{MATH}.betainc", within(0.5, 3.0, 4), within(0.5, 3.0, 4), within(0.1, 0.9, 4))
    yield op(
        f"{MATH}.betainc",
        within(0.1, 0.9, 3),
        label="x alone",
        call=lambda f, x: f(_constant(1.7, 0.6, 3.0), _constant(2.2, 1.0, 0.5), x),
    )
    yield op(
        f"{MATH}.polygamma", within(0.5, 3.0, 3), label="x alone", call=lambda f, x: f(_constant(1.0, 2.0, 3.0), x)
    )
    yield op(f"{MATH}.polygamma", at(1.0, 2.0, 3.0), within(0.5, 3.0, 3), label="order too")
    yield op(f"{MATH}.zeta", within(0.5, 3.0, 3), label="q alone", call=lambda f, q: f(_constant(1.5, 2.0, 3.5), q))
    yield op(f"{MATH}.zeta", within(1.5, 3.0, 3), within(0.5, 3.0, 3), label="order too")


def _constant(*values: float) -> tf.Tensor:
    return tf.constant(values, tf.float64)


def _nasty_binary() -> Iterator[Sample]:
    ties = at(1.0, -2.0, 0.0)
    yield from each(MATH, "maximum minimum", ties, ties, label="ties")
    yield op(f"{MATH}.atan2", at(1.0, -1.0, 0.0, 2.0), at(0.0, 0.0, 3.0, -1.0), label="on an axis")
    yield op(f"{MATH}.atan2", at(0.0), at(-1.0), label="on the branch cut")
    yield op(f"{MATH}.atan2", at(0.0), at(0.0), label="at the origin")
    yield op(f"{MATH}.atan2", at(1e-200), at(2e-200), label="tiny")
    yield op(
        f"{MATH}.pow",
        at(-2.0, -0.5, -1.5),
        label="negative base, exponent fixed",
        call=lambda f, x: f(x, _constant(2.0, 3.0, -1.0)),
    )
    for exponent in (3.0, 2.0, 1.0, 0.0, 0.5):
        yield op(
            f"{MATH}.pow",
            at(0.0),
            label=f"zero base, exponent {exponent}",
            call=lambda f, x, exponent=exponent: f(x, _constant(exponent)),
        )
    yield op(
        f"{MATH}.pow", at(2.0, 0.7), label="zero base, by the exponent", call=lambda f, y: f(_constant(0.0, 0.0), y)
    )
    yield op(f"{MATH}.pow", at(0.0), at(2.0), label="zero base, both")
    yield op(f"{MATH}.pow", at(3.0, 0.5), at(0.0, 1.0), label="exponents 0 and 1, both")
    yield from each(MATH, "floormod", at(5.5, -5.5, 5.5), at(2.0, 2.0, -2.0), label="signs")
    yield op("tf.truncatemod", at(5.5, -5.5, 5.5), at(2.0, 2.0, -2.0), label="signs")
    yield from each(MATH, "floormod floordiv", at(4.0, -4.0), at(2.0, 2.0), label="at the jump")
    yield from each(
        MATH, "divide_no_nan", at(1.0, 0.0), label="divisor of zero", call=lambda f, x: f(x, _constant(0.0, 0.0))
    )
    yield from each(MATH, "divide_no_nan xdivy", at(0.0, 1.0), at(2.0, 3.0), label="dividend of zero")
    yield op(f"{MATH}.divide_no_nan", at(1.0), at(0.0), label="by a divisor of zero")
    yield op(f"{MATH}.xdivy", at(0.0), at(0.0), label="both zero")
    yield op(f"{MATH}.multiply_no_nan", at(1.0, 2.0), at(0.0, 3.0), label="a zero factor")
    yield from each(MATH, "xlogy", at(0.0, 2.0), at(0.5, 1e-9), label="a zero factor")
    yield op(f"{MATH}.xlogy", at(0.0), at(0.0), label="both zero")
    yield op(f"{MATH}.xlog1py", at(0.0), at(-1.0), label="zero times minus infinity")
    extremes: tuple[tuple[Spec, Spec, str], ...] = (
        (at(1e-3, 0.1, 50.0, 300.0), at(1e-3, 5.0, 60.0, 290.0), "extreme"),
        (at(0.5, 2.0), at(40.0, 80.0), "upper tail"),
        (at(30.0, 8.0), at(1.0, 0.05), "lower tail"),
    )
    for a, x, label in extremes:
        yield from each(MATH, "igamma igammac", a, x, label=label)
    yield from each(MATH, "igamma igammac", at(0.0), label="x alone, at zero", call=lambda f, x: f(_constant(2.5), x))
    yield op(
        f"{MATH}.betainc",
        at(1e-9, 1 - 1e-9),
        label="x alone, near the ends",
        call=lambda f, x: f(_constant(1.7, 1.7), _constant(2.2, 2.2), x),
    )
    yield op(f"{MATH}.abs", at(0.0), at(0.0), label="complex zero", call=lambda f, x, y: f(tf.complex(x, y)))


def _reductions() -> Iterator[Sample]:
    names = (
        "reduce_sum reduce_mean reduce_prod reduce_max reduce_min reduce_std reduce_variance reduce_logsumexp "
        "reduce_euclidean_norm"
    )
    yield from each(MATH, names, real(2, 3))
    yield from each(MATH, names, real(2, 3), axis=1)
    for name in "cumsum cumprod cumulative_logsumexp".split():
        for keywords in ({}, {"reverse": True}, {"axis": 1}):
            yield op(f"{MATH}.{name}", real(4, 2), **keywords)
        # The first of exclusive ones is of no entries; for a logarithm that is minus infinity.
        yield op(f"{MATH}.{name}", real(4), label="exclusive", call=lambda f, x: f(x, exclusive=True)[1:])
        yield op(
            f"{MATH}.{name}",
            real(4),
            label="exclusive, reversed",
            call=lambda f, x: f(x, exclusive=True, reverse=True)[:-1],
        )
    for name in "reduce_prod cumprod".split():
        yield op(f"{MATH}.{name}", at(2.0, 0.0, 3.0, -1.5), label="one zero")
        yield op(f"{MATH}.{name}", at(2.0, 0.0, 0.0, -1.5), label="two zeros")
    yield op(f"{MATH}.cumprod", at(2.0, 0.0, 3.0), label="one zero", exclusive=True, reverse=True)
    yield from each(MATH, "reduce_max reduce_min", at(1.0, 3.0, 3.0, 1.0), label="ties")
    yield from each(MATH, "reduce_std reduce_variance", at(1.5, 1.5, 1.5), label="all equal")
    yield from each(MATH, "reduce_std reduce_variance", at(1e8, 1e8 + 1, 1e8 + 3), label="large mean")
    yield op(f"{MATH}.reduce_euclidean_norm", at(0.0, 0.0), label="zero vector")
    yield op(f"{MATH}.reduce_euclidean_norm", at(1e-200, 1e-200), label="tiny")
    yield from each(MATH, "reduce_logsumexp cumulative_logsumexp", at(800.0, -800.0, 800.0), label="large and a tie")
    yield op(
        f"{MATH}.reduce_logsumexp",
        real(2),
        label="an entry of minus infinity",
        call=lambda f, x: f(tf.concat([x, _constant(-np.inf)], 0)),
    )
    yield from each(MATH, "softmax log_softmax", real(2, 3))
    yield from each(MATH, "softmax log_softmax", real(2, 3), axis=0)
    yield from each(MATH, "softmax log_softmax", at(0.0, 800.0, -800.0), label="saturated")
    yield from each(MATH, "l2_normalize", real(2, 3), axis=1)
    yield from each(MATH, "l2_normalize", at(0.0, 0.0), label="zero vector", axis=0)
    yield from each(MATH, "l2_normalize", at(1e-6, 1e-6), label="at the epsilon", axis=0)
    yield op(f"{MATH}.top_k", real(2, 4), k=2)
    yield op(f"{MATH}.top_k", at(1.0, 2.0, 2.0, 0.0), label="a tie cut", k=1)
    yield from each(MATH, "approx_max_k approx_min_k", real(6), precision="float32", k=2)
    yield from each(MATH, "argmax argmin", real(4), label="as an index", call=lambda f, x: tf.gather(x, f(x)))
    yield op(
        f"{MATH}.bincount", real(4), label="by the weights", call=lambda f, w: f(tf.constant([0, 2, 2, 1]), weights=w)
    )
    yield op(f"{MATH}.zero_fraction", real(3), label="times the input", call=lambda f, x: tf.cast(f(x), tf.float64) * x)


def _segments() -> Iterator[Sample]:
    sorted_ids, unsorted_ids = tf.constant([0, 0, 1, 1]), tf.constant([2, 0, 2, 0])
    for name in "sum mean prod max min".split():
        yield op(f"{MATH}.segment_{name}", real(4, 2), call=lambda f, x: f(x, sorted_ids))
    for name in "sum mean prod max min sqrt_n".split():
        yield op(f"{MATH}.unsorted_segment_{name}", real(4, 2), call=_without_the_empty(unsorted_ids))
    yield from each(
        MATH, "segment_max segment_min", at(1.0, 1.0, 2.0, 2.0), label="ties", call=lambda f, x: f(x, sorted_ids)
    )
    yield from each(
        MATH,
        "unsorted_segment_max unsorted_segment_min",
        at(1.0, 2.0, 1.0, 2.0),
        label="ties",
        call=_without_the_empty(unsorted_ids),
    )
    yield op(f"{MATH}.segment_prod", at(0.0, 2.0, 3.0, 1.0), label="one zero", call=lambda f, x: f(x, sorted_ids))
    yield op(f"{MATH}.segment_prod", at(0.0, 0.0, 3.0, 1.0), label="two zeros", call=lambda f, x: f(x, sorted_ids))
    yield op(
        f"{MATH}.unsorted_segment_prod", at(0.0, 2.0, 3.0, 1.0), label="one zero", call=_without_the_empty(unsorted_ids)
    )
    yield op(
        f"{MATH}.unsorted_segment_prod",
        at(0.0, 2.0, 0.0, 1.0),
        label="two zeros",
        call=_without_the_empty(unsorted_ids),
    )
    yield op(
        f"{MATH}.unsorted_segment_sum",
        real(4),
        label="a dropped entry",
        call=lambda f, x: f(x, tf.constant([0, -1, 1, 0]), 2),
    )


def _without_the_empty(ids: tf.Tensor):  # type: ignore[no-untyped-def]
    # The empty segment 1 is left out of the cost: the identity of a maximum is the largest float.
    return lambda f, x: tf.gather(f(x, ids, 3), [0, 2])

"""Reductions, cumulative operators, sorting, statistics, interpolation and polynomials of jax.numpy."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from samples import Sample, ascending, at, each, op, real, within

NP = "jax.numpy"
IS_NAN = np.array([[False, True, False], [False, False, False]])
"""What is NaN in the inputs of the operators that pass over it."""


def samples() -> Iterator[Sample]:
    """Reductions, then what is ordered, then what is fitted."""
    yield from _reductions()
    yield from _nasty_reductions()
    yield from _order()
    yield from _statistics()
    yield from _signals_and_fits()


def _reductions() -> Iterator[Sample]:
    for name in "sum mean prod max min amax amin std var ptp median cumsum cumprod cumulative_sum".split():
        yield op(f"{NP}.{name}", real(6) if name.startswith("cumulative") else real(2, 3))
        yield op(f"{NP}.{name}", real(2, 3), axis=1)
    yield op(f"{NP}.cumulative_prod", real(5))
    yield op(f"{NP}.cumulative_sum", real(2, 3), axis=1, include_initial=True)
    for name in ("nansum nanmean nanprod nanmax nanmin nanstd nanvar nanmedian nancumsum nancumprod").split():
        yield op(
            f"{NP}.{name}", real(2, 3), label="with a NaN", call=lambda f, x: f(jnp.where(IS_NAN, jnp.nan, x), axis=1)
        )
        yield op(f"{NP}.{name}", real(2, 3))
    for name in "percentile nanpercentile".split():
        yield op(f"{NP}.{name}", real(5), q=30.0)
        yield op(f"{NP}.{name}", real(5), at(15.0, 60.0), label="by q too")
    for name in "quantile nanquantile".split():
        for method in "linear lower higher midpoint nearest".split():
            yield op(f"{NP}.{name}", real(5), q=0.3, method=method)
        yield op(f"{NP}.{name}", real(5), at(0.15, 0.6), label="by q too")
        yield op(f"{NP}.{name}", real(5), at(0.25, 0.5), label="q at a knot")
    for name in "std var nanstd nanvar".split():
        yield op(f"{NP}.{name}", real(5), ddof=1)
    where = np.array([True, False, True])
    for name in "sum mean prod std var".split():
        yield op(f"{NP}.{name}", real(2, 3), where=where)
    yield from each(NP, "max min", real(2, 3), initial=0.2, where=where)
    yield op(
        f"{NP}.average", real(2, 3), within(0.5, 1.5, 3), label="weights", call=lambda f, x, w: f(x, axis=1, weights=w)
    )
    yield op(f"{NP}.average", real(4))
    yield op(f"{NP}.trace", real(3, 3))
    yield op(f"{NP}.trace", real(3, 4), offset=1)


def _nasty_reductions() -> Iterator[Sample]:
    for name in "max min amax amin ptp nanmax nanmin".split():
        yield op(f"{NP}.{name}", at(1.0, 3.0, 3.0, 1.0), label="ties")
    yield from each(NP, "median nanmedian", at(1.0, 2.0, 2.0, 3.0), label="ties, even count")
    yield from each(NP, "median nanmedian", at(1.0, 2.0, 2.0, 2.0, 3.0), label="ties, odd count")
    yield from each(NP, "quantile nanquantile", at(1.0, 2.0, 2.0, 3.0), label="ties", q=0.4)
    yield from each(NP, "percentile nanpercentile", at(1.0, 2.0, 2.0, 3.0), label="ties", q=40.0)
    for name in "prod cumprod nanprod nancumprod cumulative_prod".split():
        yield op(f"{NP}.{name}", at(2.0, 0.0, 3.0, -1.5), label="one zero")
        yield op(f"{NP}.{name}", at(2.0, 0.0, 0.0, -1.5), label="two zeros")
    for name in "std nanstd".split():
        yield op(f"{NP}.{name}", at(1.5, 1.5, 1.5), label="all equal")
    for name in "var nanvar".split():
        yield op(f"{NP}.{name}", at(1.5, 1.5, 1.5), label="all equal")
    yield from each(NP, "std var", at(1e8, 1e8 + 1, 1e8 + 3), label="large mean")
    yield from each(NP, "sum mean cumsum", at(1e16, 1.0, -1e16), label="cancellation")


def _order() -> Iterator[Sample]:
    yield op(f"{NP}.sort", real(5))
    yield op(f"{NP}.sort", real(2, 3), axis=0)
    yield op(f"{NP}.sort", real(5), descending=True)
    yield op(f"{NP}.sort", at(2.0, 1.0, 2.0, 1.0), label="ties")
    yield op(f"{NP}.partition", real(6), kth=2)
    yield op(f"{NP}.partition", at(2.0, 1.0, 2.0, 1.0), label="ties", kth=1)
    yield op(f"{NP}.sort_complex", real(4), compiled=False)
    for name in "unique unique_values".split():
        yield op(f"{NP}.{name}", real(4), size=4)
        yield op(f"{NP}.{name}", at(2.0, 1.0, 2.0), label="ties", size=2)
    yield from each(NP, "unique_all unique_counts unique_inverse", real(4), size=4, call=lambda f, x: f(x, size=4)[0])
    other = np.array([0.5, 7.0])
    yield op(f"{NP}.union1d", real(3), call=lambda f, x: f(x, other, size=5))
    yield op(f"{NP}.intersect1d", at(0.5, 1.0, 3.0), call=lambda f, x: f(x, x[:2], size=2))
    yield op(f"{NP}.setdiff1d", real(3), call=lambda f, x: f(x, other, size=3))
    yield op(f"{NP}.setxor1d", real(3), call=lambda f, x: f(x, other, size=5))
    yield op(f"{NP}.trim_zeros", at(0.0, 1.0, 2.0, 0.0), label="cut ends are zero", compiled=False)
    yield op(f"{NP}.trim_zeros", real(3), compiled=False)


def _statistics() -> Iterator[Sample]:
    yield from each(NP, "cov corrcoef", real(2, 4))
    yield from each(NP, "cov corrcoef", real(4), real(4), label="two variables")
    yield op(f"{NP}.cov", real(2, 4), within(0.5, 1.0, 4), label="weights", call=lambda f, x, w: f(x, aweights=w))
    yield op(f"{NP}.corrcoef", at([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0]]), label="collinear")
    index = np.array([0, 2, 2, 1])
    edges = np.array([0.0, 0.4, 1.0])
    points = np.array([0.1, 0.3, 0.5, 0.9])
    plane = np.stack([points, points[::-1]])
    yield op(f"{NP}.bincount", real(4), label="by the weights", call=lambda f, w: f(index, weights=w, length=3))
    yield op(f"{NP}.histogram", real(4), label="by the weights", call=lambda f, w: f(points, bins=edges, weights=w)[0])
    yield op(
        f"{NP}.histogram",
        within(0.5, 1.0, 4),
        label="by the weights, as density",
        call=lambda f, w: f(points, bins=edges, weights=w, density=True)[0],
    )
    yield op(
        f"{NP}.histogram2d", real(4), label="by the weights", call=lambda f, w: f(*plane, bins=edges, weights=w)[0]
    )
    yield op(
        f"{NP}.histogramdd",
        real(4),
        label="by the weights",
        call=lambda f, w: f(plane.T, bins=[edges, edges], weights=w)[0],
    )
    yield op(f"{NP}.histogram_bin_edges", real(5), label="by the data", bins=3)
    yield op(f"{NP}.digitize", real(3), label="as an index", call=lambda f, x: x[f(x, np.array([-0.3, 0.3])) % 3])


def _signals_and_fits() -> Iterator[Sample]:
    for name in "convolve correlate".split():
        for mode in "full same valid".split():
            yield op(f"{NP}.{name}", real(5), real(3), mode=mode)
    knots = np.array([0.0, 1.0, 2.5, 4.0])
    yield op(
        f"{NP}.interp",
        within(0.2, 3.8, 4),
        ascending(4),
        real(4),
        label="by all three",
        call=lambda f, x, xp, fp: f(x, 2 * xp - 0.5, fp),
    )
    yield op(
        f"{NP}.interp", at(0.0, 1.0, 2.5, 4.0), real(4), label="at the knots", call=lambda f, x, fp: f(x, knots, fp)
    )
    yield op(f"{NP}.interp", at(-1.0, 5.0), real(4), label="outside", call=lambda f, x, fp: f(x, knots, fp))
    yield op(
        f"{NP}.interp",
        at(-1.0, 5.3),
        real(4),
        label="extrapolated",
        call=lambda f, x, fp: f(x, knots, fp, left="extrapolate", right="extrapolate"),
    )
    yield op(
        f"{NP}.interp", at(-1.0, 5.3, 2.0), real(4), label="periodic", call=lambda f, x, fp: f(x, knots, fp, period=5.0)
    )
    yield op(f"{NP}.interp", at(0.5, 2.0), at(0.0, 1.0, 1.0, 3.0), real(4), label="a knot twice")
    yield op(f"{NP}.gradient", real(3, 4))
    yield op(f"{NP}.gradient", real(5), ascending(5), label="by the places too")
    yield op(f"{NP}.diff", real(5), n=2)
    yield op(f"{NP}.diff", real(2, 3), axis=0, prepend=1.0)
    yield op(f"{NP}.ediff1d", real(4), to_begin=1.0)
    yield op(f"{NP}.trapezoid", real(5), dx=0.3)
    yield op(f"{NP}.trapezoid", real(5), ascending(5), label="by the places too")
    yield op(f"{NP}.unwrap", at(0.0, 1.0, 6.0, 12.5, 3.0))
    yield op(f"{NP}.unwrap", at(0.0, np.pi), label="at the jump")
    yield op(f"{NP}.poly", real(3), compiled=False)
    yield op(f"{NP}.poly", at([[2.0, 1.0], [0.5, -1.0]]), label="of a matrix")
    yield op(f"{NP}.poly", at([[2.0, 1.0], [1.0, 2.0]]), label="of a symmetric matrix")
    yield from each(NP, "polyadd polysub polymul", real(3), real(4))
    yield op(f"{NP}.polyval", real(4), real(3))
    yield op(f"{NP}.polyder", real(4), m=2)
    yield op(f"{NP}.polyint", real(3), m=2)
    yield op(f"{NP}.polydiv", within(1.0, 2.0, 5), within(1.0, 2.0, 3))
    yield op(f"{NP}.polyfit", ascending(6), real(6), label="by places and values", deg=2)
    yield op(
        f"{NP}.polyfit",
        real(6),
        within(0.5, 1.5, 6),
        label="weights",
        call=lambda f, y, w: f(np.arange(6.0), y, 2, w=w),
    )
    yield op(f"{NP}.roots", at(1.0, -3.5, 1.2, 4.0), label="real roots", call=lambda f, p: f(p, strip_zeros=False))
    yield op(f"{NP}.roots", at(1.0, 0.4, 2.0), label="complex roots", call=lambda f, p: f(p, strip_zeros=False))
    yield op(f"{NP}.roots", at(1.0, -2.0, 1.0), label="a double root", call=lambda f, p: f(p, strip_zeros=False))
    yield op(f"{NP}.vander", real(3), N=4)
    yield op(f"{NP}.cross", real(2, 3), real(2, 3))
    yield op(
        f"{NP}.searchsorted", real(4), label="as an index", call=lambda f, x: x[f(np.array([-1.0, 0.0, 1.0]), x) % 4]
    )
    for name in "argmax argmin nanargmax nanargmin".split():
        yield op(f"{NP}.{name}", real(4), label="as an index", call=lambda f, x: x[f(x)])
    yield from each(NP, "argsort", real(4), label="as an index", call=lambda f, x: x[f(x)])
    yield op(f"{NP}.argpartition", real(4), label="as an index", call=lambda f, x: x[f(x, 2)])
    yield op(f"{NP}.lexsort", real(4), label="as an index", call=lambda f, x: x[f((x,))])
    yield op(f"{NP}.kaiser", at(3.0), label="by beta", call=lambda f, b: f(6, b[0]))
    yield op(f"{NP}.kaiser", at(0.0), label="by beta, at zero", call=lambda f, b: f(6, b[0]))
    for name in "linspace logspace geomspace".split():
        yield op(f"{NP}.{name}", at(0.5), at(2.0), label="by both ends", call=lambda f, a, b: f(a[0], b[0], 5))
    yield op(f"{NP}.logspace", at(2.0), label="by the base", call=lambda f, b: f(0.5, 2.0, 4, base=b[0]))
    yield op(f"{NP}.vectorize", real(3), call=lambda f, x: f(jnp.sin)(x))

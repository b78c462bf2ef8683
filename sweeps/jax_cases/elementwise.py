"""Elementwise functions of jax.numpy, and those of jax.lax that go with them."""

from collections.abc import Iterator

import jax.numpy as jnp

from samples import Sample, at, each, one_by_one, op, real, scalar, within

NP, LAX = "jax.numpy", "jax.lax"


def samples() -> Iterator[Sample]:
    """Smooth places first, then the nasty ones."""
    yield from _unary()
    yield from _binary()
    yield from _nasty_unary()
    yield from _nasty_binary()


def _unary() -> Iterator[Sample]:
    everywhere = (
        "sin cos tan sinh cosh tanh arctan arcsinh atan asinh exp exp2 expm1 sinc i0 square negative positive abs "
        "absolute fabs deg2rad rad2deg degrees radians conj conjugate real imag angle nan_to_num modf frexp "
        "ceil floor rint round around trunc sign array asarray copy astype"
    )
    cast = {"astype": lambda f, x: f(x, jnp.float64)}
    for name in everywhere.split():
        yield op(f"{NP}.{name}", real(2, 3), call=cast.get(name))
    yield from each(NP, "log log2 log10 log1p sqrt cbrt reciprocal", within(0.2, 3.0, 5))
    yield from each(NP, "arcsin arccos arctanh asin acos atanh", within(-0.9, 0.9, 5))
    yield from each(NP, "arccosh acosh", within(1.3, 4.0, 5))
    lax_everywhere = (
        "sin cos tan sinh cosh tanh atan asinh exp exp2 expm1 square neg abs logistic erf erfc bessel_i0e "
        "bessel_i1e sign floor ceil round conj stop_gradient stage optimization_barrier"
    )
    for name in lax_everywhere.split():
        yield op(f"{LAX}.{name}", real(2, 3))
    yield from each(LAX, "log log1p sqrt cbrt rsqrt reciprocal digamma lgamma", within(0.2, 3.0, 5))
    yield from each(LAX, "asin acos atanh erf_inv", within(-0.9, 0.9, 5))
    yield from each(LAX, "acosh", within(1.3, 4.0, 5))
    yield from each(LAX, "real imag", real(3), label="complex input", call=lambda f, x: f(x + 1j * x**2))
    for exponent in (-3, 0, 1, 2, 5):
        yield op(f"{LAX}.integer_pow", within(0.5, 2.0, 4), y=exponent)
        yield op(f"{LAX}.integer_pow", within(-2.0, -0.5, 4), label="negative base", y=exponent)
    yield op(f"{LAX}.reduce_precision", real(4), exponent_bits=11, mantissa_bits=52)
    yield op(f"{LAX}.convert_element_type", real(4), call=lambda f, x: f(x, jnp.float64))


def _binary() -> Iterator[Sample]:
    for name in (
        "add subtract multiply divide true_divide maximum minimum fmax fmin arctan2 atan2 hypot logaddexp logaddexp2 "
        "copysign heaviside mod remainder fmod divmod floor_divide"
    ).split():
        yield op(f"{NP}.{name}", real(2, 3), real(2, 3))
        yield op(f"{NP}.{name}", real(2, 3), within(0.5, 2.0, 3), label="broadcast")
    yield from each(NP, "power pow float_power", within(0.3, 2.0, 4), real(4))
    yield op(f"{NP}.ldexp", real(3), call=lambda f, x: f(x, jnp.array([1, -2, 3])))
    yield op(f"{NP}.nextafter", real(3), call=lambda f, x: f(x, jnp.full(3, 9.0)))
    yield op(f"{NP}.spacing", real(3))
    for name in "add sub mul div max min atan2 rem".split():
        yield op(f"{LAX}.{name}", real(2, 3), within(0.5, 2.0, 2, 3))
    yield op(f"{LAX}.pow", within(0.3, 2.0, 4), real(4))
    yield op(f"{LAX}.nextafter", real(3), call=lambda f, x: f(x, jnp.full(3, 9.0)))
    yield op(f"{LAX}.complex", real(3), real(3))
    for name in ("igamma", "igammac", "igamma_grad_a", "random_gamma_grad"):
        yield op(f"{LAX}.{name}", within(0.5, 3.0, 4), within(0.5, 4.0, 4))
        yield op(
            f"{LAX}.{name}", within(0.5, 4.0, 4), label="x alone", call=lambda f, x: f(jnp.array([0.4, 1, 2, 7.5]), x)
        )
    yield op(f"{LAX}.betainc", within(0.5, 3.0, 4), within(0.5, 3.0, 4), within(0.1, 0.9, 4))
    yield op(f"{LAX}.betainc", within(0.1, 0.9, 3), label="x alone", call=lambda f, x: f(*jnp.full((2, 3), 1.7), x))
    yield op(
        f"{LAX}.polygamma", within(0.5, 3.0, 3), label="x alone", call=lambda f, x: f(jnp.array([1.0, 2.0, 3.0]), x)
    )
    yield op(f"{LAX}.polygamma", at(1.0, 2.0, 3.0), within(0.5, 3.0, 3), label="order too")
    yield op(f"{LAX}.zeta", within(0.5, 3.0, 3), label="q alone", call=lambda f, q: f(jnp.array([1.5, 2.0, 3.5]), q))
    yield op(f"{LAX}.zeta", within(1.5, 3.0, 3), within(0.5, 3.0, 3), label="order too")
    yield op(f"{LAX}.clamp", real(4), label="inside and outside", call=lambda f, x: f(-0.5, x, 0.5))
    yield op(f"{LAX}.clamp", scalar(-0.5), real(4), scalar(0.5), label="by scalar bounds too")
    yield op(f"{LAX}.clamp", at(-0.5, -0.4, -0.3), real(3), at(0.2, 0.3, 0.4), label="by the bounds too")
    yield op(f"{NP}.clip", real(5), label="inside and outside", call=lambda f, x: f(x, -0.5, 0.5))
    yield op(f"{NP}.clip", real(4), at(-0.5, -0.4, -0.3, -0.2), at(0.2, 0.3, 0.4, 0.5), label="by the bounds too")
    for name in "where select_n".split():
        module = NP if name == "where" else LAX
        yield op(
            f"{module}.{name}", real(4), real(4), call=lambda f, x, y: f(jnp.array([True, False, True, False]), x, y)
        )
    yield op(f"{LAX}.select", real(4), real(4), call=lambda f, x, y: f(jnp.array([True, False, True, False]), x, y))


def _nasty_unary() -> Iterator[Sample]:
    for name, label, values in (
        ("abs absolute fabs", "at the kink", (0.0, -0.0, 1e-9, -1e-12)),
        ("sqrt", "at zero", (0.0,)),
        ("sqrt", "near zero", (1e-12, 1e-6, 1e-3)),
        ("cbrt", "at zero", (0.0,)),
        ("cbrt", "negative", (-8.0, -1e-3)),
        ("arcsin arccos", "near the ends", (1 - 1e-9, -1 + 1e-6)),
        ("arcsin arccos", "at the end", (1.0,)),
        ("arctanh", "near the ends", (1 - 1e-9, -1 + 1e-6)),
        ("arccosh", "near the end", (1 + 1e-9, 1 + 1e-4)),
        ("arccosh", "at the end", (1.0,)),
        ("arccosh", "large", (1e8, 1e160)),
        ("arcsinh", "large and small", (1e8, -1e8, 1e-12)),
        ("arcsinh", "very large", (1e160, -1e160)),
        ("tan", "near a pole", (1.5707, 4.7123)),
        ("sin cos", "large", (1e4, 1e8)),
        ("sinc", "at zero", (0.0,)),
        ("sinc", "near zero", (1e-12, 1e-9, 1e-5, 1e-3, 0.02)),
        ("sinc", "integers", (1.0, 2.0, -3.0)),
        ("log log2 log10", "tiny", (1e-300, 1e-30)),
        ("log log2 log10", "large", (1e300, 1e30)),
        ("log1p expm1", "tiny", (1e-14, -1e-14, 0.0)),
        ("log1p", "near the pole", (-1 + 1e-9,)),
        ("exp", "large", (700.0, -700.0)),
        ("exp2", "large", (1000.0,)),
        ("exp expm1 exp2", "very negative", (-40.0, -800.0)),
        ("tanh", "saturated", (20.0, -40.0, 5.0)),
        ("sinh cosh", "large", (700.0, -350.0)),
        ("i0", "zero and large", (0.0, 30.0, 600.0)),
        ("floor ceil trunc round rint sign", "at the jump", (0.0, 0.5, 1.0)),
        ("nan_to_num", "plain", (0.0, 1.0)),
        ("reciprocal", "tiny", (1e-150, -1e-3)),
        ("square", "zero and tiny", (0.0, 1e-150)),
        ("modf frexp", "at powers of two", (1.0, 2.0)),
    ):
        yield from one_by_one(NP, name, values, label)
    for name, label, values in (
        ("rsqrt", "tiny and large", (1e-200, 1e200)),
        ("erf_inv", "near the ends", (1 - 1e-9, -1 + 1e-6, 0.0)),
        ("erf erfc", "tails", (0.0, 5.0, -5.0, 10.0)),
        ("logistic", "saturated", (40.0, -40.0, -700.0)),
        ("lgamma digamma", "near poles", (1e-6, -0.5, -1.0001, -20.3)),
        ("lgamma digamma", "large", (1e3, 1e10)),
        ("lgamma", "at its zeros", (1.0, 2.0, 1 + 1e-9)),
        ("digamma", "at its zero", (1.4616321449683622,)),
        ("bessel_i0e bessel_i1e", "zero and large", (0.0, 30.0, -600.0, 1e6)),
    ):
        yield from one_by_one(LAX, name, values, label)


def _nasty_binary() -> Iterator[Sample]:
    ties = at(1.0, -2.0, 0.0)
    yield from each(NP, "maximum minimum fmax fmin", ties, ties, label="ties")
    yield from each(LAX, "max min", ties, ties, label="ties")
    yield from each(NP, "logaddexp logaddexp2", ties, ties, label="ties")
    yield from each(NP, "logaddexp logaddexp2", at(0.0, 800.0, -900.0), at(800.0, 0.0, -901.0), label="far apart")
    yield from each(NP, "hypot", at(3.0, 0.0, 1.0), at(4.0, 2.0, 0.0), label="on an axis")
    yield from each(NP, "hypot", at(0.0), at(0.0), label="at the origin")
    yield from each(NP, "hypot", at(1e-200), at(2e-200), label="tiny")
    yield from each(NP, "hypot", at(1e200), at(2e200), label="huge")
    for module, name in ((NP, "arctan2"), (LAX, "atan2")):
        yield op(f"{module}.{name}", at(1.0, -1.0, 0.0, 2.0), at(0.0, 0.0, 3.0, -1.0), label="on an axis")
        yield op(f"{module}.{name}", at(0.0), at(-1.0), label="on the branch cut")
        yield op(f"{module}.{name}", at(0.0), at(0.0), label="at the origin")
        yield op(f"{module}.{name}", at(1e-200), at(2e-200), label="tiny")
    for module, name in ((NP, "power"), (NP, "float_power"), (LAX, "pow")):
        yield op(
            f"{module}.{name}",
            at(-2.0, -0.5, -1.5),
            label="negative base, exponent fixed",
            call=lambda f, x: f(x, jnp.array([2.0, 3.0, -1.0])),
        )
        yield op(
            f"{module}.{name}",
            at(0.0, 0.0),
            label="zero base, exponents 2 and 3",
            call=lambda f, x: f(x, jnp.array([2.0, 3.0])),
        )
        yield op(f"{module}.{name}", at(0.0), label="zero base, exponent 1", call=lambda f, x: f(x, jnp.array([1.0])))
        yield op(f"{module}.{name}", at(0.0), label="zero base, exponent 0", call=lambda f, x: f(x, jnp.array([0.0])))
        yield op(
            f"{module}.{name}", at(0.0), label="zero base, exponent one half", call=lambda f, x: f(x, jnp.array([0.5]))
        )
        yield op(
            f"{module}.{name}", at(2.0, 0.7), label="zero base, by the exponent", call=lambda f, y: f(jnp.zeros(2), y)
        )
        yield op(f"{module}.{name}", at(0.0), at(2.0), label="zero base, both")
        yield op(f"{module}.{name}", at(3.0, 0.5), at(0.0, 1.0), label="exponents 0 and 1, both")
    yield op(f"{NP}.power", at(-2.0, 0.0, 3.0), label="integer exponent", call=lambda f, x: f(x, 3))
    yield op(
        f"{NP}.power", at(-2.0, 0.0, 3.0), label="integer array exponent", call=lambda f, x: f(x, jnp.array([3, 2, 0]))
    )
    yield from each(NP, "mod remainder fmod", at(5.5, -5.5, 5.5), at(2.0, 2.0, -2.0), label="signs")
    yield from each(NP, "mod remainder fmod divmod floor_divide", at(4.0, -4.0), at(2.0, 2.0), label="at the jump")
    yield from each(NP, "divide", at(1.0), at(1e-8), label="small divisor")
    yield from each(NP, "log reciprocal", at(1e-12, 0.5, 3.0), label="entries of far apart sizes")
    yield op(f"{NP}.heaviside", at(0.0), at(0.5), label="at the jump")
    yield op(f"{NP}.copysign", at(0.0, 2.0), at(1.0, -1.0), label="at the kink")
    yield op(f"{NP}.clip", at(-0.5, 0.5, 0.0), label="at the bounds", call=lambda f, x: f(x, -0.5, 0.5))
    yield op(f"{LAX}.clamp", at(-0.5, 0.5, 0.0), label="at the bounds", call=lambda f, x: f(-0.5, x, 0.5))
    yield op(
        f"{NP}.where", at(-1.0, 4.0), label="the branch not taken is NaN", call=lambda f, x: f(x > 0, jnp.sqrt(x), 0.0)
    )
    yield op(
        f"{NP}.where", at(-1.0, 4.0), label="guarded twice", call=lambda f, x: f(x > 0, jnp.sqrt(f(x > 0, x, 1.0)), 0.0)
    )
    yield op(
        f"{NP}.where",
        at(0.0, 2.0),
        label="the branch not taken divides by zero",
        call=lambda f, x: f(x != 0, jnp.sin(x) / x, 1.0),
    )
    yield op(f"{NP}.where", at(0.0, 1.0), label="at the kink", call=lambda f, x: f(x > 0, x, 0.0))
    for a, x, label in (
        (at(1e-3, 0.1, 50.0, 300.0), at(1e-3, 5.0, 60.0, 290.0), "extreme"),
        (at(0.5, 2.0), at(40.0, 80.0), "upper tail"),
        (at(30.0, 8.0), at(1.0, 0.05), "lower tail"),
    ):
        yield from each(LAX, "igamma igammac", a, x, label=label)
    yield from each(LAX, "igamma igammac", at(0.0), label="x alone, at zero", call=lambda f, x: f(2.5, x))

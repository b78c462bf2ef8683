"""jax.lax's control flow, implicit functions and collectives, and jax.ops."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from samples import Sample, at, each, op, positive_definite, real, within

LAX = "jax.lax"


def samples() -> Iterator[Sample]:
    """Loops and branches first."""
    yield from _control_flow()
    yield from _implicit()
    yield from _collectives()
    yield from _segments()


def _control_flow() -> Iterator[Sample]:
    yield op(f"{LAX}.scan", real(2), real(4, 2), label="a recurrence", call=_recurrence)
    yield op(
        f"{LAX}.scan",
        real(2),
        real(4, 2),
        label="reversed, unrolled",
        call=lambda f, w, xs: _recurrence(f, w, xs, reverse=True, unroll=2),
    )
    yield op(
        f"{LAX}.fori_loop",
        real(3),
        label="fixed trip count",
        call=lambda f, x: f(0, 4, lambda i, c: jnp.sin(c) + 0.3 * i * c, x),
    )
    yield op(f"{LAX}.while_loop", real(3), label="by forward mode only", call=_while_forward)
    yield op(
        f"{LAX}.while_loop",
        real(3),
        label="in reverse",
        call=lambda f, x: f(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, x))[1],
    )
    yield op(
        f"{LAX}.cond", real(3), label="both branches", call=lambda f, x: [f(v > 0, jnp.sin, jnp.exp, v) for v in x]
    )
    yield op(
        f"{LAX}.cond", at(0.0), label="at the joint", call=lambda f, x: f(x[0] > 0, lambda v: v, lambda v: -v, x[0])
    )
    yield op(
        f"{LAX}.switch", real(3), call=lambda f, x: [f(i, [jnp.sin, jnp.exp, jnp.square], v) for i, v in enumerate(x)]
    )
    yield op(f"{LAX}.map", real(3, 2), call=lambda f, x: f(lambda row: jnp.prod(row) * row, x))
    yield op(
        f"{LAX}.map", real(5, 2), batch_size=2, call=lambda f, x: f(lambda row: jnp.prod(row) * row, x, batch_size=2)
    )
    yield op(f"{LAX}.associative_scan", real(5), call=lambda f, x: f(jnp.multiply, x))
    yield op(
        f"{LAX}.associative_scan",
        real(4, 2, 2),
        label="matrices, reversed",
        call=lambda f, x: f(jnp.matmul, x, reverse=True),
    )
    yield op(f"{LAX}.associative_scan", at(1.0, 0.0, 2.0, 0.0), label="zeros", call=lambda f, x: f(jnp.multiply, x))
    yield op(f"{LAX}.associative_scan", at(1.0, 3.0, 3.0), label="maximum, ties", call=lambda f, x: f(jnp.maximum, x))
    yield op(f"{LAX}.platform_dependent", real(3), call=lambda f, x: f(x, cpu=jnp.sin, default=jnp.cos))
    yield op(f"{LAX}.composite", real(3), call=lambda f, x: f(jnp.sin, "own.sine")(x))


def _recurrence(f: Callable[..., Any], w: Any, xs: Any, **keywords: Any) -> Any:
    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        carry = jnp.tanh(carry * w + x)
        return carry, carry * x

    return f(step, jnp.zeros(2), xs, **keywords)


def _while_forward(f: Callable[..., Any], x: Any) -> Any:
    """A loop of as many turns as the data say, which reverse mode refuses: differentiated forward inside a rule."""

    def loop(v: Any) -> Any:
        return f(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, v))[1]

    @jax.custom_vjp
    def wrapped(v: Any) -> Any:
        return loop(v)

    def forward(v: Any) -> Any:
        return loop(v), jax.jacfwd(loop)(v)

    wrapped.defvjp(forward, lambda jacobian, ct: (ct @ jacobian,))
    return wrapped(x)


def _implicit() -> Iterator[Sample]:
    yield op(f"{LAX}.custom_root", within(1.0, 3.0, 3), call=_root)
    yield op(
        f"{LAX}.custom_linear_solve",
        positive_definite(3),
        real(3),
        label="symmetric",
        call=lambda f, a, b: _linear_solve(f, (a + a.T) / 2, b, symmetric=True),
    )
    yield op(
        f"{LAX}.custom_linear_solve",
        positive_definite(3),
        real(3),
        label="with a transposed solve",
        call=lambda f, a, b: _linear_solve(f, a, b, symmetric=False),
    )


def _root(f: Callable[..., Any], a: Any) -> Any:
    """The solution of x^3 + x = a by Newton's method, each entry by itself."""

    def residual(x: Any) -> Any:
        return x**3 + x - a

    def newton(g: Callable[[Any], Any], x: Any) -> Any:
        return lax.fori_loop(0, 30, lambda _, x: x - g(x) / (3 * x**2 + 1), x)

    def tangent(g: Callable[[Any], Any], y: Any) -> Any:
        return y / g(jnp.ones_like(y))

    return f(residual, jnp.ones_like(a), newton, tangent)


def _linear_solve(f: Callable[..., Any], a: Any, b: Any, *, symmetric: bool) -> Any:
    return f(
        lambda x: a @ x,
        b,
        lambda _, y: jnp.linalg.solve(lax.stop_gradient(a), y),
        lambda _, y: jnp.linalg.solve(lax.stop_gradient(a).T, y),
        symmetric=symmetric,
    )


def _collectives() -> Iterator[Sample]:
    for name in "psum pmean pmax pmin all_gather".split():
        yield op(f"{LAX}.{name}", real(3, 2), call=lambda f, x: jax.vmap(lambda row: f(row, "i"), axis_name="i")(x))
    for name in "pmax pmin".split():
        yield op(
            f"{LAX}.{name}",
            at([[1.0], [2.0], [2.0]]),
            label="ties",
            call=lambda f, x: jax.vmap(lambda row: f(row, "i"), axis_name="i")(x),
        )
    cycle = [(0, 1), (1, 2), (2, 0)]
    yield op(
        f"{LAX}.ppermute", real(3, 2), call=lambda f, x: jax.vmap(lambda row: f(row, "i", cycle), axis_name="i")(x)
    )
    yield op(
        f"{LAX}.pshuffle", real(3, 2), call=lambda f, x: jax.vmap(lambda row: f(row, "i", [2, 0, 1]), axis_name="i")(x)
    )
    yield op(f"{LAX}.pbroadcast", real(3, 2), call=lambda f, x: jax.vmap(lambda row: f(row, "i", 1), axis_name="i")(x))
    yield op(f"{LAX}.pswapaxes", real(3, 3), call=lambda f, x: jax.vmap(lambda row: f(row, "i", 0), axis_name="i")(x))
    yield op(
        f"{LAX}.all_to_all", real(3, 3), call=lambda f, x: jax.vmap(lambda row: f(row, "i", 0, 0), axis_name="i")(x)
    )
    yield op(f"{LAX}.psum_scatter", real(3, 3), call=lambda f, x: jax.vmap(lambda row: f(row, "i"), axis_name="i")(x))


def _segments() -> Iterator[Sample]:
    index = np.array([0, 2, 0, 2])
    for name in "segment_sum segment_prod segment_max segment_min".split():
        yield op(f"jax.ops.{name}", real(4, 2), call=_segment(index))
    yield from each("jax.ops", "segment_max segment_min", at(1.0, 2.0, 1.0, 2.0), label="ties", call=_segment(index))
    yield op("jax.ops.segment_prod", at(0.0, 2.0, 3.0, 1.0), label="one zero", call=_segment(index))
    yield op("jax.ops.segment_prod", at(0.0, 2.0, 0.0, 1.0), label="two zeros", call=_segment(index))


def _segment(index: Any) -> Callable[..., Any]:
    # The empty segment 1 is left out of the cost: the identity of a maximum is not finite.
    return lambda f, x: f(x, index, num_segments=3)[np.array([0, 2])]

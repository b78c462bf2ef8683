"""jax.numpy.linalg, jax.lax.linalg, jax.scipy.linalg and jax.scipy.sparse.linalg.

What has a free sign, such as an eigenvector, is checked through a quantity that has none.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from samples import Sample, at, each, op, positive_definite, real, regular, symmetric, triangular, within

LA, LAX, SP = "jax.numpy.linalg", "jax.lax.linalg", "jax.scipy.linalg"
CG = "jax.scipy.sparse.linalg"


def projectors(values_and_vectors: Any) -> Any:
    """Eigenvalues, and the vectors as v v^T weighted by distinct numbers."""
    values, vectors = values_and_vectors
    weights = jnp.arange(1.0, vectors.shape[-1] + 1)
    return values, (vectors * weights) @ jnp.conj(jnp.swapaxes(vectors, -1, -2))


def singular_parts(parts: Any) -> Any:
    """Singular values, and the vectors as sums of w u v^T, which have no free sign."""
    u, s, vh = parts
    rank = s.shape[-1]
    return s, (u[..., :rank] * jnp.arange(1.0, rank + 1)) @ vh[..., :rank, :]


def of_symmetric(call: Callable[..., Any] | None = None, **keywords: Any) -> Callable[..., Any]:
    """The operator on the symmetric part: so every entry may be moved by itself."""

    def wrapped(f: Callable[..., Any], a: Any, *others: Any) -> Any:
        symmetric_part = (a + jnp.swapaxes(a, -1, -2)) / 2
        return f(symmetric_part, *others, **keywords) if call is None else call(f, symmetric_part, *others)

    return wrapped


REPEATED = at([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]])
SINGULAR = at([[1.0, 2.0], [2.0, 4.0]])
ZERO = at([[0.0, 0.0], [0.0, 0.0]])


def samples() -> Iterator[Sample]:
    """Products and norms, solvers, decompositions, functions of matrices."""
    yield from _products_and_norms()
    yield from _solvers()
    yield from _spectra()
    yield from _decompositions()
    yield from _functions()
    yield from _built()


def _products_and_norms() -> Iterator[Sample]:
    yield op(f"{LA}.cross", real(2, 3), real(2, 3))
    yield from each(LA, "diagonal trace", real(3, 3))
    yield op(f"{LA}.matrix_transpose", real(2, 3))
    yield op(f"{LA}.matmul", real(2, 3), real(3, 2))
    yield op(f"{LA}.outer", real(2), real(3))
    yield op(f"{LA}.vecdot", real(2, 3), real(2, 3))
    yield op(f"{LA}.tensordot", real(2, 3), real(3, 2), call=lambda f, x, y: f(x, y, axes=1))
    yield op(f"{LA}.multi_dot", real(2, 3), real(3, 2), real(2), call=lambda f, *xs: f(xs))
    for n in (0, 1, 3, -2):
        yield op(f"{LA}.matrix_power", regular(3), n=n)
    for name in "norm vector_norm".split():
        for order in (None, 0, 1, 2, 3, np.inf, -np.inf, 0.5):
            if order is None and name == "vector_norm":
                continue
            yield op(f"{LA}.{name}", real(4), ord=order)
            yield op(f"{LA}.{name}", at(0.0, 0.0, 0.0), label="zero vector", ord=order)
            yield op(f"{LA}.{name}", at(0.0, 2.0, -2.0), label="a zero and a tie", ord=order)
    for name in "norm matrix_norm".split():
        for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
            yield op(f"{LA}.{name}", real(3, 2), label="matrix", ord=order)
            yield op(f"{LA}.{name}", ZERO, label="zero matrix", ord=order)
    yield op(f"{LA}.norm", real(2, 3), axis=1)
    yield op(f"{LA}.norm", at([[0.0, 0.0], [3.0, 4.0]]), label="a zero row", axis=1)
    yield op(f"{LA}.norm", at(1e-200, 2e-200), label="tiny")
    yield from each(LA, "norm", REPEATED, label="equal singular values", ord="nuc")


def _solvers() -> Iterator[Sample]:
    for module in (LA, SP):
        yield from each(module, "inv det", regular(3))
        yield op(f"{module}.det", regular(2, 2), label="a batch")
        yield op(f"{module}.det", SINGULAR, label="singular")
        yield op(f"{module}.det", at([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]]), label="rank one")
        yield op(f"{module}.det", at([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]]), label="rank two of three")
        yield op(f"{module}.det", at([[0.0, 1.0], [1.0, 0.0]]), label="a permutation")
        yield op(f"{module}.solve", regular(3), real(3, 2))
        yield op(f"{module}.solve", regular(3), real(3), label="a vector")
    yield op(f"{LA}.slogdet", regular(3))
    yield op(f"{LA}.slogdet", at([[0.0, 1.0], [1.0, 0.0]]), label="negative")
    yield op(f"{LA}.pinv", real(3, 2))
    yield op(f"{LA}.pinv", real(2, 3), label="wide")
    yield op(f"{LA}.pinv", SINGULAR, label="rank deficient")
    yield op(f"{LA}.lstsq", real(4, 2), real(4, 2), call=lambda f, a, b: f(a, b)[0])
    yield op(
        f"{LA}.lstsq",
        real(4, 2),
        real(4),
        label="the residual and singular values",
        call=lambda f, a, b: (f(a, b)[1], f(a, b)[3]),
    )
    yield op(f"{LA}.tensorinv", real(4, 2, 2), call=lambda f, a: f(a, ind=1))
    yield op(f"{LA}.tensorsolve", regular(4), real(4), call=lambda f, a, b: f(a.reshape(2, 2, 4), b.reshape(2, 2)))
    yield op(f"{LA}.cond", regular(3))
    for p in ("fro", 1, -2, np.inf):
        yield op(f"{LA}.cond", regular(3), p=p)
    for assumed in "gen sym her pos".split():
        yield op(
            f"{SP}.solve",
            positive_definite(3),
            real(3),
            label=assumed,
            call=of_symmetric(lambda f, a, b, assumed=assumed: f(a, b, assume_a=assumed)),
        )
    for trans in (0, 1):
        for lower in (True, False):
            yield op(f"{SP}.solve_triangular", regular(3), real(3), trans=trans, lower=lower)
    yield op(f"{SP}.solve_triangular", regular(3), real(3), unit_diagonal=True, lower=True)
    for side in (True, False):
        yield op(f"{LAX}.triangular_solve", triangular(3), real(3, 3), left_side=side, lower=True)
    yield op(f"{LAX}.triangular_solve", triangular(3), real(3, 3), left_side=True, lower=True, transpose_a=True)
    yield op(f"{LAX}.tridiagonal_solve", real(4), within(3.0, 4.0, 4), real(4), real(4, 2))
    yield op(f"{SP}.cho_solve", triangular(3), real(3), call=lambda f, c, b: f((c, True), b))
    yield op(f"{SP}.lu_solve", regular(3), real(3), call=lambda f, a, b: f((a, np.array([0, 2, 2], dtype=np.int32)), b))
    yield op(f"{SP}.solve_sylvester", regular(2), regular(2), real(2, 2))
    for name in "cg bicgstab gmres".split():
        yield op(
            f"{CG}.{name}", positive_definite(3), real(3), call=of_symmetric(lambda f, a, b: f(a, b, tol=1e-14)[0])
        )
    yield op(f"{CG}.gmres", regular(3), real(3), label="not symmetric", call=lambda f, a, b: f(a, b, tol=1e-14)[0])


def _spectra() -> Iterator[Sample]:
    for module in (LA, LAX, SP):
        yield op(f"{module}.eigh", symmetric(3), call=of_symmetric(lambda f, a: projectors(_values_first(f(a)))))
        yield op(
            f"{module}.eigh",
            symmetric(3),
            label="one triangle as it is given",
            call=lambda f, a: projectors(_values_first(f(a))),
        )
        yield op(
            f"{module}.eigh",
            REPEATED,
            label="repeated, the whole projector",
            call=of_symmetric(lambda f, a: _rebuilt(_values_first(f(a)))),
        )
        yield op(
            f"{module}.eigh",
            REPEATED,
            label="repeated, the sum of values",
            call=of_symmetric(lambda f, a: jnp.sum(_values_first(f(a))[0])),
        )
        yield op(
            f"{module}.eigh",
            REPEATED,
            label="repeated, each value",
            call=of_symmetric(lambda f, a: _values_first(f(a))[0]),
        )
    yield op(f"{LA}.eigvalsh", symmetric(3), call=of_symmetric())
    yield op(f"{LA}.eigvalsh", REPEATED, label="repeated", call=of_symmetric())
    yield op(f"{LA}.eigvalsh", at([[1.0, 1e-9], [1e-9, 1.0]]), label="nearly repeated", call=of_symmetric())
    yield op(f"{SP}.eigh", symmetric(3), label="values only", call=of_symmetric(eigvals_only=True))
    yield op(f"{SP}.eigh_tridiagonal", real(4), real(3), eigvals_only=True)
    yield op(f"{LA}.eigvals", at([[2.0, 1.0, 0.3], [0.5, -1.0, 0.2], [0.1, 0.4, 4.0]]), label="real")
    yield op(f"{LA}.eigvals", at([[1.0, 2.0], [-2.0, 1.5]]), label="complex pair")
    yield op(f"{LA}.eigvals", at([[1.0, 1.0], [0.0, 1.0]]), label="defective")
    yield op(f"{LA}.eig", at([[2.0, 1.0], [0.5, -1.0]]), label="values", call=lambda f, a: f(a)[0])
    yield op(f"{LA}.eig", at([[2.0, 1.0], [0.5, -1.0]]), label="vectors", call=lambda f, a: jnp.abs(f(a)[1]) ** 2)
    yield op(
        f"{LAX}.eig",
        at([[2.0, 1.0], [0.5, -1.0]]),
        label="values",
        call=lambda f, a: f(a, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0],
    )
    yield op(
        f"{LAX}.eig",
        at([[2.0, 1.0], [0.5, -1.0]]),
        label="vectors",
        call=lambda f, a: jnp.abs(f(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True)[1]) ** 2,
    )
    for module in (LA, LAX, SP):
        name = f"{module}.svd"
        yield op(name, real(3, 2), call=lambda f, a: singular_parts(f(a, full_matrices=False)))
        yield op(name, real(2, 3), label="wide", call=lambda f, a: singular_parts(f(a, full_matrices=False)))
        yield op(name, regular(3), label="full, square", call=lambda f, a: singular_parts(f(a, full_matrices=True)))
        yield op(name, real(3, 2), label="full, tall", call=lambda f, a: f(a, full_matrices=True)[1])
        yield op(name, real(3, 2), label="values only", call=lambda f, a: f(a, compute_uv=False))
        yield op(name, REPEATED, label="repeated, values only", call=lambda f, a: f(a, compute_uv=False))
        yield op(name, REPEATED, label="repeated, the product", call=lambda f, a: _product(f(a, full_matrices=False)))
        yield op(name, SINGULAR, label="rank deficient, values only", call=lambda f, a: f(a, compute_uv=False))
    yield op(f"{LA}.svdvals", real(3, 2))
    yield op(f"{LA}.svdvals", ZERO, label="zero matrix")


def _values_first(pair: Any) -> Any:
    """Values and vectors in this order, which jax.lax.linalg.eigh returns in the other."""
    return pair if pair[0].ndim < pair[1].ndim else pair[::-1]


def _rebuilt(pair: Any) -> Any:
    values, vectors = pair
    return (vectors * jnp.exp(values)) @ vectors.T


def _product(parts: Any) -> Any:
    return (parts[0] * parts[1]) @ parts[2]


def _decompositions() -> Iterator[Sample]:
    for module in (LA, LAX, SP):
        yield op(f"{module}.cholesky", positive_definite(3), call=of_symmetric())
        yield op(f"{module}.cholesky", positive_definite(3), label="as it is given")
    yield op(
        f"{LAX}.cholesky_update", positive_definite(3), real(3), call=lambda f, a, w: f(jnp.linalg.cholesky(a).T, w)
    )
    for module, keywords in ((LA, {"mode": "reduced"}), (LAX, {"full_matrices": False}), (SP, {"mode": "economic"})):
        yield op(f"{module}.qr", real(3, 2), **keywords)
        yield op(f"{module}.qr", regular(3), label="square", **keywords)
        yield op(f"{module}.qr", real(2, 3), label="wide", **keywords)
        yield op(f"{module}.qr", SINGULAR, label="rank deficient", **keywords)
    yield op(f"{LA}.qr", real(3, 2), mode="complete", call=lambda f, a: f(a, mode="complete")[1])
    yield op(f"{LA}.qr", real(3, 2), mode="r")
    yield op(f"{SP}.qr", real(3, 2), label="pivoted", call=lambda f, a: f(a, mode="economic", pivoting=True)[:2])
    yield op(f"{SP}.qr_multiply", real(3, 2), real(2, 2), call=lambda f, a, c: f(a, c, mode="left"))
    yield op(f"{LAX}.lu", real(3, 3), call=lambda f, a: f(a)[0])
    yield op(f"{LAX}.lu", real(3, 2), label="tall", call=lambda f, a: f(a)[0])
    yield op(f"{LAX}.lu", real(2, 3), label="wide", call=lambda f, a: f(a)[0])
    yield op(f"{SP}.lu", real(3, 3))
    yield op(f"{SP}.lu_factor", real(3, 3), call=lambda f, a: f(a)[0])
    yield op(f"{SP}.cho_factor", positive_definite(3), call=of_symmetric(lambda f, a: jnp.tril(f(a, lower=True)[0])))
    yield op(f"{LAX}.householder_product", real(3, 2), within(0.5, 1.0, 2))
    yield op(f"{LAX}.ormqr", real(3, 2), within(0.5, 1.0, 2), real(3, 2))
    yield op(f"{LAX}.hessenberg", real(3, 3), call=lambda f, a: f(a)[0])
    yield op(f"{LAX}.schur", real(3, 3))
    yield op(f"{LAX}.tridiagonal", symmetric(3), call=lambda f, a: f(a)[1:3])
    yield op(f"{LAX}.qdwh", regular(3), call=lambda f, a: f(a)[:2])
    yield op(
        f"{LAX}.symmetric_product",
        real(3, 2),
        symmetric(3),
        call=lambda f, a, c: jnp.tril(f(a, c, alpha=0.7, beta=0.3)),
    )
    yield op(
        f"{LAX}.symmetric_product",
        real(3, 2),
        symmetric(3),
        label="symmetrised",
        call=lambda f, a, c: f(a, (c + c.T) / 2, alpha=0.7, beta=0.3, symmetrize_output=True),
    )
    yield op(f"{SP}.hessenberg", real(3, 3))
    yield op(f"{SP}.schur", real(3, 3))
    yield op(f"{SP}.rsf2csf", real(3, 3), real(3, 3))
    yield op(f"{SP}.polar", regular(3))
    yield op(f"{SP}.polar", regular(3), method="svd")


def _functions() -> Iterator[Sample]:
    yield op(f"{SP}.expm", real(3, 3))
    yield op(f"{SP}.expm", at([[0.0, 0.0], [0.0, 0.0]]), label="zero matrix")
    yield op(f"{SP}.expm", at([[0.0, 30.0], [-30.0, 0.0]]), label="large norm")
    yield op(
        f"{SP}.expm", triangular(3), label="upper triangular", call=lambda f, a: f(jnp.triu(a.T), upper_triangular=True)
    )
    yield op(f"{SP}.expm_frechet", real(3, 3), real(3, 3))
    yield op(f"{SP}.sqrtm", positive_definite(3), call=of_symmetric())
    yield op(f"{SP}.funm", positive_definite(3), call=of_symmetric(lambda f, a: f(a, jnp.log)))


def _built() -> Iterator[Sample]:
    yield op(f"{SP}.block_diag", real(2, 2), real(1, 3))
    yield from each(SP, "circulant companion fiedler fiedler_companion", within(0.5, 2.0, 4))
    yield op(f"{SP}.fiedler", at(1.0, 1.0, 3.0), label="ties")
    yield from each(SP, "toeplitz hankel", real(3), real(3))
    yield op(f"{SP}.leslie", real(3), real(2))
    yield op(f"{SP}.convolution_matrix", real(3), n=4)

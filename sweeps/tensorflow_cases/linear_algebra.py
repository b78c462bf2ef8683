"""tf.linalg. What has a free sign, such as an eigenvector, is checked through a quantity that has none."""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from samples import Sample, at, each, op, positive_definite, real, regular, symmetric, triangular, within

LA = "tf.linalg"


def projectors(values_and_vectors: Any) -> Any:
    """Eigenvalues, and the vectors as v v^T weighted by distinct numbers."""
    values, vectors = values_and_vectors
    weights = tf.range(1.0, vectors.shape[-1] + 1.0, dtype=tf.float64)
    return values, tf.matmul(vectors * tf.cast(weights, vectors.dtype), vectors, adjoint_b=True)


def singular_parts(parts: Any) -> Any:
    """Singular values, and the vectors as sums of w u v^T, which have no free sign."""
    s, u, v = parts
    rank = s.shape[-1]
    weights = tf.range(1.0, rank + 1.0, dtype=tf.float64)
    return s, tf.matmul(u[..., :rank] * weights, v[..., :rank], adjoint_b=True)


def of_symmetric(call: Callable[..., Any] | None = None, **keywords: Any) -> Callable[..., Any]:
    """The operator on the symmetric part: so every entry may be moved by itself."""

    def wrapped(f: Callable[..., Any], a: Any, *others: Any) -> Any:
        symmetric_part = (a + tf.linalg.matrix_transpose(a)) / 2
        return f(symmetric_part, *others, **keywords) if call is None else call(f, symmetric_part, *others)

    return wrapped


REPEATED = at([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]])
SINGULAR = at([[1.0, 2.0], [2.0, 4.0]])
ZERO = at([[0.0, 0.0], [0.0, 0.0]])


def samples() -> Iterator[Sample]:
    """Products and norms, solvers, decompositions, operators."""
    yield from _products_and_parts()
    yield from _norms()
    yield from _solvers()
    yield from _decompositions()
    yield from _functions()


def _products_and_parts() -> Iterator[Sample]:
    yield op(f"{LA}.matmul", real(2, 3), real(3, 2))
    yield op(f"{LA}.matmul", real(2, 2, 3), real(3, 2), label="broadcast")
    yield op(f"{LA}.matmul", real(3, 2), real(2, 3), transpose_a=True, transpose_b=True)
    yield op(f"{LA}.matmul", real(2, 3), real(2, 3), adjoint_b=True)
    yield op(
        f"{LA}.matmul",
        real(2, 2),
        real(2, 2),
        label="complex",
        call=lambda f, x, y: f(tf.complex(x, y), tf.complex(y, x), adjoint_a=True),
    )
    yield op(f"{LA}.matvec", real(2, 3), real(3))
    yield op(f"{LA}.tensordot", real(2, 3), real(3, 2), axes=1)
    yield op(f"{LA}.cross", real(2, 3), real(2, 3))
    for formula, shapes in (
        ("ij,jk->ik", ((2, 3), (3, 2))),
        ("ii->i", ((3, 3),)),
        ("ij,ij->", ((2, 3), (2, 3))),
        ("...i,...i->...", ((2, 3), (2, 3))),
        ("ij,jk,kl->il", ((2, 2), (2, 2), (2, 2))),
        ("iij->j", ((2, 2, 3),)),
        ("ij->", ((2, 3),)),
    ):
        yield op(
            f"{LA}.einsum",
            *(real(*shape) for shape in shapes),
            label=formula,
            call=lambda f, *xs, formula=formula: f(formula, *xs),
        )
    yield op(f"{LA}.tridiagonal_matmul", real(3, 4), real(4, 2), diagonals_format="compact")
    yield from each(LA, "adjoint matrix_transpose diag_part trace", real(3, 3))
    yield op(f"{LA}.adjoint", real(2, 3), real(2, 3), label="complex", call=lambda f, x, y: f(tf.complex(x, y)))
    yield op(f"{LA}.diag", real(2, 3))
    yield op(
        f"{LA}.diag",
        real(2, 3),
        real(1),
        label="several diagonals",
        call=lambda f, x, v: f(x, k=(-1, 0), padding_value=v[0]),
    )
    yield op(f"{LA}.diag_part", real(2, 3, 3), label="several diagonals", call=lambda f, x: f(x, k=(-1, 1)))
    yield op(f"{LA}.set_diag", real(3, 3), real(3))
    yield op(
        f"{LA}.set_diag", real(3, 3), real(2, 3), label="several diagonals", call=lambda f, x, d: f(x, d, k=(0, 1))
    )
    yield op(f"{LA}.band_part", real(3, 3), num_lower=1, num_upper=0)
    yield op(f"{LA}.tensor_diag", real(2, 2))
    yield op(f"{LA}.tensor_diag_part", real(2, 2, 2, 2))


def _norms() -> Iterator[Sample]:
    for order in ("euclidean", 1, 2, 3, float("inf")):
        yield op(f"{LA}.norm", real(4), ord=order)
        yield op(f"{LA}.norm", at(0.0, 0.0), label="zero vector", ord=order)
        yield op(f"{LA}.norm", at(0.0, 2.0, -2.0), label="a zero and a tie", ord=order)
    for order in ("fro", 1, 2, float("inf")):
        yield op(
            f"{LA}.norm",
            real(3, 2),
            label=f"matrix, {order}",
            call=lambda f, a, order=order: f(a, ord=order, axis=(0, 1)),
        )
        yield op(
            f"{LA}.norm",
            ZERO,
            label=f"zero matrix, {order}",
            call=lambda f, a, order=order: f(a, ord=order, axis=(0, 1)),
        )
    yield op(f"{LA}.norm", at([[0.0, 0.0], [3.0, 4.0]]), label="a zero row", axis=1)
    yield op(f"{LA}.normalize", real(3))
    yield op(f"{LA}.normalize", at(0.0, 0.0), label="zero vector, the norm", call=lambda f, x: f(x)[1])
    yield op(f"{LA}.global_norm", real(3), real(2), call=lambda f, x, y: f([x, y]))
    yield op(f"{LA}.global_norm", at(0.0, 0.0), label="zero vector", call=lambda f, x: f([x]))


def _solvers() -> Iterator[Sample]:
    yield from each(LA, "inv det", regular(3))
    yield op(f"{LA}.inv", regular(3), adjoint=True)
    yield op(f"{LA}.det", SINGULAR, label="singular")
    yield op(f"{LA}.det", at([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]]), label="rank two of three")
    yield op(f"{LA}.slogdet", regular(3), call=lambda f, a: f(a).log_abs_determinant)
    yield op(f"{LA}.logdet", positive_definite(3), call=of_symmetric())
    yield op(f"{LA}.solve", regular(3), real(3, 2))
    yield op(f"{LA}.solve", regular(3), real(3, 2), adjoint=True)
    yield op(f"{LA}.lstsq", real(4, 2), real(4, 2), fast=True)
    yield op(f"{LA}.lstsq", real(2, 4), real(2, 2), label="wide", fast=True)
    yield op(f"{LA}.lstsq", real(4, 2), real(4, 2), l2_regularizer=0.3, fast=True)
    for lower in (True, False):
        for adjoint in (True, False):
            yield op(f"{LA}.triangular_solve", regular(3), real(3, 2), lower=lower, adjoint=adjoint)
            yield op(f"{LA}.banded_triangular_solve", within(1.0, 2.0, 2, 4), real(4, 2), lower=lower, adjoint=adjoint)
    yield op(f"{LA}.cholesky_solve", triangular(3), real(3, 2))
    yield op(
        f"{LA}.tridiagonal_solve",
        at([[0.3, -0.4, 0.5, 0.9], [3.0, 3.5, 4.0, 3.2], [0.7, 0.2, -0.6, 0.8]]),
        real(4, 2),
        diagonals_format="compact",
    )
    yield op(
        f"{LA}.tridiagonal_solve",
        at([[0.3, -0.4, 0.5, 0.9], [3.0, 3.5, 4.0, 3.2], [0.7, 0.2, -0.6, 0.8]]),
        real(4),
        label="a vector",
        diagonals_format="compact",
        partial_pivoting=False,
    )
    yield op(f"{LA}.pinv", real(3, 2))
    yield op(f"{LA}.lu", real(3, 3), call=lambda f, a: f(a)[0])
    yield op(f"{LA}.lu_solve", regular(3), real(3, 2), call=lambda f, lu, b: f(lu, tf.constant([0, 2, 1]), b))
    yield op(f"{LA}.lu_matrix_inverse", regular(3), call=lambda f, lu: f(lu, tf.constant([0, 2, 1])))
    yield op(f"{LA}.lu_reconstruct", regular(3), call=lambda f, lu: f(lu, tf.constant([0, 2, 1])))
    yield op(
        f"{LA}.experimental.conjugate_gradient",
        positive_definite(3),
        real(3),
        call=of_symmetric(
            lambda f, a, b: (
                f(
                    tf.linalg.LinearOperatorFullMatrix(a, is_self_adjoint=True, is_positive_definite=True),
                    b,
                    tol=1e-14,
                    max_iter=50,
                ).x
            )
        ),
    )


def _decompositions() -> Iterator[Sample]:
    yield op(f"{LA}.cholesky", positive_definite(3), call=of_symmetric())
    yield op(f"{LA}.cholesky", positive_definite(3), label="as it is given")
    yield op(f"{LA}.qr", real(3, 2))
    yield op(f"{LA}.qr", regular(3), label="square")
    yield op(f"{LA}.qr", real(2, 3), label="wide")
    yield op(f"{LA}.qr", regular(3), label="full, square", full_matrices=True)
    yield op(f"{LA}.eigh", symmetric(3), call=of_symmetric(lambda f, a: projectors(f(a))))
    yield op(f"{LA}.eigh", symmetric(3), label="one triangle as it is given", call=lambda f, a: projectors(f(a)))
    yield op(
        f"{LA}.eigh",
        REPEATED,
        label="repeated, a function of the matrix",
        call=of_symmetric(lambda f, a: _rebuilt(f(a))),
    )
    yield op(
        f"{LA}.eigh",
        REPEATED,
        label="repeated, the sum of values",
        call=of_symmetric(lambda f, a: tf.reduce_sum(f(a)[0])),
    )
    yield op(f"{LA}.eigvalsh", symmetric(3), call=of_symmetric())
    yield op(f"{LA}.eigvalsh", REPEATED, label="repeated", call=of_symmetric())
    yield op(f"{LA}.eigh_tridiagonal", real(4), real(3), label="values", call=lambda f, a, b: tf.function(f)(a, b))
    yield op(f"{LA}.eigvals", at([[2.0, 1.0, 0.3], [0.5, -1.0, 0.2], [0.1, 0.4, 4.0]]), label="real")
    yield op(f"{LA}.eigvals", at([[1.0, 2.0], [-2.0, 1.5]]), label="complex pair")
    yield op(f"{LA}.eig", at([[2.0, 1.0], [0.5, -1.0]]), label="values", call=lambda f, a: f(a)[0])
    yield op(f"{LA}.eig", at([[2.0, 1.0], [0.5, -1.0]]), label="vectors", call=lambda f, a: tf.abs(f(a)[1]) ** 2)
    yield op(f"{LA}.svd", real(3, 2), call=lambda f, a: singular_parts(f(a)))
    yield op(f"{LA}.svd", real(2, 3), label="wide", call=lambda f, a: singular_parts(f(a)))
    yield op(f"{LA}.svd", regular(3), label="full, square", call=lambda f, a: singular_parts(f(a, full_matrices=True)))
    yield op(f"{LA}.svd", real(3, 2), label="full, tall", call=lambda f, a: singular_parts(f(a, full_matrices=True)))
    yield op(f"{LA}.svd", real(3, 2), label="values only", call=lambda f, a: f(a, compute_uv=False))
    yield op(f"{LA}.svd", REPEATED, label="repeated, values only", call=lambda f, a: f(a, compute_uv=False))
    yield op(f"{LA}.svd", REPEATED, label="repeated, the product", call=lambda f, a: _product(f(a)))
    yield op(f"{LA}.svd", SINGULAR, label="rank deficient, values only", call=lambda f, a: f(a, compute_uv=False))


def _rebuilt(pair: Any) -> Any:
    values, vectors = pair
    return tf.matmul(vectors * tf.exp(values), vectors, adjoint_b=True)


def _product(parts: Any) -> Any:
    s, u, v = parts
    return tf.matmul(u * s, v, adjoint_b=True)


def _functions() -> Iterator[Sample]:
    yield op(f"{LA}.expm", real(3, 3))
    yield op(f"{LA}.expm", ZERO, label="zero matrix")
    yield op(f"{LA}.expm", at([[0.0, 30.0], [-30.0, 0.0]]), label="large norm")
    yield op(f"{LA}.sqrtm", positive_definite(3), call=of_symmetric())
    yield op(f"{LA}.sqrtm", at([[2.0, 1.0], [0.3, 3.0]]), label="not symmetric")
    yield op(f"{LA}.logm", positive_definite(2), call=lambda f, a: tf.math.real(f(tf.cast(a, tf.complex128))))
    operators: dict[str, Callable[[Any], Any]] = {
        "LinearOperatorDiag": lambda a: tf.linalg.LinearOperatorDiag(tf.linalg.diag_part(a)),
        "LinearOperatorLowerTriangular": tf.linalg.LinearOperatorLowerTriangular,
        "LinearOperatorFullMatrix": tf.linalg.LinearOperatorFullMatrix,
        "LinearOperatorToeplitz": lambda a: tf.linalg.LinearOperatorToeplitz(a[:, 0], a[0, :]),
        "LinearOperatorHouseholder": lambda a: tf.linalg.LinearOperatorHouseholder(a[:, 0]),
        "LinearOperatorLowRankUpdate": lambda a: tf.linalg.LinearOperatorLowRankUpdate(
            tf.linalg.LinearOperatorDiag(tf.linalg.diag_part(a)), a[:, :1]
        ),
        "LinearOperatorKronecker": lambda a: tf.linalg.LinearOperatorKronecker(
            [tf.linalg.LinearOperatorFullMatrix(a), tf.linalg.LinearOperatorDiag(tf.linalg.diag_part(a))]
        ),
    }
    for name, build in operators.items():
        yield op(f"{LA}.{name}", regular(3), label="solve", call=lambda f, a, build=build: _solved(build(a)))
    yield op(f"{LA}.LinearOperatorCirculant", within(1.0, 2.0, 3), label="solve", call=_circulant)


def _circulant(f: Callable[..., Any], spectrum: Any) -> Any:
    return tf.math.real(_solved(f(tf.cast(spectrum, tf.complex128), input_output_dtype=tf.complex128)))


def _solved(operator: Any) -> Any:
    size = operator.shape[-1]
    right = tf.cast(tf.reshape(tf.range(1.0, size + 1.0, dtype=tf.float64), [size, 1]), operator.dtype)
    return operator.solve(right) + operator.matmul(right)

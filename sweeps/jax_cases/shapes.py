"""Operators of jax.numpy that move, join, choose and index entries, and contractions."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from samples import Sample, at, each, op, real

NP = "jax.numpy"
INDEX = np.array([2, 0, 2])


def samples() -> Iterator[Sample]:
    """Shapes, then indices, then contractions."""
    yield from _moved()
    yield from _joined_and_split()
    yield from _chosen()
    yield from _written()
    yield from _contracted()


def _moved() -> Iterator[Sample]:
    for name, arguments in (
        ("reshape", ((3, 2),)),
        ("transpose", ()),
        ("permute_dims", ((1, 0),)),
        ("matrix_transpose", ()),
        ("ravel", ()),
        ("flip", (1,)),
        ("fliplr", ()),
        ("flipud", ()),
        ("rot90", ()),
        ("roll", (1, 1)),
        ("rollaxis", (1,)),
        ("moveaxis", (0, 1)),
        ("swapaxes", (0, 1)),
        ("expand_dims", (1,)),
        ("atleast_1d", ()),
        ("atleast_2d", ()),
        ("atleast_3d", ()),
        ("broadcast_to", ((2, 2, 3),)),
        ("tile", ((2, 1),)),
        ("repeat", (2,)),
        ("resize", ((3, 3),)),
        ("triu", ()),
        ("tril", (1,)),
        ("diagonal", ()),
        ("diagflat", ()),
        ("diag", (1,)),
        ("unstack", ()),
        ("delete", (1, 1)),
        ("full_like", (2.0,)),
    ):
        yield op(f"{NP}.{name}", real(2, 3), call=lambda f, x, arguments=arguments: f(x, *arguments))
    yield op(f"{NP}.squeeze", real(2, 1, 3))
    yield op(f"{NP}.diag", real(3), label="of a vector")
    yield op(f"{NP}.full", at(1.5), label="by the value", call=lambda f, x: f((2, 3), x[0]))
    yield op(f"{NP}.full_like", at(1.5), label="by the value", call=lambda f, x: f(np.zeros((2, 3)), x[0]))
    for mode in "constant edge linear_ramp maximum mean median minimum reflect symmetric wrap".split():
        yield op(f"{NP}.pad", real(2, 3), label=mode, call=lambda f, x, mode=mode: f(x, ((1, 1), (2, 1)), mode=mode))
    yield op(
        f"{NP}.pad", real(3), at(0.7), label="by the padding value", call=lambda f, x, v: f(x, 1, constant_values=v[0])
    )
    yield op(f"{NP}.pad", at(1.0, 1.0, 0.0), label="maximum, ties", call=lambda f, x: f(x, 1, mode="maximum"))
    yield op(f"{NP}.meshgrid", real(2), real(3))
    yield op(f"{NP}.broadcast_arrays", real(2, 1), real(3))
    yield op(f"{NP}.apply_along_axis", real(2, 3), call=lambda f, x: f(jnp.cumprod, 1, x))
    yield op(f"{NP}.apply_over_axes", real(2, 3), call=lambda f, x: f(jnp.sum, x, [0, 1]))


def _joined_and_split() -> Iterator[Sample]:
    for name in "concatenate concat stack vstack hstack dstack column_stack block".split():
        yield op(f"{NP}.{name}", real(2, 3), real(2, 3), call=lambda f, x, y: f([x, y]))
    yield op(f"{NP}.append", real(3), real(2))
    for name in "split array_split hsplit".split():
        yield op(f"{NP}.{name}", real(4), call=lambda f, x: f(x, 2))
    yield op(f"{NP}.vsplit", real(4, 2), call=lambda f, x: f(x, 2))
    yield op(f"{NP}.dsplit", real(1, 2, 4), call=lambda f, x: f(x, 2))
    yield op(f"{NP}.insert", real(4), at(0.5), label="by the values too", call=lambda f, x, v: f(x, 2, v[0]))


def _chosen() -> Iterator[Sample]:
    condition = np.array([True, False, True, True])
    yield op(f"{NP}.take", real(3, 2), call=lambda f, x: f(x, INDEX, axis=0))
    for mode in "clip wrap fill".split():
        yield op(
            f"{NP}.take",
            real(3),
            label=f"mode={mode}, outside",
            call=lambda f, x, mode=mode: f(x, np.array([1, 5, -2]), mode=mode, fill_value=0.0),
        )
    yield op(f"{NP}.take_along_axis", real(3, 2), call=lambda f, x: f(x, np.array([[0, 2], [2, 2]]), axis=0))
    yield op(f"{NP}.choose", real(3), real(3), call=lambda f, x, y: f(np.array([0, 1, 0]), [x, y], mode="clip"))
    yield op(f"{NP}.select", real(3), real(3), call=lambda f, x, y: f([x > 0, y > 0], [x * y, y**2], 0.5))
    yield op(f"{NP}.piecewise", real(4), call=lambda f, x: f(x, [x < 0, x >= 0], [jnp.sin, jnp.exp]))
    yield op(
        f"{NP}.piecewise",
        at(0.0),
        label="at the joint",
        call=lambda f, x: f(x, [x < 0, x >= 0], [lambda x: -x, lambda x: x]),
    )
    yield op(f"{NP}.compress", real(4), compiled=False, call=lambda f, x: f(condition, x))
    yield op(f"{NP}.extract", real(4), compiled=False, call=lambda f, x: f(condition, x))
    basic = {
        "an integer": lambda x: x[1],
        "a slice": lambda x: x[::2, 1:],
        "reversed": lambda x: x[::-1],
        "a new axis": lambda x: x[:, None],
        "an array, repeated": lambda x: x[INDEX],
        "two arrays": lambda x: x[INDEX, np.array([0, 1, 0])],
        "negative": lambda x: x[-1],
        "outside, clipped": lambda x: x[np.array([7])],
    }
    for label, index in basic.items():
        yield op(f"{NP}.ndarray.__getitem__", real(3, 2), label=label, call=lambda f, x, index=index: index(x))
    yield op(f"{NP}.ndarray.__getitem__", real(4), label="a mask", call=lambda f, x: x[condition])
    for mode in "fill clip promise_in_bounds".split():
        place = np.array([1, 0]) if mode == "promise_in_bounds" else np.array([1, 9])
        yield op(
            f"{NP}.ndarray.at.get",
            real(3),
            label=mode,
            call=lambda f, x, mode=mode, place=place: x.at[place].get(mode=mode, fill_value=0.0),
        )


def _written() -> Iterator[Sample]:
    for name in "set add subtract multiply divide power min max".split():
        for label, index in (("distinct", np.array([2, 0])), ("repeated", np.array([1, 1]))):
            # which of two writes to one place wins is not defined
            if name in ("set", "power", "divide") and label == "repeated":
                continue
            yield op(
                f"{NP}.ndarray.at.{name}",
                at(0.7, 1.2, 2.1),
                at(1.3, 0.4),
                label=label,
                call=lambda f, x, y, name=name, index=index: getattr(x.at[index], name)(y),
            )
    for name in "multiply divide power".split():
        yield op(
            f"{NP}.ndarray.at.{name}",
            at(0.7, 1.2, 2.1),
            at(1.3, 0.4),
            label="promised unique",
            call=lambda f, x, y, name=name: getattr(x.at[np.array([2, 0])], name)(y, unique_indices=True),
        )
    yield op(f"{NP}.ndarray.at.apply", real(3), call=lambda f, x: x.at[np.array([1, 2])].apply(jnp.sin))
    for name in "min max".split():
        yield op(
            f"{NP}.ndarray.at.{name}",
            at(1.0, 2.0),
            at(2.0),
            label="ties",
            call=lambda f, x, y, name=name: getattr(x.at[1], name)(y[0]),
        )
    for name in "multiply".split():
        yield op(
            f"{NP}.ndarray.at.{name}",
            at(0.0, 2.0),
            at(2.0, 0.0),
            label="zeros",
            call=lambda f, x, y: x.at[np.array([0, 1])].multiply(y),
        )
    yield op(f"{NP}.put", real(4), real(2), call=lambda f, x, y: f(x, np.array([3, 1]), y, inplace=False))
    yield op(
        f"{NP}.place",
        real(4),
        real(2),
        call=lambda f, x, y: f(x, np.array([True, False, False, True]), y, inplace=False),
    )
    yield op(
        f"{NP}.put_along_axis",
        real(3, 2),
        real(1, 2),
        call=lambda f, x, y: f(x, np.array([[2, 0]]), y, axis=0, inplace=False),
    )
    yield op(f"{NP}.fill_diagonal", real(3, 3), real(3), call=lambda f, x, y: f(x, y, inplace=False))


def _contracted() -> Iterator[Sample]:
    yield from each(NP, "dot matmul inner", real(3), real(3))
    yield from each(NP, "dot matmul", real(2, 3), real(3, 2), label="matrices")
    yield from each(NP, "matmul", real(2, 2, 3), real(3, 2), label="broadcast")
    yield from each(NP, "inner", real(2, 3), real(2, 3), label="matrices")
    yield from each(NP, "outer kron", real(2), real(3))
    yield op(f"{NP}.kron", real(2, 2), real(2, 1), label="matrices")
    yield from each(NP, "vdot vecdot", real(3), real(3))
    yield op(f"{NP}.matvec", real(2, 3), real(3))
    yield op(f"{NP}.vecmat", real(2), real(2, 3))
    yield op(f"{NP}.tensordot", real(2, 3), real(3, 2), call=lambda f, x, y: f(x, y, axes=1))
    yield op(
        f"{NP}.tensordot", real(2, 3), real(3, 2), label="two axes", call=lambda f, x, y: f(x, y, axes=[[0, 1], [1, 0]])
    )
    for formula, shapes in (
        ("ij,jk->ik", ((2, 3), (3, 2))),
        ("ii->i", ((3, 3),)),
        ("ii", ((3, 3),)),
        ("ij,ij->", ((2, 3), (2, 3))),
        ("...i,...i->...", ((2, 3), (2, 3))),
        ("ij,jk,kl->il", ((2, 2), (2, 2), (2, 2))),
        ("i,j,k->kji", ((2,), (2,), (2,))),
        ("iij->j", ((2, 2, 3),)),
    ):
        yield op(
            f"{NP}.einsum",
            *(real(*shape) for shape in shapes),
            label=formula,
            call=lambda f, *xs, formula=formula: f(formula, *xs),
        )

"""TensorFlow's own top level: shapes, slices, gathers, scatters, selection, control flow, clipping."""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from samples import Sample, at, each, op, real, scalar


def samples() -> Iterator[Sample]:
    """Shapes first."""
    yield from _shapes()
    yield from _indices()
    yield from _selection()
    yield from _clipping()


def _shapes() -> Iterator[Sample]:
    for name, arguments in (
        ("reshape", ([3, 2],)),
        ("transpose", ()),
        ("expand_dims", (1,)),
        ("broadcast_to", ([2, 2, 3],)),
        ("tile", ([2, 1],)),
        ("repeat", (2,)),
        ("reverse", ([1],)),
        ("roll", (1, 1)),
        ("pad", ([[1, 1], [0, 2]],)),
        ("slice", ([0, 1], [2, 2])),
        ("strided_slice", ([0, 2], [2, 0], [1, -1])),
        ("unstack", ()),
        ("ensure_shape", ([2, 3],)),
        ("identity", ()),
        ("convert_to_tensor", ()),
        ("guarantee_const", ()),
    ):
        yield op(f"tf.{name}", real(2, 3), call=lambda f, x, arguments=arguments: f(x, *arguments))
    for mode in "REFLECT SYMMETRIC CONSTANT".split():
        yield op("tf.pad", real(2, 3), mode=mode, call=lambda f, x, mode=mode: f(x, [[1, 1], [2, 1]], mode=mode))
    yield op(
        "tf.pad",
        real(3),
        scalar(0.7),
        label="by the padding value",
        call=lambda f, x, v: f(x, [[1, 2]], constant_values=v),
    )
    yield op("tf.squeeze", real(2, 1))
    yield op("tf.fill", scalar(0.7), label="by the value", call=lambda f, v: f([2, 3], v))
    yield op("tf.linspace", scalar(0.5), scalar(2.0), label="by both ends", call=lambda f, a, b: f(a, b, 5))
    yield op(
        "tf.range",
        scalar(0.25),
        label="by the start",
        call=lambda f, a: f(a, tf.constant(2.0, tf.float64), tf.constant(0.5, tf.float64)),
    )
    yield op("tf.meshgrid", real(2), real(3))
    yield op("tf.concat", real(2, 3), real(1, 3), call=lambda f, x, y: f([x, y], 0))
    yield op("tf.stack", real(2, 3), real(2, 3), call=lambda f, x, y: f([x, y], axis=1))
    yield op("tf.parallel_stack", real(2), real(2), call=lambda f, x, y: tf.function(lambda x, y: f([x, y]))(x, y))
    yield op("tf.split", real(4), call=lambda f, x: f(x, 2))
    yield op("tf.split", real(4), label="by sizes", call=lambda f, x: f(x, [1, 3]))
    yield op("tf.identity_n", real(2), real(3), call=lambda f, x, y: f([x, y]))
    yield op("tf.tuple", real(2), real(3), call=lambda f, x, y: f([x, y]))
    yield op("tf.grad_pass_through", real(3), label="of the identity", call=lambda f, x: f(tf.identity)(x))
    yield op("tf.grad_pass_through", real(3), label="of the sine", call=lambda f, x: f(tf.sin)(x))
    yield op(
        "tf.custom_gradient",
        real(3),
        label="a right one",
        call=lambda f, x: f(lambda x: (tf.sin(x), lambda dy: dy * tf.cos(x)))(x),
    )
    yield op("tf.recompute_grad", real(3), call=lambda f, x: f(tf.sin)(x))
    yield op("tf.reverse_sequence", real(2, 4), call=lambda f, x: f(x, [3, 1], seq_axis=1, batch_axis=0))
    yield op("tf.space_to_batch_nd", real(1, 4, 4, 1), call=lambda f, x: f(x, [2, 2], [[0, 0], [2, 0]]))
    yield op("tf.batch_to_space", real(4, 2, 2, 1), call=lambda f, x: f(x, [2, 2], [[0, 1], [0, 0]]))
    yield op(
        "tf.extract_volume_patches",
        real(1, 2, 3, 3, 1),
        call=lambda f, x: f(x, [1, 2, 2, 2, 1], [1, 1, 1, 1, 1], "VALID"),
    )
    yield op("tf.bitcast", real(3), label="to its own type", call=lambda f, x: f(x, tf.float64))
    yield op("tf.sort", real(5))
    yield op("tf.sort", real(2, 3), axis=0, direction="DESCENDING")
    yield op("tf.sort", at(2.0, 1.0, 2.0, 1.0), label="ties")
    yield op("tf.argsort", real(4), label="as an index", call=lambda f, x: tf.gather(x, f(x)))
    yield op(
        "tf.searchsorted",
        real(3),
        label="as an index",
        call=lambda f, x: tf.gather(x, f(tf.constant([0.0], tf.float64), x) % 3),
    )
    yield op("tf.unique", real(4), label="its values", call=lambda f, x: f(x)[0])
    yield op("tf.unique_with_counts", real(4), label="its values", call=lambda f, x: f(x)[0])
    yield op("tf.print", real(3), label="beside the cost", call=_printed)
    yield op("tf.one_hot", real(3), label="as a constant", call=lambda f, x: f([1, 0, 2], 3, dtype=tf.float64) * x)
    yield op(
        "tf.hessians",
        real(3),
        label="of a cubic",
        call=lambda f, x: tf.function(lambda x: f(tf.reduce_sum(x**3), x))(x),
    )
    yield op("tf.gradients", real(3), label="of a cubic", call=lambda f, x: tf.function(lambda x: f(x**3, x))(x))


def _printed(f: Callable[..., Any], x: Any) -> Any:
    f(x, output_stream="file:///dev/null")
    return tf.sin(x)


def _indices() -> Iterator[Sample]:
    yield op("tf.gather", real(3, 2), call=lambda f, x: f(x, [2, 0, 2]))
    yield op("tf.gather", real(2, 3), label="batched", call=lambda f, x: f(x, [[2, 0], [1, 1]], axis=1, batch_dims=1))
    yield op("tf.gather_nd", real(3, 2), call=lambda f, x: f(x, [[2, 0], [2, 0], [1, 1]]))
    yield op("tf.gather_nd", real(2, 3, 2), label="batched", call=lambda f, x: f(x, [[[2, 0]], [[1, 1]]], batch_dims=1))
    yield op("tf.scatter_nd", real(3, 2), call=lambda f, x: f([[2], [0], [2]], x, [4, 2]))
    for name in "update add sub max min".split():
        operator = f"tf.tensor_scatter_nd_{name}"
        yield op(operator, real(4, 2), real(2, 2), call=lambda f, x, y: f(x, [[2], [0]], y))
        if name != "update":  # which of two writes to one place wins is not defined
            yield op(operator, real(4), real(3), label="repeated", call=lambda f, x, y: f(x, [[2], [0], [2]], y))
    yield from each(
        "tf",
        "tensor_scatter_nd_max tensor_scatter_nd_min",
        at(1.0, 2.0),
        at(1.0),
        label="ties",
        call=lambda f, x, y: f(x, [[0]], y),
    )
    yield op("tf.dynamic_partition", real(4), call=lambda f, x: f(x, [0, 1, 1, 0], 2))
    yield op("tf.dynamic_stitch", real(2), real(2), call=lambda f, x, y: f([[0, 2], [2, 1]], [x, y]))
    yield op("tf.boolean_mask", real(4), call=lambda f, x: f(x, [True, False, True, True]))
    indexing = {
        "an integer": lambda x: x[1],
        "a slice": lambda x: x[::2, 1:],
        "reversed": lambda x: x[::-1],
        "a new axis": lambda x: x[:, tf.newaxis],
        "an ellipsis": lambda x: x[..., -1],
    }
    for label, index in indexing.items():
        yield op("tf.Tensor.__getitem__", real(3, 2), label=label, call=lambda f, x, index=index: index(x))


def _selection() -> Iterator[Sample]:
    condition = tf.constant([True, False, True])
    yield op("tf.where", real(3), real(3), call=lambda f, x, y: f(condition, x, y))
    yield op("tf.where", real(2, 3), scalar(0.3), label="broadcast", call=lambda f, x, y: f(condition, x, y))
    yield op(
        "tf.where",
        at(-1.0, 4.0),
        label="the branch not taken is NaN",
        call=lambda f, x: f(x > 0, tf.sqrt(x), tf.zeros_like(x)),
    )
    yield op(
        "tf.where",
        at(-1.0, 4.0),
        label="guarded twice",
        call=lambda f, x: f(x > 0, tf.sqrt(f(x > 0, x, tf.ones_like(x))), tf.zeros_like(x)),
    )
    yield op(
        "tf.where",
        at(0.0, 2.0),
        label="the branch not taken divides by zero",
        call=lambda f, x: f(x != 0, tf.sin(x) / x, tf.ones_like(x)),
    )
    yield op("tf.where", at(0.0, 1.0), label="at the kink", call=lambda f, x: f(x > 0, x, tf.zeros_like(x)))
    yield op("tf.cond", real(2), label="eager", call=_cond)
    yield op("tf.cond", real(2), label="in a function", call=lambda f, x: tf.function(lambda x: _cond(f, x))(x))
    yield op(
        "tf.case",
        real(2),
        label="in a function",
        call=lambda f, x: tf.function(lambda x: f([(x[0] > 9, lambda: tf.sin(x))], default=lambda: tf.exp(x)))(x),
    )
    yield op(
        "tf.switch_case",
        real(2),
        label="in a function",
        call=lambda f, x: tf.function(lambda x, i: f(i, [lambda: tf.sin(x), lambda: tf.exp(x)]))(x, tf.constant(1)),
    )
    yield op("tf.while_loop", real(2), label="eager", call=_loop)
    yield op("tf.while_loop", real(2), label="in a function", call=lambda f, x: tf.function(lambda x: _loop(f, x))(x))
    yield op(
        "tf.while_loop",
        real(2),
        label="in a function, turns from the data",
        call=lambda f, x: tf.function(
            lambda x, n: f(lambda i, _: i < n, lambda i, c: (i + 1, tf.sin(c) + c), (0, x))[1]
        )(x, tf.constant(3)),
    )
    for where, wrap in (("eager", lambda g: g), ("in a function", tf.function)):
        yield op(
            "tf.scan",
            real(4),
            label=where,
            call=lambda f, x, wrap=wrap: wrap(lambda x: f(lambda c, v: tf.tanh(c * v + v), x))(x),
        )
        yield op(
            "tf.map_fn",
            real(3, 2),
            label=where,
            call=lambda f, x, wrap=wrap: wrap(lambda x: f(lambda row: tf.reduce_prod(row) * row, x))(x),
        )
        yield from each(
            "tf",
            "foldl foldr",
            real(4),
            label=where,
            call=lambda f, x, wrap=wrap: wrap(lambda x: f(lambda c, v: tf.tanh(c * v), x))(x),
        )
    yield op("tf.vectorized_map", real(3, 2), call=lambda f, x: f(lambda row: tf.reduce_prod(row) * row, x))
    yield op("tf.py_function", real(3), call=lambda f, x: f(lambda x: tf.sin(x) * x, [x], tf.float64))
    yield op(
        "tf.numpy_function",
        real(3),
        label="beside the cost",
        call=lambda f, x: tf.sin(x) + f(lambda a: 0 * a, [x], tf.float64),
    )
    yield op("tf.function", real(3), call=lambda f, x: f(lambda x: tf.sin(x) * x)(x))


def _cond(f: Callable[..., Any], x: Any) -> Any:
    return [f(v > 0.1, lambda v=v: tf.sin(v), lambda v=v: tf.exp(v)) for v in tf.unstack(x)]


def _loop(f: Callable[..., Any], x: Any) -> Any:
    return f(lambda i, _: i < 3, lambda i, c: (i + 1, tf.sin(c) + 0.5 * c), (tf.constant(0), x))[1]


def _clipping() -> Iterator[Sample]:
    yield op("tf.clip_by_value", real(5), label="inside and outside", call=lambda f, x: f(x, -0.5, 0.5))
    yield op("tf.clip_by_value", at(-0.5, 0.5, 0.0), label="at the bounds", call=lambda f, x: f(x, -0.5, 0.5))
    yield op("tf.clip_by_value", real(4), at(-0.3), at(0.4), label="by the bounds too")
    yield op("tf.clip_by_norm", real(3), label="clipped", call=lambda f, x: f(5.0 * x, 1.0))
    yield op("tf.clip_by_norm", real(3), label="not clipped", call=lambda f, x: f(x, 50.0))
    yield op("tf.clip_by_norm", at(3.0, 4.0), label="at the bound", call=lambda f, x: f(x, 5.0))
    yield op("tf.clip_by_norm", at(0.0, 0.0), label="zero vector", call=lambda f, x: f(x, 1.0))
    yield op("tf.clip_by_global_norm", real(3), real(2), label="clipped", call=lambda f, x, y: f([x, y], 0.5)[0])
    yield op("tf.clip_by_global_norm", at(0.0, 0.0), label="zero vector", call=lambda f, x: f([x], 0.5)[0])

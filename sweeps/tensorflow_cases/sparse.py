"""Sparse and ragged tensors, and embeddings looked up through them."""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from samples import Sample, at, each, op, real, scalar, within


def samples() -> Iterator[Sample]:
    """Sparse first."""
    yield from _sparse()
    yield from _sparse_embeddings()
    yield from _ragged()


def _tensor(values: tf.Tensor) -> tf.SparseTensor:
    """A sparse 3 x 4 matrix of four values."""
    return tf.SparseTensor([[0, 1], [0, 3], [1, 0], [2, 2]], values, [3, 4])


def _other(values: tf.Tensor) -> tf.SparseTensor:
    return tf.SparseTensor([[0, 1], [1, 2], [2, 2]], values, [3, 4])


def _sparse() -> Iterator[Sample]:
    four, three = real(4), real(3)
    sp = "tf.sparse"
    yield op(f"{sp}.add", four, three, label="two sparse", call=lambda f, x, y: f(_tensor(x), _other(y)).values)
    yield op(f"{sp}.add", four, real(3, 4), label="a dense one", call=lambda f, x, y: f(_tensor(x), y))
    yield from each(sp, "maximum minimum", four, three, call=lambda f, x, y: f(_tensor(x), _other(y)).values)
    yield from each(
        sp,
        "maximum minimum",
        at(1.0, 0.0, -1.0, 2.0),
        at(1.0, 0.0, 2.0),
        label="ties",
        call=lambda f, x, y: f(_tensor(x), _other(y)).values,
    )
    yield from each(sp, "reduce_sum reduce_max", four, axis=1, call=lambda f, x: f(_tensor(x), axis=1))
    yield op(
        f"{sp}.reduce_sum",
        four,
        label="sparse output",
        call=lambda f, x: f(_tensor(x), axis=1, output_is_sparse=True).values,
    )
    for name, call in (
        ("to_dense", lambda f, x: f(_tensor(x))),
        ("concat", lambda f, x: f(0, [_tensor(x), _tensor(x * x)]).values),
        ("expand_dims", lambda f, x: f(_tensor(x), 0).values),
        ("reorder", lambda f, x: f(tf.SparseTensor([[2, 2], [0, 1], [1, 0], [0, 3]], x, [3, 4])).values),
        ("reshape", lambda f, x: f(_tensor(x), [4, 3]).values),
        ("reset_shape", lambda f, x: f(_tensor(x), [5, 5]).values),
        ("retain", lambda f, x: f(_tensor(x), [True, False, True, True]).values),
        ("slice", lambda f, x: f(_tensor(x), [0, 0], [2, 4]).values),
        ("softmax", lambda f, x: f(_tensor(x)).values),
        ("split", lambda f, x: [part.values for part in f(_tensor(x), num_split=2, axis=1)]),
        ("transpose", lambda f, x: f(_tensor(x)).values),
        (
            "fill_empty_rows",
            lambda f, x: (
                f(tf.SparseTensor([[0, 1], [0, 3], [2, 0], [2, 2]], x, [3, 4]), tf.constant(0.3, tf.float64))[0].values
            ),
        ),
        ("map_values", lambda f, x: f(tf.sin, _tensor(x)).values),
        ("eye", lambda f, x: f(4, dtype=tf.float64).values * x),
        ("mask", lambda f, x: f(tf.IndexedSlices(x, [0, 1, 2, 3]), [1, 2]).values),
    ):
        yield op(f"{sp}.{name}", four, call=call)
    yield op(f"{sp}.from_dense", real(2, 3), call=lambda f, x: f(x).values)
    yield op(f"{sp}.sparse_dense_matmul", four, real(4, 2), call=lambda f, x, y: f(_tensor(x), y))
    yield op(
        f"{sp}.sparse_dense_matmul",
        four,
        real(2, 3),
        label="both adjoint",
        call=lambda f, x, y: f(_tensor(x), y, adjoint_a=True, adjoint_b=True),
    )
    yield op(
        f"{sp}.sampled_addmm",
        real(3, 2),
        real(2, 4),
        label="at the places of a matrix",
        call=lambda f, a, b: f(
            tf.constant([[0, 1], [2, 3]]),
            tf.constant([0.5, 2.0], tf.float64),
            tf.constant([3, 4]),
            a,
            b,
            output_type=tf.float64,
        )[1],
    )
    yield op(
        f"{sp}.bincount",
        four,
        label="by the weights",
        call=lambda f, w: f(tf.constant([0, 2, 2, 1], tf.int64), weights=w).values,
    )
    for name in "segment_sum segment_mean segment_sqrt_n".split():
        yield op(f"{sp}.{name}", real(4, 2), call=lambda f, x: f(x, tf.constant([0, 2, 3]), tf.constant([0, 0, 1])))
        yield op(
            f"{sp}.{name}",
            real(4, 2),
            label="a number of segments",
            call=lambda f, x: f(x, tf.constant([0, 2, 3]), tf.constant([0, 0, 2]), num_segments=4),
        )
    for name in "Add Mul Div".split():
        yield op(
            f"tf.raw_ops.SparseDenseCwise{name}",
            four,
            within(0.5, 1.5, 3, 4),
            call=lambda f, x, y: f(sp_indices=_tensor(x).indices, sp_values=x, sp_shape=[3, 4], dense=y),
        )
    yield op(
        "tf.raw_ops.SparseTensorDenseAdd",
        four,
        real(3, 4),
        call=lambda f, x, y: f(a_indices=_tensor(x).indices, a_values=x, a_shape=tf.constant([3, 4], tf.int64), b=y),
    )
    yield op(
        "tf.raw_ops.SparseToDense",
        four,
        scalar(0.3),
        call=lambda f, x, d: f(
            sparse_indices=_tensor(x).indices,
            output_shape=tf.constant([3, 4], tf.int64),
            sparse_values=x,
            default_value=d,
        ),
    )
    yield op(
        "tf.raw_ops.SparseMatMul",
        real(2, 3),
        real(3, 2),
        precision="float32",
        call=lambda f, x, y: f(a=x, b=y, b_is_sparse=True),
    )
    yield op(
        "tf.raw_ops.SparseReduceSum",
        four,
        call=lambda f, x: f(
            input_indices=_tensor(x).indices,
            input_values=x,
            input_shape=tf.constant([3, 4], tf.int64),
            reduction_axes=[0],
        ),
    )


def _sparse_embeddings() -> Iterator[Sample]:
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, 3, 1], tf.int64), [3, 2])
    for combiner in "sum mean sqrtn".split():
        weights = tf.SparseTensor(ids.indices, tf.constant([0.5, 1.5, 2.0], tf.float64), [3, 2])
        yield op(
            "tf.nn.embedding_lookup_sparse",
            real(4, 2),
            combiner=combiner,
            call=lambda f, x, combiner=combiner: f(x, ids, None, combiner=combiner),
        )
        yield op(
            "tf.nn.embedding_lookup_sparse",
            real(4, 2),
            label="weights",
            combiner=combiner,
            call=lambda f, x, combiner=combiner, weights=weights: f(x, ids, weights, combiner=combiner),
        )
        yield op(
            "tf.nn.safe_embedding_lookup_sparse",
            real(4, 2),
            label=combiner,
            call=lambda f, x, combiner=combiner: f(x, ids, combiner=combiner),
        )
    yield op(
        "tf.nn.embedding_lookup_sparse",
        real(4, 2),
        within(0.5, 1.5, 3),
        label="by the weights too",
        call=lambda f, x, w: f(x, ids, tf.SparseTensor(ids.indices, w, [3, 2]), combiner="mean"),
    )
    yield op("tf.nn.embedding_lookup", real(4, 2), call=lambda f, x: f(x, [1, 3, 1]))
    yield op(
        "tf.nn.embedding_lookup", real(4, 2), label="a variable", variables=True, call=lambda f, x: f(x, [1, 3, 1])
    )
    yield op(
        "tf.nn.embedding_lookup",
        real(4, 2),
        label="a norm limit",
        call=lambda f, x: f(5.0 * x, [1, 3, 1], max_norm=1.0),
    )


def _ragged() -> Iterator[Sample]:
    splits = tf.constant([0, 2, 2, 5], tf.int64)

    def ragged(values: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_splits(values, splits)

    name = "tf.RaggedTensor"
    yield op(name, real(5), label="to_tensor", call=lambda f, x: ragged(x).to_tensor(0.5))
    yield op(name, real(5), label="to_sparse", call=lambda f, x: ragged(x).to_sparse().values)
    yield op(name, real(5), label="gather", call=lambda f, x: tf.gather(ragged(x), [2, 0, 2]).flat_values)
    yield op(
        name,
        real(5),
        label="reduce_sum and reduce_mean",
        call=lambda f, x: (tf.reduce_sum(ragged(x), 1), tf.reduce_sum(ragged(x) * ragged(x))),
    )
    yield op(name, real(5), label="concat", call=lambda f, x: tf.concat([ragged(x), ragged(x * x)], 1).flat_values)
    yield op(
        name,
        real(5),
        label="map_fn",
        call=lambda f, x: tf.map_fn(tf.reduce_sum, ragged(x), fn_output_signature=tf.float64),
    )
    yield op(name, real(5), label="an elementwise function", call=lambda f, x: tf.sin(ragged(x)).flat_values)
    yield op(
        "tf.raw_ops.RaggedFillEmptyRows",
        real(3),
        scalar(0.3),
        call=lambda f, x, d: f(
            value_rowids=tf.constant([0, 0, 2], tf.int64), values=x, nrows=tf.constant(4, tf.int64), default_value=d
        )[1],
    )
    yield op(
        "tf.raw_ops.RaggedTensorToVariant",
        real(5),
        label="there and back",
        call=lambda f, x: _through_a_variant(f, x, splits),
    )


def _through_a_variant(f: Callable[..., Any], x: Any, splits: tf.Tensor) -> Any:
    encoded = f(rt_nested_splits=[splits], rt_dense_values=x, batched_input=True)
    back = tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=encoded, input_ragged_rank=0, output_ragged_rank=1, Tvalues=tf.float64, Tsplits=tf.int64
    )
    return back.output_dense_values

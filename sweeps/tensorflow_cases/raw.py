"""Registered gradients that no public function leads to: older versions, operators' own gradients, odd ones."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from samples import Sample, Spec, at, op, positive_definite, real, regular, scalar, within

RAW = "tf.raw_ops"


def samples() -> Iterator[Sample]:
    """Older versions, gradients of gradients, compressed rows."""
    yield from _older()
    yield from _gradients_of_elementwise()
    yield from _gradients_of_windows()
    yield from _compressed_rows()


def raw(
    name: str,
    label: str = "",
    precision: str = "float64",
    variables: bool = False,
    attributes: dict[str, Any] | None = None,
    **inputs: Spec,
) -> Sample:
    """An operator by its arguments' names."""
    names = list(inputs)
    fixed = attributes or {}
    return op(
        f"{RAW}.{name}",
        *inputs.values(),
        label=label,
        precision=precision,
        variables=variables,
        call=lambda f, *xs: f(**dict(zip(names, xs, strict=True)), **fixed),
    )


def _older() -> Iterator[Sample]:
    x, y = real(2, 3), within(0.5, 1.5, 2, 3)
    for name in "Add AddV2 Sub Mul Div RealDiv DivNoNan MulNoNan Maximum Minimum Xdivy".split():
        yield raw(name, x=x, y=y)
    for name in "Reciprocal Inv".split():
        yield raw(name, x=y)
    for name in "Reshape ExpandDims".split():
        argument = {"shape": [3, 2]} if name == "Reshape" else {"axis": 1}
        yield raw(name, **({"tensor": x} if name == "Reshape" else {"input": x}), attributes=argument)
    yield op(f"{RAW}.Concat", x, y, call=lambda f, x, y: f(concat_dim=1, values=[x, y]))
    yield op(f"{RAW}.Select", x, y, call=lambda f, x, y: f(condition=x > 0, x=x, y=y))
    yield op(f"{RAW}.Reverse", x, call=lambda f, x: f(tensor=x, dims=[False, True]))
    yield raw("BiasAddV1", value=x, bias=real(3))
    for name in "BatchMatMul BatchMatMulV2".split():
        yield raw(name, x=real(2, 2, 3), y=real(2, 3, 2))
    yield op(f"{RAW}.BatchMatMulV3", real(2, 2, 3), real(2, 3, 2), call=lambda f, x, y: f(x=x, y=y, Tout=tf.float64))
    yield raw("MatMul", a=real(2, 3), b=real(3, 2))
    yield raw("MatrixDiag", diagonal=x)
    yield raw("MatrixDiagPart", input=real(2, 3, 3))
    yield raw("MatrixSetDiag", input=real(3, 3), diagonal=real(3))
    yield raw(
        "MatrixDiagV2",
        diagonal=real(2, 3),
        padding_value=scalar(0.4),
        attributes={"k": [0, 1], "num_rows": 3, "num_cols": 3},
    )
    yield raw("MatrixDiagPartV2", input=real(3, 3), padding_value=scalar(0.4), attributes={"k": [0, 1]})
    yield raw("MatrixSetDiagV2", input=real(3, 3), diagonal=real(2, 3), attributes={"k": [0, 1]})
    yield raw(
        "MatrixDiagV3",
        diagonal=real(2, 3),
        padding_value=scalar(0.4),
        attributes={"k": [0, 1], "num_rows": 3, "num_cols": 3},
    )
    yield raw("MatrixDiagPartV3", input=real(3, 3), padding_value=scalar(0.4), attributes={"k": [0, 1]})
    yield raw("MatrixDeterminant", input=regular(3))
    yield raw(
        "MatrixSolveLs",
        matrix=real(4, 2),
        rhs=real(4, 1),
        attributes={"l2_regularizer": tf.constant(0.1, tf.float64), "fast": True},
    )
    yield raw("Cholesky", input=positive_definite(3))
    yield raw("ConjugateTranspose", x=x, attributes={"perm": [1, 0]})
    yield raw("Gather", params=real(3, 2), attributes={"indices": [2, 0, 2]})
    yield raw("ScatterNdNonAliasingAdd", input=real(4), updates=real(2), attributes={"indices": [[2], [0]]})
    yield raw("ResizeNearestNeighbor", images=real(1, 2, 3, 1), attributes={"size": [4, 4], "align_corners": True})
    for name in "ResizeBilinear ResizeBicubic".split():
        for flags in ({"align_corners": True}, {"half_pixel_centers": True}, {}):
            yield raw(
                name,
                label=str(flags),
                precision="float32",
                images=real(1, 3, 3, 1),
                attributes={"size": [5, 2], **flags},
            )
    yield raw("SpaceToBatch", input=real(1, 4, 4, 1), attributes={"paddings": [[0, 0], [0, 0]], "block_size": 2})
    yield raw("BatchToSpace", input=real(4, 2, 2, 1), attributes={"crops": [[0, 0], [0, 0]], "block_size": 2})
    yield raw(
        "MaxPoolV2",
        input=real(1, 4, 4, 1),
        attributes={"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"},
    )
    yield raw(
        "ExtractImagePatches",
        images=real(1, 3, 3, 1),
        attributes={"ksizes": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "VALID"},
    )
    yield op(f"{RAW}.NthElement", real(4), call=lambda f, x: f(input=x, n=tf.constant(2)))
    yield op(f"{RAW}.NthElement", at(1.0, 2.0, 2.0, 3.0), label="ties", call=lambda f, x: f(input=x, n=tf.constant(2)))
    yield op(
        f"{RAW}.ParallelDynamicStitch",
        real(2),
        real(2),
        call=lambda f, x, y: f(indices=[tf.constant([0, 2]), tf.constant([3, 1])], data=[x, y]),
    )
    yield raw("LRN", precision="float32", input=real(1, 1, 2, 5), attributes={"depth_radius": 1, "alpha": 0.4})
    yield raw("EuclideanNorm", input=real(2, 3), attributes={"axis": [1]})
    yield raw("CheckNumerics", tensor=x, attributes={"message": ""})
    yield raw("CheckNumericsV2", tensor=x, attributes={"message": ""})
    yield raw("PlaceholderWithDefault", input=x, attributes={"shape": [2, 3]})
    yield raw("Print", input=x, attributes={"data": [], "first_n": 0})
    yield raw("PreventGradient", input=x)
    yield op(
        f"{RAW}.OptionalFromValue",
        x,
        label="there and back",
        call=lambda f, x: tf.raw_ops.OptionalGetValue(
            optional=f(components=[x]), output_types=[tf.float64], output_shapes=[[2, 3]]
        ),
    )
    yield op(f"{RAW}.RGBToHSV", within(0.1, 0.9, 4, 3), call=lambda f, x: f(images=x))
    yield raw(
        "TensorStridedSliceUpdate", input=real(4), value=real(2), attributes={"begin": [1], "end": [3], "strides": [1]}
    )
    yield raw("TridiagonalMatMul", superdiag=real(1, 4), maindiag=real(1, 4), subdiag=real(1, 4), rhs=real(4, 2))
    yield raw("CumulativeLogsumexp", x=real(4), attributes={"axis": 0})


def _gradients_of_elementwise() -> Iterator[Sample]:
    dy = real(4)
    for name in "SigmoidGrad TanhGrad SqrtGrad RsqrtGrad ReciprocalGrad InvGrad".split():
        yield raw(name, y=within(0.2, 0.9, 4), dy=dy)
    for name in "ReluGrad Relu6Grad LeakyReluGrad SoftplusGrad".split():
        yield raw(name, gradients=dy, features=real(4))
        yield raw(name, label="at zero", gradients=real(1), features=at(0.0))
    for name in "EluGrad SeluGrad".split():
        yield raw(name, gradients=dy, outputs=within(-0.9, 1.5, 4))
        yield raw(name, label="at zero", gradients=real(1), outputs=at(0.0))
    yield raw("BiasAddGrad", out_backprop=real(2, 3))
    yield raw("MirrorPadGrad", input=real(5), attributes={"paddings": [[1, 1]], "mode": "REFLECT"})
    yield raw("StridedSliceGrad", dy=real(2), attributes={"shape": [4], "begin": [0], "end": [4], "strides": [2]})


def _gradients_of_windows() -> Iterator[Sample]:
    window = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "VALID"}
    cube = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 1, 1, 1, 1], "padding": "VALID"}
    convolution = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    yield raw("AvgPoolGrad", grad=real(1, 2, 3, 1), attributes={**window, "orig_input_shape": [1, 3, 4, 1]})
    yield raw(
        "AvgPool3DGrad",
        precision="float32",
        grad=real(1, 2, 2, 2, 1),
        attributes={**cube, "orig_input_shape": [1, 3, 3, 3, 1]},
    )
    for name, extra in (("MaxPoolGrad", {}), ("MaxPoolGradV2", {})):
        yield op(
            f"{RAW}.{name}",
            real(1, 2, 2, 1),
            label="by the gradient",
            call=lambda f, g, extra=extra: _max_pool_gradient(f, g, window),
        )
    yield op(
        f"{RAW}.MaxPoolGradGrad",
        real(1, 3, 3, 1),
        label="by the gradient",
        call=lambda f, g: _max_pool_second(f, g, window),
    )
    yield op(
        f"{RAW}.MaxPool3DGrad",
        real(1, 2, 2, 2, 1),
        label="by the gradient",
        precision="float32",
        call=lambda f, g: _max_pool3d_gradient(f, g, cube),
    )
    yield op(
        f"{RAW}.MaxPool3DGradGrad",
        real(1, 3, 3, 3, 1),
        label="by the gradient",
        precision="float32",
        call=lambda f, g: _max_pool3d_second(f, g, cube),
    )
    yield raw(
        "Conv2DBackpropInput",
        filter=real(2, 2, 1, 2),
        out_backprop=real(1, 2, 3, 2),
        attributes={**convolution, "input_sizes": [1, 3, 4, 1]},
    )
    yield raw(
        "Conv2DBackpropFilter",
        input=real(1, 3, 4, 1),
        out_backprop=real(1, 2, 3, 2),
        attributes={**convolution, "filter_sizes": [2, 2, 1, 2]},
    )
    yield raw(
        "DepthwiseConv2dNativeBackpropInput",
        filter=real(2, 2, 1, 2),
        out_backprop=real(1, 2, 3, 2),
        attributes={**convolution, "input_sizes": [1, 3, 4, 1]},
    )
    yield raw(
        "DepthwiseConv2dNativeBackpropFilter",
        input=real(1, 3, 4, 1),
        out_backprop=real(1, 2, 3, 2),
        attributes={**convolution, "filter_sizes": [2, 2, 1, 2]},
    )
    volume = {"strides": [1, 1, 1, 1, 1], "padding": "VALID"}
    yield raw(
        "Conv3DBackpropInputV2",
        filter=real(2, 2, 2, 1, 1),
        out_backprop=real(1, 1, 2, 1, 1),
        attributes={**volume, "input_sizes": [1, 2, 3, 2, 1]},
    )
    yield raw(
        "Conv3DBackpropFilterV2",
        input=real(1, 2, 3, 2, 1),
        out_backprop=real(1, 1, 2, 1, 1),
        attributes={**volume, "filter_sizes": [2, 2, 2, 1, 1]},
    )
    for training in (True, False):
        for name in "FusedBatchNormGradV3 FusedBatchNormGradV2 FusedBatchNormGrad".split():
            yield op(
                f"{RAW}.{name}",
                real(3, 2, 2, 2),
                real(3, 2, 2, 2),
                within(0.5, 1.5, 2),
                label=f"training={training}",
                precision="float32",
                call=lambda f, g, x, s, training=training: _batch_norm_gradient(f, g, x, s, training),
            )


def _fixed(*shape: int, dtype: tf.DType = tf.float64) -> tf.Tensor:
    """Distinct values in no order."""
    count = 1
    for size in shape:
        count *= size
    return tf.reshape(tf.cast((tf.range(count) * 7) % 11, dtype) * 0.3 + tf.cast(tf.range(count), dtype) * 0.01, shape)


def _max_pool_gradient(f: Any, grad: Any, window: dict[str, Any]) -> Any:
    image = _fixed(1, 3, 3, 1)
    return f(orig_input=image, orig_output=tf.nn.max_pool2d(image, 2, 1, "VALID"), grad=grad, **window)


def _max_pool_second(f: Any, grad: Any, window: dict[str, Any]) -> Any:
    return _max_pool_gradient(f, grad, window)


def _max_pool3d_gradient(f: Any, grad: Any, cube: dict[str, Any]) -> Any:
    image = _fixed(1, 3, 3, 3, 1, dtype=tf.float32)
    return f(orig_input=image, orig_output=tf.nn.max_pool3d(image, 2, 1, "VALID"), grad=grad, **cube)


def _max_pool3d_second(f: Any, grad: Any, cube: dict[str, Any]) -> Any:
    return _max_pool3d_gradient(f, grad, cube)


def _batch_norm_gradient(f: Any, grad: Any, x: Any, scale: Any, training: bool) -> Any:
    """The gradient of batch normalisation by its input, scale and offset; the saved statistics follow the input."""
    if training:
        mean, variance = tf.nn.moments(tf.stop_gradient(x), [0, 1, 2])
        saved = {"reserve_space_1": mean, "reserve_space_2": variance}
    else:
        saved = {"reserve_space_1": tf.constant([0.1, -0.2]), "reserve_space_2": tf.constant([1.2, 0.7])}
    if "v3" in f.__name__:
        saved["reserve_space_3"] = tf.zeros(0)
    return f(y_backprop=grad, x=x, scale=scale, epsilon=1e-3, is_training=training, **saved)[:3]


def _compressed_rows() -> Iterator[Sample]:
    """Sparse matrices in compressed rows, which exist only as variants in between."""
    x, y = real(2, 3), real(3, 2)
    yield op(f"{RAW}.DenseToCSRSparseMatrix", x, label="there and back", call=lambda f, x: _dense(_rows(x)))
    yield op(f"{RAW}.SparseTensorToCSRSparseMatrix", real(3), label="there and back", call=_tensor_there_and_back)
    yield op(f"{RAW}.SparseMatrixMatMul", x, real(3, 2), call=lambda f, x, y: f(a=_rows(x), b=y))
    yield op(f"{RAW}.SparseMatrixTranspose", x, call=lambda f, x: _dense(f(input=_rows(x), type=tf.float64)))
    yield op(
        f"{RAW}.SparseMatrixSparseMatMul", x, y, call=lambda f, x, y: _dense(f(a=_rows(x), b=_rows(y), type=tf.float64))
    )


def _rows(x: Any) -> Any:
    places = tf.where(tf.ones_like(x, tf.bool))
    return tf.raw_ops.DenseToCSRSparseMatrix(dense_input=x, indices=places)


def _dense(rows: Any) -> Any:
    return tf.raw_ops.CSRSparseMatrixToDense(sparse_input=rows, type=tf.float64)


def _tensor_there_and_back(f: Any, x: Any) -> Any:
    rows = f(
        indices=tf.constant([[0, 1], [1, 0], [1, 2]], tf.int64), values=x, dense_shape=tf.constant([2, 3], tf.int64)
    )
    return tf.raw_ops.CSRSparseMatrixToSparseTensor(sparse_matrix=rows, type=tf.float64).values

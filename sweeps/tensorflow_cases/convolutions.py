"""tf.nn: convolutions and pools."""

from collections.abc import Iterator

import tensorflow as tf

from samples import Sample, at, each, op, real

NN = "tf.nn"


def samples() -> Iterator[Sample]:
    """Convolutions first."""
    yield from _convolutions()
    yield from _pools()


def _convolutions() -> Iterator[Sample]:
    image, kernel = real(1, 5, 4, 2), real(3, 2, 2, 3)
    for keywords in (
        {"strides": 1, "padding": "VALID"},
        {"strides": 2, "padding": "SAME"},
        {"strides": [2, 1], "padding": "SAME"},
        {"strides": 1, "padding": "SAME", "dilations": 2},
        {"strides": 1, "padding": [[0, 0], [1, 2], [0, 1], [0, 0]]},
    ):
        yield op(f"{NN}.conv2d", image, kernel, **keywords)
    yield op(f"{NN}.conv2d", real(1, 4, 4, 4), real(2, 2, 2, 4), label="groups", strides=1, padding="VALID")
    yield op(f"{NN}.conv1d", real(2, 6, 2), real(3, 2, 2), stride=2, padding="SAME")
    yield op(f"{NN}.conv3d", real(1, 3, 3, 3, 1), real(2, 2, 2, 1, 2), strides=[1, 1, 1, 1, 1], padding="VALID")
    yield op(f"{NN}.conv3d", real(1, 3, 4, 3, 1), real(2, 2, 2, 1, 1), strides=[1, 2, 1, 2, 1], padding="SAME")
    yield op(f"{NN}.convolution", image, kernel, strides=1, padding="SAME", dilations=[2, 1])
    yield op(f"{NN}.conv1d_transpose", real(1, 3, 2), real(3, 2, 2), call=lambda f, x, k: f(x, k, [1, 6, 2], 2))
    yield op(
        f"{NN}.conv2d_transpose", real(1, 3, 2, 2), real(2, 2, 2, 2), call=lambda f, x, k: f(x, k, [1, 6, 4, 2], 2)
    )
    yield op(
        f"{NN}.conv3d_transpose",
        real(1, 2, 2, 2, 1),
        real(2, 2, 2, 1, 1),
        call=lambda f, x, k: f(x, k, [1, 4, 4, 4, 1], 2),
    )
    yield op(f"{NN}.conv_transpose", real(1, 3, 2, 2), real(2, 2, 2, 2), call=lambda f, x, k: f(x, k, [1, 6, 4, 2], 2))
    yield op(f"{NN}.atrous_conv2d", image, kernel, rate=2, padding="SAME")
    yield op(
        f"{NN}.atrous_conv2d_transpose",
        real(1, 4, 4, 1),
        real(2, 2, 1, 1),
        call=lambda f, x, k: f(x, k, [1, 4, 4, 1], 2, "SAME"),
    )
    yield op(f"{NN}.depthwise_conv2d", image, real(2, 2, 2, 2), strides=[1, 1, 1, 1], padding="SAME")
    yield op(f"{NN}.depthwise_conv2d", image, real(2, 2, 2, 1), strides=[1, 2, 2, 1], padding="VALID")
    yield op(f"{NN}.depthwise_conv2d", image, real(2, 2, 2, 1), strides=[1, 1, 1, 1], padding="SAME", dilations=[2, 2])
    yield op(f"{NN}.separable_conv2d", image, real(2, 2, 2, 1), real(1, 1, 2, 3), strides=[1, 1, 1, 1], padding="SAME")
    yield op(
        f"{NN}.depthwise_conv2d_backprop_input",
        real(2, 2, 2, 1),
        real(1, 4, 3, 2),
        call=lambda f, k, y: f([1, 5, 4, 2], k, y, [1, 1, 1, 1], "VALID"),
    )
    yield op(
        f"{NN}.depthwise_conv2d_backprop_filter",
        real(1, 5, 4, 2),
        real(1, 4, 3, 2),
        call=lambda f, x, y: f(x, [2, 2, 2, 1], y, [1, 1, 1, 1], "VALID"),
    )
    for name, sizes in (("dilation2d", {}), ("erosion2d", {})):
        yield op(
            f"{NN}.{name}",
            real(1, 4, 4, 2),
            real(2, 2, 2),
            call=lambda f, x, k, sizes=sizes: f(x, k, [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1], **sizes),
        )
    yield op(
        f"{NN}.dilation2d",
        at([[[[1.0], [1.0]], [[0.0], [1.0]]]]),
        at([[[0.0], [0.0]], [[0.0], [0.0]]]),
        label="ties",
        call=lambda f, x, k: f(x, k, [1, 1, 1, 1], "VALID", "NHWC", [1, 1, 1, 1]),
    )
    yield op(
        f"{NN}.with_space_to_batch",
        real(1, 4, 4, 1),
        real(2, 2, 1, 1),
        call=lambda f, x, k: f(
            x, [2, 2], "SAME", lambda x, num_spatial_dims, padding: tf.nn.conv2d(x, k, 1, padding), filter_shape=[2, 2]
        ),
    )
    yield op(f"{NN}.bias_add", real(2, 3), real(3))
    yield op(f"{NN}.bias_add", real(2, 3, 2, 2), real(3), data_format="NCHW")
    yield op(f"{NN}.space_to_depth", real(1, 4, 4, 1), block_size=2)
    yield op(f"{NN}.depth_to_space", real(1, 2, 2, 4), block_size=2)
    yield op(f"{NN}.space_to_batch", real(1, 4, 4, 1), call=lambda f, x: f(x, [2, 2], [[0, 0], [0, 0]]))


def _pools() -> Iterator[Sample]:
    image, ties = real(1, 4, 5, 2), at([[[[1.0], [1.0], [0.0]], [[1.0], [0.0], [2.0]], [[0.0], [2.0], [2.0]]]])
    for name in "max_pool avg_pool max_pool2d avg_pool2d".split():
        for padding in "SAME VALID".split():
            yield op(f"{NN}.{name}", image, ksize=2, strides=1, padding=padding)
        yield op(f"{NN}.{name}", image, ksize=[3, 2], strides=[2, 1], padding="SAME")
        yield op(f"{NN}.{name}", ties, label="ties", ksize=2, strides=1, padding="VALID")
    yield op(f"{NN}.max_pool2d", image, ksize=2, strides=2, padding=[[0, 0], [1, 0], [0, 1], [0, 0]])
    yield from each(NN, "max_pool1d avg_pool1d", real(1, 6, 2), ksize=3, strides=2, padding="SAME")
    yield from each(
        NN, "max_pool3d avg_pool3d", real(1, 3, 3, 3, 1), precision="float32", ksize=2, strides=1, padding="VALID"
    )
    yield op(
        f"{NN}.max_pool_with_argmax", image, ksize=2, strides=2, padding="SAME", call=lambda f, x: f(x, 2, 2, "SAME")[0]
    )
    for kind in "MAX AVG".split():
        yield op(f"{NN}.pool", image, window_shape=[2, 2], pooling_type=kind, strides=[1, 2], padding="SAME")
        yield op(f"{NN}.pool", image, window_shape=[2, 2], pooling_type=kind, dilations=[2, 1], padding="VALID")
    yield from each(
        NN,
        "fractional_max_pool fractional_avg_pool",
        real(1, 6, 6, 1),
        label="a fixed seed",
        call=lambda f, x: f(x, [1.0, 1.5, 1.5, 1.0], pseudo_random=True, overlapping=True, seed=5)[0],
    )

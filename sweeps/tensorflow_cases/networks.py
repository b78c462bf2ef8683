"""tf.nn: convolutions, pools, normalisations, activations and losses."""

from collections.abc import Iterator

import tensorflow as tf

from samples import Sample, at, each, op, probabilities, real, scalar, within

NN = "tf.nn"


def samples() -> Iterator[Sample]:
    """Convolutions, pools, activations, losses."""
    yield from _convolutions()
    yield from _pools()
    yield from _activations()
    yield from _normalisations()
    yield from _losses()
    yield from _recurrent()


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


def _activations() -> Iterator[Sample]:
    yield from each(NN, "relu relu6 elu selu crelu leaky_relu gelu silu l2_loss", real(2, 3))
    yield op(f"{NN}.gelu", real(4), approximate=True)
    yield op(f"{NN}.leaky_relu", real(4), alpha=0.3)
    yield from each(NN, "relu relu6 elu selu crelu leaky_relu", at(0.0, -0.0), label="at zero")
    yield op(f"{NN}.relu6", at(6.0), label="at six")
    yield from each(NN, "elu selu gelu silu", at(0.0, 40.0, -40.0, -800.0), label="tails")
    yield op(f"{NN}.gelu", at(0.0, 40.0, -40.0), label="tails", approximate=True)
    yield op(f"{NN}.silu", real(3), scalar(1.3), label="by beta too")
    yield op(
        f"{NN}.dropout",
        real(5),
        label="half",
        call=lambda f, x: tf.nn.experimental.stateless_dropout(x, 0.5, seed=[1, 2]),
    )
    yield op(f"{NN}.isotonic_regression", real(5), call=lambda f, x: f(x)[0])
    yield op(f"{NN}.isotonic_regression", real(2, 4), decreasing=False, call=lambda f, x: f(x, decreasing=False)[0])
    yield op(f"{NN}.isotonic_regression", at(1.0, 1.0, 1.0), label="ties", call=lambda f, x: f(x)[0])


def _normalisations() -> Iterator[Sample]:
    yield op(f"{NN}.moments", real(3, 2), axes=[0])
    yield op(f"{NN}.weighted_moments", real(3, 2), within(0.5, 1.5, 3, 1), call=lambda f, x, w: f(x, [0], w))
    yield op(f"{NN}.sufficient_statistics", real(3, 2), axes=[0], call=lambda f, x: f(x, [0])[1:3])
    yield op(
        f"{NN}.normalize_moments",
        real(2),
        within(9.0, 12.0, 2),
        call=lambda f, m, v: f(tf.constant(4.0, tf.float64), m, v, None),
    )
    yield op(
        f"{NN}.batch_normalization", real(3, 2), real(2), within(0.5, 1.5, 2), real(2), real(2), variance_epsilon=1e-3
    )
    yield op(
        f"{NN}.local_response_normalization", real(1, 2, 2, 5), precision="float32", depth_radius=2, alpha=0.3, beta=0.6
    )
    for training in (True, False):
        statistics = [tf.zeros(0), tf.zeros(0)] if training else [tf.constant([0.1, -0.2]), tf.constant([1.2, 0.7])]
        for layout, shape in (("NHWC", (3, 2, 2, 2)),):
            yield op(
                "tf.raw_ops.FusedBatchNormV3",
                real(*shape),
                within(0.5, 1.5, 2),
                real(2),
                precision="float32",
                label=f"{layout}, training={training}",
                call=lambda f, x, s, o, statistics=statistics, training=training: f(
                    x=x,
                    scale=s,
                    offset=o,
                    mean=statistics[0],
                    variance=statistics[1],
                    is_training=training,
                    epsilon=1e-3,
                )[0],
            )
            yield op(
                "tf.raw_ops.FusedBatchNormV2",
                real(*shape),
                within(0.5, 1.5, 2),
                real(2),
                precision="float32",
                label=f"{layout}, training={training}",
                call=lambda f, x, s, o, statistics=statistics, training=training: f(
                    x=x,
                    scale=s,
                    offset=o,
                    mean=statistics[0],
                    variance=statistics[1],
                    is_training=training,
                    epsilon=1e-3,
                )[0],
            )
    yield op(
        "tf.raw_ops.FusedBatchNorm",
        real(3, 2, 2, 2),
        within(0.5, 1.5, 2),
        real(2),
        precision="float32",
        call=lambda f, x, s, o: f(x=x, scale=s, offset=o, mean=tf.zeros(0), variance=tf.zeros(0), epsilon=1e-3)[0],
    )


def _losses() -> Iterator[Sample]:
    logits, labels = real(2, 3), probabilities(2, 3)
    yield op(
        f"{NN}.softmax_cross_entropy_with_logits",
        logits,
        labels,
        label="by the labels too",
        call=lambda f, x, y: f(labels=y, logits=x),
    )
    yield op(
        f"{NN}.softmax_cross_entropy_with_logits",
        at([0.0, 800.0, -800.0]),
        label="saturated",
        call=lambda f, x: f(labels=tf.constant([0.2, 0.3, 0.5], tf.float64), logits=x),
    )
    yield op(f"{NN}.sparse_softmax_cross_entropy_with_logits", logits, call=lambda f, x: f(labels=[2, 0], logits=x))
    yield op(
        f"{NN}.sigmoid_cross_entropy_with_logits",
        logits,
        labels,
        label="by the labels too",
        call=lambda f, x, y: f(labels=y, logits=x),
    )
    yield op(
        f"{NN}.sigmoid_cross_entropy_with_logits",
        at(0.0, 40.0, -800.0),
        label="kink of its formula, and saturated",
        call=lambda f, x: f(labels=tf.constant([0.2, 0.3, 0.5], tf.float64), logits=x),
    )
    yield op(
        f"{NN}.weighted_cross_entropy_with_logits",
        logits,
        labels,
        label="by the labels too",
        call=lambda f, x, y: f(labels=y, logits=x, pos_weight=tf.constant(1.7, tf.float64)),
    )
    yield op(f"{NN}.log_poisson_loss", within(0.5, 3.0, 3), real(3), label="by the targets too")
    yield op(f"{NN}.log_poisson_loss", within(1.5, 3.0, 3), real(3), compute_full_loss=True)
    yield op(f"{NN}.log_poisson_loss", at(1.0, 0.0), real(2), label="targets of one and zero", compute_full_loss=True)
    yield op(f"{NN}.compute_average_loss", real(3), global_batch_size=5)
    yield op(f"{NN}.scale_regularization_loss", real(3))
    yield op(
        f"{NN}.ctc_loss",
        real(4, 2, 3),
        precision="float32",
        label="dense labels",
        call=lambda f, x: f(tf.constant([[1, 2], [2, 0]]), x, tf.constant([2, 1]), tf.constant([4, 3]), blank_index=0),
    )
    yield op(
        f"{NN}.ctc_loss",
        real(4, 2, 3),
        label="sparse labels, float64 rounded to float32 on the way",
        call=lambda f, x: f(tf.sparse.from_dense([[1, 0], [1, 0]]), x, None, tf.constant([4, 3]), blank_index=-1),
    )
    candidates = (
        tf.constant([0, 2], tf.int64),
        tf.constant([[0.5], [0.5]], tf.float64),
        tf.constant([0.4, 0.6], tf.float64),
    )
    yield from each(
        NN,
        "nce_loss sampled_softmax_loss",
        real(4, 3),
        real(4),
        real(2, 3),
        call=lambda f, w, b, x: f(w, b, tf.constant([[1], [3]], tf.int64), x, 2, 4, sampled_values=candidates),
    )


def _recurrent() -> Iterator[Sample]:
    for name in "BlockLSTM BlockLSTMV2".split():
        yield op(
            f"tf.raw_ops.{name}",
            real(3, 1, 2),
            real(1, 2),
            real(1, 2),
            real(4, 8),
            real(8),
            precision="float32",
            call=_lstm,
        )


def _lstm(f, x, cs, h, w, b):  # type: ignore[no-untyped-def]
    peephole = {name: tf.zeros(2) for name in ("wci", "wcf", "wco")}
    out = f(seq_len_max=tf.constant(3, tf.int64), x=x, cs_prev=cs, h_prev=h, w=w, b=b, **peephole)
    return out.cs, out.h

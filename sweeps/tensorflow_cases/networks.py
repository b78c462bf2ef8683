"""tf.nn: activations, normalisations and losses; recurrent cells."""

from collections.abc import Iterator

import tensorflow as tf

from samples import Sample, at, each, op, probabilities, real, scalar, within

NN = "tf.nn"


def samples() -> Iterator[Sample]:
    """Activations, normalisations, losses, cells."""
    yield from _activations()
    yield from _normalisations()
    yield from _losses()
    yield from _recurrent()


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

"""What reverse and forward mode start from and end in."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from gradcheck_core.protocol import Weigh

from .returned import as_real, real_tensors


def weighted_total(returned: object, weigh: Weigh) -> tf.Tensor:
    """The weighted sum of what a cost returned, a float64 scalar.

    Raises
    ------
    InvalidInputError
        If there is no floating tensor in it.
    """
    outputs = real_tensors(returned)
    weights = weigh([tuple(output.shape) for output in outputs])
    return tf.add_n(
        [
            tf.cast(tf.reduce_sum(output * tf.cast(tf.constant(weight), output.dtype)), tf.float64)
            for output, weight in zip(outputs, weights, strict=True)
        ]
    )


@contextmanager
def forward_accumulator(sources: Sequence[Any], tangents: Sequence[tf.Tensor]) -> Iterator[Any]:
    """TensorFlow's forward mode, without its warning that a complex source is not floating."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        accumulator = tf.autodiff.ForwardAccumulator(list(sources), list(tangents))
    finally:
        logger.setLevel(level)
    with accumulator:
        yield accumulator


def inner_product(grads: Sequence[Any], tangents: Sequence[tf.Tensor]) -> tf.Tensor:
    """The derivative along a direction, from gradients in TensorFlow's convention; None counts as zero."""
    products = [
        tf.cast(tf.reduce_sum(as_real(tf.convert_to_tensor(grad)) * as_real(tangent)), tf.float64)
        for grad, tangent in zip(grads, tangents, strict=True)
        if grad is not None
    ]
    return tf.add_n([tf.constant(0.0, tf.float64), *products])

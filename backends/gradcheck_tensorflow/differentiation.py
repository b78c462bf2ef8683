"""What a cost returned: its numbers, its tensors, and what reverse and forward mode start from and end in."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradcheck_core.protocol import Weigh, trees
from gradcheck_core.protocol.outputs import floating_tensors


def list_numbers(returned: object) -> list[npt.NDArray[Any]]:
    """Everything numeric that a cost returned."""
    found = (leaf.value for leaf in trees.leaves(returned))
    return [
        value.numpy() if isinstance(value, tf.Tensor | tf.Variable) else np.asarray(value)
        for value in found
        if isinstance(value, tf.Tensor | tf.Variable | np.ndarray | float | complex)
    ]


def real_tensors(returned: object) -> list[tf.Tensor]:
    """The floating tensors that a cost returned, complex ones as real with a last axis of two."""

    def is_inexact(tensor: Any) -> bool:
        return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)

    found = floating_tensors(returned, "a GradientTape", (tf.Tensor, tf.Variable), tf.constant, is_inexact)
    return [_as_real(tensor) for tensor in found]


def _as_real(tensor: tf.Tensor) -> tf.Tensor:
    return tf.stack([tf.math.real(tensor), tf.math.imag(tensor)], axis=-1) if tensor.dtype.is_complex else tensor


def sum_weighted(returned: object, weigh: Weigh) -> tf.Tensor:
    """The weighted sum of what a cost returned, a float64 scalar."""
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
        tf.cast(tf.reduce_sum(_as_real(tf.convert_to_tensor(grad)) * _as_real(tangent)), tf.float64)
        for grad, tangent in zip(grads, tangents, strict=True)
        if grad is not None
    ]
    return tf.add_n([tf.constant(0.0, tf.float64), *products])

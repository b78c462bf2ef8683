"""What a cost returned: its numbers, and the tensors that a gradient starts from."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradcheck_core.protocol import trees
from gradcheck_core.protocol.outputs import floating_tensors


def numbers(returned: object) -> list[npt.NDArray[Any]]:
    """Everything numeric that a cost returned."""
    found = (leaf.value for leaf in trees.leaves(returned))
    return [
        value.numpy() if isinstance(value, tf.Tensor | tf.Variable) else np.asarray(value)
        for value in found
        if isinstance(value, tf.Tensor | tf.Variable | np.ndarray | float | complex)
    ]


def are_same(first: list[npt.NDArray[Any]], second: list[npt.NDArray[Any]]) -> bool:
    """Whether two evaluations gave the same numbers."""
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def real_tensors(returned: object) -> list[tf.Tensor]:
    """What is floating among the things a cost returned, complex as real ones with a last axis of two.

    Raises
    ------
    InvalidInputError
        If there is no floating tensor.
    """
    found = floating_tensors(returned, "a GradientTape", (tf.Tensor, tf.Variable), tf.constant, _is_inexact)
    return [as_real(tensor) for tensor in found]


def _is_inexact(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)


def as_real(tensor: tf.Tensor) -> tf.Tensor:
    """A complex tensor as a real one with a last axis of two; a real one as it is."""
    return tf.stack([tf.math.real(tensor), tf.math.imag(tensor)], axis=-1) if tensor.dtype.is_complex else tensor

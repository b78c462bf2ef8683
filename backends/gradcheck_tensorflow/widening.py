"""A float32, float16 or bfloat16 model evaluated in float64, without the user changing a line."""

from contextlib import ExitStack
from typing import Any, final

import numpy as np
import tensorflow as tf

from gradcheck_core.protocol import trees
from gradcheck_keras import lend, lend_policy

from .promotion import promoting, wider
from .state import way_back_of_attributes
from .variables import keras_parts, modules, named_variables

_TENSORS = tf.Tensor | tf.SparseTensor | tf.RaggedTensor | tf.IndexedSlices


@final
class Widened:
    """Params and args in float64, until it is closed.

    A variable is lent float64 storage, a Keras layer the policy `float64`. The caller's own are put aside untouched and
    come back at the end. So the cost meets float64 however it reaches its model, also where it closes over it, and no
    user's class has to be copied. Tensors and arrays, which keep their dtype, are replaced.

    Raises
    ------
    TypeError
        If a variable or a layer cannot be lent another precision.
    """

    def __init__(self, params: object, args: tuple[object, ...]) -> None:
        self._loans = ExitStack()
        self._storages: list[tf.Variable] = []  # which own what their handles stand for
        self._replaced: dict[int, tuple[object, object]] = {}
        try:
            self._loans.enter_context(promoting())
            self.params = self._widen(params)
            self.args = tuple(self._widen(argument) for argument in args)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give everything back."""
        self._loans.close()

    def _widen(self, structure: object) -> object:
        leaves = trees.leaves(structure)
        return trees.rebuilder(structure)(iter([self._leaf(leaf) for leaf in leaves]))

    def _leaf(self, leaf: trees.Leaf) -> object:
        if isinstance(leaf.value, _TENSORS | np.ndarray | np.generic):
            # The original is kept with its replacement, so that its id is not given away.
            return self._replaced.setdefault(id(leaf.value), (leaf.value, _replacement(leaf.value)))[1]
        for named in named_variables(leaf):
            self._lend_storage(named.variable)
        layers, variables = keras_parts(leaf.value)
        for owner in [*layers, *modules(leaf.value)]:
            self._loans.callback(way_back_of_attributes(owner))
        for variable in variables:
            self._lend_storage(variable.value)
            lend(self._loans, variable, "_dtype", variable.value.dtype.name)
        for layer in layers:
            lend_policy(self._loans, layer)
        return leaf.value

    def _lend_storage(self, variable: tf.Variable) -> None:
        wide = wider(variable.dtype.name)
        if wide is not None:
            storage = tf.Variable(tf.cast(variable, wide))
            self._storages.append(storage)
            lend(self._loans, variable, "_handle", storage.handle)
            lend(self._loans, variable, "_dtype", storage.dtype)


def _replacement(value: Any) -> object:
    wide = wider(value.dtype.name)
    if wide is None:
        return value
    return tf.cast(value, wide) if isinstance(value, _TENSORS) else value.astype(wide)

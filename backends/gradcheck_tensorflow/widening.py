"""A float32, float16 or bfloat16 model evaluated in float64, without the user changing a line."""

from contextlib import ExitStack
from typing import Any, final

import numpy as np
import tensorflow as tf

from gradcheck_core import trees

from .promotion import promoting, wider
from .state import way_back_of_attributes
from .variables import keras_parts, keras_policy, may_build, modules, named_variables

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
            self._lend(variable, "_dtype", variable.value.dtype.name)
        for layer in layers:
            self._lend_policy(layer)
        return leaf.value

    def _lend_storage(self, variable: tf.Variable) -> None:
        wide = wider(variable.dtype.name)
        if wide is not None:
            storage = tf.Variable(tf.cast(variable, wide))
            self._storages.append(storage)
            self._lend(variable, "_handle", storage.handle)
            self._lend(variable, "_dtype", storage.dtype)

    def _lend_policy(self, layer: Any) -> None:
        if layer.quantization_mode is not None:
            msg = (
                f"the layer `{layer.name}` is quantised ({layer.quantization_mode}) and cannot compute in float64; "
                "pass precision='native'"
            )
            raise TypeError(msg)
        if may_build(layer):
            msg = (
                f"the layer `{layer.name}` is not built and could make float64 weights; call it once on an input first"
            )
            raise TypeError(msg)
        self._lend(layer, "_dtype_policy", keras_policy("float64"))

    def _lend(self, owner: Any, attribute: str, value: object) -> None:
        attributes = vars(owner)
        if attribute not in attributes:
            msg = (
                f"a {type(owner).__name__} cannot be lent float64, since it has no `{attribute}` of its own; "
                "pass precision='native'"
            )
            raise TypeError(msg)
        self._loans.callback(attributes.__setitem__, attribute, attributes[attribute])
        attributes[attribute] = value


def _replacement(value: Any) -> object:
    wide = wider(value.dtype.name)
    if wide is None:
        return value
    return tf.cast(value, wide) if isinstance(value, _TENSORS) else value.astype(wide)

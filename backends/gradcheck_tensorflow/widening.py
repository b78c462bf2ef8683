"""A float32, float16 or bfloat16 model evaluated in float64, without the user changing a line."""

from contextlib import ExitStack
from typing import Any

import numpy as np
import tensorflow as tf

from gradcheck_core.protocol import trees
from gradcheck_keras import lend, lend_policy

from .promotion import promote, wider
from .state import way_back_of_attributes
from .variables import keras_parts, modules, named_variables

_TENSORS = tf.Tensor | tf.SparseTensor | tf.RaggedTensor | tf.IndexedSlices


def widen(loans: ExitStack, params: object, args: tuple[object, ...]) -> tuple[object, tuple[object, ...]]:
    """Params and args in float64, until the loans are closed; TypeError if something cannot be lent float64.

    A variable is lent float64 storage, a Keras layer the policy `float64`. The caller's own are put aside untouched and
    come back at the end. So the cost meets float64 however it reaches its model, also where it closes over it, and no
    user's class has to be copied. Tensors and arrays, which keep their dtype, are replaced.
    """
    loans.enter_context(promote())
    replaced: dict[int, tuple[object, object]] = {}

    def widen_leaves(structure: object) -> object:
        leaves = [_lend_or_replace(loans, leaf, replaced) for leaf in trees.leaves(structure)]
        return trees.rebuilder(structure)(iter(leaves))

    return widen_leaves(params), tuple(map(widen_leaves, args))


def _lend_or_replace(loans: ExitStack, leaf: trees.Leaf, replaced: dict[int, tuple[object, object]]) -> object:
    if isinstance(leaf.value, _TENSORS | np.ndarray | np.generic):
        # The original is kept with its replacement, so that its id is not given away.
        return replaced.setdefault(id(leaf.value), (leaf.value, _replacement(leaf.value)))[1]
    for named in named_variables(leaf):
        _lend_storage(loans, named.leaf.value)
    layers, variables = keras_parts(leaf.value)
    for owner in [*layers, *modules(leaf.value)]:
        loans.callback(way_back_of_attributes(owner))
    for variable in variables:
        _lend_storage(loans, variable.value)
        lend(loans, variable, "_dtype", variable.value.dtype.name)
    for layer in layers:
        lend_policy(loans, layer)
    return leaf.value


def _lend_storage(loans: ExitStack, variable: tf.Variable) -> None:
    wide = wider(variable.dtype.name)
    if wide is not None:
        storage = tf.Variable(tf.cast(variable, wide))
        loans.callback(lambda storage: None, storage)  # kept alive: it owns what its handle stands for
        lend(loans, variable, "_handle", storage.handle)
        lend(loans, variable, "_dtype", storage.dtype)


def _replacement(value: Any) -> object:
    wide = wider(value.dtype.name)
    if wide is None:
        return value
    return tf.cast(value, wide) if isinstance(value, _TENSORS) else value.astype(wide)

"""Eager operations that mix float64 with lower precision done in float64, as long as a problem is open."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import tensorflow as tf

# The one gate that every eager operation goes through. TensorFlow's own promotion, `enable_numpy_behavior`, is public
# but cannot be switched off again.
from tensorflow.python import pywrap_tfe

# And the one that every operation of a graph goes through.
from tensorflow.python.framework import op_def_library

_WIDER = {"float32": "float64", "float16": "float64", "bfloat16": "float64", "complex64": "complex128"}

_DRAWING = ("Random", "Stateless", "Stateful", "TruncatedNormal")
"""Beginnings of the names of random operations. In float64 they draw other numbers, so that a mask of dropout would not
be the model's own; here they draw in float32, and the numbers are then cast to float64."""


def wider(dtype: str) -> str | None:
    """The float64 counterpart of a dtype of lower precision, by name; None for any other dtype."""
    return _WIDER.get(dtype)


@contextmanager
def promote() -> Iterator[None]:
    """Promote where dtypes mix, turn casts down into float64, and run every `tf.function` eagerly.

    Operands are promoted only where the operation raises as it is, and only in this thread. A `tf.function` runs
    eagerly because a trace made now would stay with the caller, and one made before knows the variables of then.
    """
    thread = threading.get_ident()
    execute = pywrap_tfe.TFE_Py_FastPathExecute

    def call(context: object, operation: str, name: object, *arguments: Any) -> Any:
        if threading.get_ident() != thread:
            return execute(context, operation, name, *arguments)
        if operation == "Cast":
            arguments = _not_down(*arguments)
        elif operation.startswith(_DRAWING) and (in_float32 := _draw_in_float32(arguments)) is not None:
            return tf.cast(execute(context, operation, name, *in_float32), tf.float64)
        try:
            return execute(context, operation, name, *arguments)
        except Exception:
            if not _is_mixed(arguments):
                raise
        return execute(context, operation, name, *map(_promote, arguments))

    pywrap_tfe.TFE_Py_FastPathExecute = call
    try:
        with take_functions_apart():
            yield
    finally:
        pywrap_tfe.TFE_Py_FastPathExecute = execute


@contextmanager
def take_functions_apart() -> Iterator[None]:
    """Run what is inside every `tf.function` as a part of what calls it."""
    functions_run_eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(functions_run_eagerly)


@contextmanager
def promote_in_graphs() -> Iterator[None]:
    """The same as `promote` for operations that are traced."""
    thread = threading.get_ident()
    apply = op_def_library._apply_op_helper

    def call(operation: str, name: str | None = None, **keywords: Any) -> Any:
        if threading.get_ident() != thread:
            return apply(operation, name, **keywords)
        if operation == "Cast":
            _, _, target = _not_down(keywords["x"], "DstT", keywords["DstT"])
            keywords["DstT"] = target
        elif operation.startswith(_DRAWING) and keywords.get("dtype") == tf.float64:
            *description, outputs = apply(operation, name, **keywords | {"dtype": tf.float32})
            return *description, [tf.cast(output, tf.float64) for output in outputs]
        try:
            return apply(operation, name, **keywords)
        except Exception:
            if not _is_mixed(tuple(keywords.values())):
                raise
        return apply(operation, name, **{key: _promote(value) for key, value in keywords.items()})

    op_def_library._apply_op_helper = call
    try:
        with take_functions_apart():
            yield
    finally:
        op_def_library._apply_op_helper = apply


def _not_down(source: Any, key: str, target: Any, *others: Any) -> tuple[Any, ...]:
    """The arguments of a Cast; the target of one from float64 to less is replaced."""
    wide = wider(tf.as_dtype(target).name) if _is_wide(source) else None
    return (source, key, target if wide is None else tf.as_dtype(wide), *others)


def _draw_in_float32(arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The arguments of an operation that draws float64 numbers, changed to float32; None for any other."""
    for i, (key, value) in enumerate(pairwise(arguments)):
        if isinstance(key, str) and key == "dtype" and value == tf.float64:
            return (*arguments[: i + 1], tf.float32, *arguments[i + 2 :])
    return None


def _is_mixed(arguments: tuple[Any, ...]) -> bool:
    items = [item for each in arguments for item in (each if isinstance(each, list | tuple) else [each])]
    return any(map(_is_wide, items)) and any(map(_is_lower, items))


def _promote(argument: Any) -> Any:
    if isinstance(argument, list | tuple):
        return [_promote(item) for item in argument]
    return tf.cast(argument, wider(argument.dtype.name)) if _is_lower(argument) else argument


def _is_wide(item: Any) -> bool:
    return isinstance(item, tf.Tensor | tf.Variable) and item.dtype in (tf.float64, tf.complex128)


def _is_lower(item: Any) -> bool:
    return isinstance(item, tf.Tensor | tf.Variable) and wider(item.dtype.name) is not None

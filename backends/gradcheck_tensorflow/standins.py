"""Tensors in place of variables, while a cost is traced."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, final

import tensorflow as tf

from .state import way_back_of_attributes

_WRITES = ("scatter_", "batch_scatter_", "_strided_slice_assign")


@contextmanager
def stand_in(pairs: Iterable[tuple[tf.Variable, tf.Tensor]]) -> Iterator[None]:
    """Let every read of a variable give its tensor, and let an assignment put another one in its place.

    The variables themselves are neither read nor written.
    """
    with ExitStack() as stack:
        for variable, tensor in pairs:
            stack.callback(way_back_of_attributes(variable))
            vars(variable).update(_methods(variable, tensor))
        yield


def _methods(variable: tf.Variable, tensor: tf.Tensor) -> dict[str, Callable[..., Any]]:
    """What stands in for the methods by which a resource variable is read and written.

    An instance's attribute is found before the method of its class, also by TensorFlow's own code.
    """
    standin = _Standin(variable, tensor)
    refused = {name: standin.refuse for name in dir(type(variable)) if name.startswith(_WRITES)}
    return {
        **refused,
        "value": standin.value,
        "_read_variable_op": standin.value,
        "sparse_read": lambda indices, name=None: tf.gather(standin.tensor, indices, name=name),
        "gather_nd": lambda indices, name=None: tf.gather_nd(standin.tensor, indices, name=name),
        "assign": standin.assign,
        "assign_add": lambda delta, *_, **__: standin.assign(standin.tensor + standin.like(delta)),
        "assign_sub": lambda delta, *_, **__: standin.assign(standin.tensor - standin.like(delta)),
    }


@final
class _Standin:
    def __init__(self, variable: tf.Variable, tensor: tf.Tensor) -> None:
        self._variable = variable
        self.tensor = tensor

    def value(self, *_: Any, **__: Any) -> tf.Tensor:
        # If the cost itself differentiates, its tape watches the variable and does not see the tensor: it finds no
        # gradient, and the cost raises or gives something else.
        return tf.identity(self.tensor)

    def assign(self, value: Any, *_: Any, **__: Any) -> tf.Variable:
        self.tensor = tf.ensure_shape(self.like(value), self._variable.shape)
        return self._variable

    def like(self, value: Any) -> tf.Tensor:
        return tf.convert_to_tensor(value, self.tensor.dtype)

    def refuse(self, *_: Any, **__: Any) -> Any:
        msg = "a variable is written to in parts"
        raise TypeError(msg)

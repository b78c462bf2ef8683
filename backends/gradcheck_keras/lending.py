"""Another precision for a Keras model, lent for a time and given back."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .weights import layers, weights


def lend(loans: ExitStack, owner: Any, attribute: str, value: object) -> None:
    """Set an attribute past the owner's own setters, until the loans are closed.

    Raises
    ------
    TypeError
        If the owner has no such attribute of its own.
    """
    attributes = vars(owner)
    if attribute not in attributes:
        msg = (
            f"a {type(owner).__name__} cannot be lent float64, since it has no `{attribute}` of its own; "
            "pass precision='native'"
        )
        raise TypeError(msg)
    loans.callback(attributes.__setitem__, attribute, attributes[attribute])
    attributes[attribute] = value


def lend_policy(loans: ExitStack, layer: Any) -> None:
    """Let a layer hold its variables and compute in float64.

    Raises
    ------
    TypeError
        If it is quantised, or could still make weights of its own.
    """
    if layer.quantization_mode is not None:
        msg = (
            f"the layer `{layer.name}` is quantised ({layer.quantization_mode}) and cannot compute in float64; "
            "pass precision='native'"
        )
        raise TypeError(msg)
    if _may_build(layer):
        msg = f"the layer `{layer.name}` is not built and could make float64 weights; call it once on an input first"
        raise TypeError(msg)
    lend(loans, layer, "_dtype_policy", sys.modules["keras"].DTypePolicy("float64"))


def lend_float64(loans: ExitStack, owners: Iterable[Any], widened: Callable[[Any], object]) -> None:
    """Let layers and variables have float64 values, and compute with them.

    Parameters
    ----------
    loans : ExitStack
        Gives everything back when it is closed.
    owners : iterable of keras.Layer or keras.Variable
        The user's own; the cost meets float64 however it reaches them.
    widened : callable
        From a variable's floating value to that in float64.
    """
    for owner in owners:
        loans.enter_context(computing_in_float64())
        for weight in weights(owner):
            if weight.variable.dtype.startswith(("float", "bfloat")):
                lend(loans, weight.variable, "_value", widened(weight.variable.value))
                lend(loans, weight.variable, "_dtype", "float64")
        for layer in layers(owner):
            lend_policy(loans, layer)


@contextmanager
def computing_in_float64() -> Iterator[None]:
    """Let Keras' operations give float64 where float64 goes in.

    With JAX and PyTorch they would give float32: Keras' table of promotions ends with one from 64 to 32 bits, whatever
    the model's dtype is. That table is changed for as long as this lasts.
    """
    module = sys.modules.get("keras.src.backend.common.dtypes")
    table: dict[str, str] = {} if module is None else vars(module).get("BIT64_TO_BIT32_DTYPE", {})
    before = dict(table)
    table.update((dtype, dtype) for dtype in ("float64", "complex128") if dtype in table)
    try:
        yield
    finally:
        table.update(before)


def _may_build(layer: Any) -> bool:
    """Whether a layer could make weights of its own when it is called."""
    keras = sys.modules["keras"]
    harmless = (keras.Layer.build, keras.Model.build, keras.Sequential.build)  # build at most the layers inside
    return not layer.built and type(layer).build not in harmless

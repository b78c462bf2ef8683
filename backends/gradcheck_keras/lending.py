"""Another precision for a Keras model, lent for a time and given back."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .weights import layers, weights


def lend(loans: ExitStack, owner: Any, attribute: str, value: object) -> None:
    """Set an attribute past the owner's own setters, until the loans are closed; TypeError if it has none to set."""
    attributes = vars(owner)
    if attribute not in attributes:
        msg = (
            f"a {type(owner).__name__} cannot be switched to float64, since it has no `{attribute}` of its own; "
            "pass precision='native'"
        )
        raise TypeError(msg)
    loans.callback(attributes.__setitem__, attribute, attributes[attribute])
    attributes[attribute] = value


def lend_policy(loans: ExitStack, layer: Any) -> None:
    """Let a layer hold its variables and compute in float64; TypeError if it is quantised, or could make weights."""
    keras = sys.modules["keras"]
    if layer.quantization_mode is not None:
        msg = (
            f"the layer `{layer.name}` is quantised ({layer.quantization_mode}) and cannot compute in float64; "
            "pass precision='native'"
        )
        raise TypeError(msg)
    # These three build at most the layers inside, which are asked themselves.
    if not layer.built and type(layer).build not in (keras.Layer.build, keras.Model.build, keras.Sequential.build):
        msg = f"the layer `{layer.name}` is not built and could make float64 weights; call it once on an input first"
        raise TypeError(msg)
    lend(loans, layer, "_dtype_policy", keras.DTypePolicy("float64"))


def lend_float64(loans: ExitStack, owners: Iterable[Any], widen: Callable[[Any], object]) -> None:
    """Let layers and variables have float64 values and compute with them, until the loans are closed.

    They are the user's own, so the cost meets float64 however it reaches them. `widen` makes a floating value float64.
    """
    for owner in owners:
        loans.enter_context(compute_in_float64())
        for weight in weights(owner):
            if weight.variable.dtype.startswith(("float", "bfloat")):
                lend(loans, weight.variable, "_value", widen(weight.variable.value))
                lend(loans, weight.variable, "_dtype", "float64")
        for layer in layers(owner):
            lend_policy(loans, layer)


@contextmanager
def compute_in_float64() -> Iterator[None]:
    """Let Keras' operations give float64 where float64 goes in.

    With JAX and PyTorch they would give float32: Keras' table of promotions ends with one from 64 to 32 bits, whatever
    the model's dtype is. So the table is changed until this ends.
    """
    module = sys.modules.get("keras.src.backend.common.dtypes")
    table: dict[str, str] = {} if module is None else vars(module).get("BIT64_TO_BIT32_DTYPE", {})
    before = dict(table)
    table.update((dtype, dtype) for dtype in ("float64", "complex128") if dtype in table)
    try:
        yield
    finally:
        table.update(before)

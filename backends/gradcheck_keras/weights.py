"""Keras' layers and variables: which are there, and what they are called."""

import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import Any, final

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import trees


@final
@dataclass(frozen=True, slots=True)
class Weight:
    """A `keras.Variable`, and its place within the layer, e.g. ``("dense", "kernel")``; empty without a layer."""

    path: tuple[str, ...]
    variable: Any
    trainable: bool  # running averages and random seeds are not
    computed_in: str  # the dtype in which its layer computes with it, with mixed precision lower than its own


def is_layer(value: object, framework: str) -> bool:
    """Whether an object is a Keras layer or model that computes with a framework."""
    keras = _keras(framework)
    return keras is not None and isinstance(value, keras.Layer)


def is_variable(value: object, framework: str) -> bool:
    """Whether an object is a Keras variable that wraps one of a framework's tensors."""
    keras = _keras(framework)
    return keras is not None and isinstance(value, keras.Variable)


def is_keras(value: object, framework: str) -> bool:
    """Whether an object is a Keras layer, model or variable of a framework."""
    return is_layer(value, framework) or is_variable(value, framework)


def owners(leaves: Iterable[trees.Leaf], framework: str) -> list[Any]:
    """The Keras layers, models and variables among some leaves that compute with a framework."""
    return [leaf.value for leaf in leaves if is_keras(leaf.value, framework)]


def layers(value: Any) -> list[Any]:
    """A layer and those inside it; none for a variable."""
    # Protected: only of models, not of layers, does Keras tell the inner layers in public.
    return list(value._flatten_layers()) if isinstance(value, sys.modules["keras"].Layer) else []


def weights(value: Any) -> list[Weight]:
    """The variables of a layer, each once, by the names of the layers that lead to them; of a variable, itself."""
    if isinstance(value, sys.modules["keras"].Variable):
        return [Weight((), value, bool(value.trainable), value.dtype)]
    repeated: Counter[tuple[str, ...]] = Counter()
    # inner layers come later and have the last word on what is theirs
    computed_in = {id(variable): layer.compute_dtype for layer in layers(value) for variable in layer.variables}
    found = []
    for variable in value.variables:
        path = tuple(variable.path.split("/"))
        inner = path[1:] if path[0] == value.name and len(path) > 1 else path
        repeated[inner] += 1
        # Keras lets two layers of a model have one name; theta does not.
        unique = inner if repeated[inner] == 1 else (*inner, str(repeated[inner]))
        found.append(Weight(unique, variable, bool(variable.trainable), computed_in[id(variable)]))
    return found


def not_built(leaf: trees.Leaf) -> InvalidInputError:
    """The error for a layer or model without variables."""
    return InvalidInputError(
        f"`params`: the {type(leaf.value).__name__} `{leaf.name}` has no variables yet; "
        "build it by calling it once on an input before the check"
    )


def require_built(leaves: Iterable[trees.Leaf], framework: str) -> None:
    """Refuse a layer that has no variables yet."""
    for leaf in leaves:
        if is_layer(leaf.value, framework) and not weights(leaf.value):
            raise not_built(leaf)


def stateless(pairs: Iterable[tuple[Any, object]] | None) -> AbstractContextManager[object]:
    """A scope in which variables read as the values that they are paired with, and assignments do not outlast it.

    So running averages and random seeds are the same before every call. None means that there is no layer.
    """
    if pairs is None:
        return nullcontext()
    scope: AbstractContextManager[object] = sys.modules["keras"].StatelessScope(list(pairs), collect_losses=True)
    return scope


def _keras(framework: str) -> ModuleType | None:
    """Keras, where it is imported already and computes with the framework."""
    keras = sys.modules.get("keras")
    # while it is being imported it has no backend yet
    backend = None if keras is None else vars(keras).get("backend")
    return keras if backend is not None and backend.backend() == framework else None

"""Keras models that compute with JAX: no pytrees, but objects that read their values from Keras' variables."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, final

import gradcheck_keras
from gradcheck_core.protocol import trees

from .pytrees import Pytree


@final
class KerasModels:
    """The Keras variables behind the leaves of a structure.

    Attributes
    ----------
    tied : dict
        By position of a leaf whose variable stands before it already, why it is not checked once more.
    positions : frozenset of int
        Of the leaves that are a variable's value.
    """

    def __init__(self, pytree: Pytree) -> None:
        self._held: dict[int, Any] = {}
        self.tied: dict[int, str] = {}
        first: dict[int, trees.Leaf] = {}
        for position, (holder, leaf) in enumerate(zip(pytree.holders, pytree.leaves, strict=True)):
            if holder is None:
                continue
            if first.setdefault(id(holder), leaf) is leaf:
                self._held[position] = holder
            else:
                self.tied[position] = f"tied to {first[id(holder)].name}"
        self.positions = frozenset(self._held)

    def reading(self, leaves: Sequence[object]) -> AbstractContextManager[object]:
        """Where the variables read as the leaves at their positions, and what is assigned to them is lost."""
        pairs = [(variable, leaves[position]) for position, variable in self._held.items()]
        return gradcheck_keras.stateless(pairs or None)

    def place(self, position: int, value: object) -> None:
        """Let a leaf's variable have another value, until what was lent is given back."""
        if position in self._held:
            vars(self._held[position])["_value"] = value


def lend(loans: ExitStack, params: object, precision: str) -> None:
    """Note the values of the params' Keras variables, to be given back, and let their models compute in float64.

    Raises
    ------
    TypeError
        If float64 is asked for and a layer cannot be lent it.
    """
    owners = [leaf.value for leaf in trees.leaves(params) if gradcheck_keras.is_keras(leaf.value, "jax")]
    if owners and precision != "native":
        loans.enter_context(gradcheck_keras.computing_in_float64())
    for owner in owners:
        if precision == "float64":
            gradcheck_keras.lend_float64(loans, owner, lambda value: value)  # theta has the wide ones
            continue
        for weight in gradcheck_keras.weights(owner):
            gradcheck_keras.lend(loans, weight.variable, "_value", weight.variable.value)

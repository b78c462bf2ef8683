"""Keras models that compute with JAX. They are not pytrees: they read their values from Keras' variables."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import final

import gradcheck_keras
from gradcheck_core.protocol import trees
from gradcheck_core.protocol.host_theta import why_tied

from .pytrees import Pytree


@final
class KerasModels:
    """The Keras variables behind the leaves of a structure.

    `tied` says, by the position of a leaf whose variable was met before, why it is not checked again. `positions` are
    those of the leaves that are a variable's value.
    """

    def __init__(self, pytree: Pytree) -> None:
        seen: dict[int, str] = {}
        held = {i: (holder, pytree.leaves[i].name) for i, holder in enumerate(pytree.holders) if holder is not None}
        reasons = {position: why_tied(name, holder, seen) for position, (holder, name) in held.items()}
        self.tied = {position: reason for position, reason in reasons.items() if reason is not None}
        self._held = {position: holder for position, (holder, _) in held.items() if position not in self.tied}
        self.positions = frozenset(self._held)

    def read_from(self, leaves: Sequence[object]) -> AbstractContextManager[object]:
        """Let the variables read as the leaves at their positions; what is assigned to them is lost."""
        pairs = [(variable, leaves[position]) for position, variable in self._held.items()]
        return gradcheck_keras.stateless(pairs or None)

    def place(self, position: int, value: object) -> None:
        """Let a leaf's variable have another value, until what was lent is given back."""
        if position in self._held:
            vars(self._held[position])["_value"] = value


def lend(loans: ExitStack, params: object, precision: str) -> None:
    """Note the values of the params' Keras variables, to be given back, and let their models compute in float64."""
    owners = gradcheck_keras.owners(trees.leaves(params), "jax")
    if precision == "float64":
        gradcheck_keras.lend_float64(loans, owners, lambda value: value)  # theta has the wide ones
        return
    if owners and precision != "native":
        loans.enter_context(gradcheck_keras.compute_in_float64())
    for owner in owners:
        for weight in gradcheck_keras.weights(owner):
            gradcheck_keras.lend(loans, weight.variable, "_value", weight.variable.value)

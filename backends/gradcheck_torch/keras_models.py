"""Keras models that compute with PyTorch: their values are in Keras' variables, not in a module's registry."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch

import gradcheck_keras
from gradcheck_core.protocol import trees

from .widening import TO_FLOAT64

Held = list[tuple[Any, torch.Tensor]]
"""Keras' variables with the tensors that they wrap."""


def find_held(leaves: Iterable[trees.Leaf]) -> Held | None:
    """What the Keras models and variables among some leaves hold, or None if there are no such leaves."""
    owners = gradcheck_keras.owners(leaves, "torch")
    weights = [weight for owner in owners for weight in gradcheck_keras.weights(owner)]
    return [(weight.variable, weight.variable.value) for weight in weights] if owners else None


def read_from(substitutes: Mapping[int, torch.Tensor], held: Held | None) -> AbstractContextManager[object]:
    """Let Keras' variables read as other tensors, by the identity of their own; what is assigned to them is lost."""
    if held is None:
        return gradcheck_keras.stateless(None)
    # all of them: for its regularisation losses, Keras looks nowhere else
    return gradcheck_keras.stateless([(variable, substitutes.get(id(tensor), tensor)) for variable, tensor in held])


def lend_float64(loans: ExitStack, params: object) -> None:
    """Let every Keras model in the params compute in float64, and its variables have float64 tensors of their own."""
    gradcheck_keras.lend_float64(loans, gradcheck_keras.owners(trees.leaves(params), "torch"), _widen)


def _widen(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype not in TO_FLOAT64:
        return tensor
    return torch.nn.Parameter(tensor.detach().to(TO_FLOAT64[tensor.dtype]), requires_grad=tensor.requires_grad)

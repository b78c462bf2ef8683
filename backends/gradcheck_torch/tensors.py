"""Which tensors a structure holds, which of them are checked, and which cannot be."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

import gradcheck_keras
from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import trees
from gradcheck_core.protocol.host_theta import why_carried, why_tied

_NOT_INITIALISED = "`params`: `{}` is not initialised yet; call the module once on an input of the right shape first"


def named_tensors(leaves: Iterable[trees.Leaf]) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of a structure with their names, a module's by its own, a Keras model's by those of its layers."""
    for leaf in leaves:
        if gradcheck_keras.is_keras(leaf.value, "torch"):
            for weight in gradcheck_keras.weights(leaf.value):
                yield trees.join_path((*leaf.path, *weight.path)), weight.variable.value
        elif isinstance(leaf.value, torch.nn.Module):
            for name, tensor in leaf.value.named_parameters():
                yield trees.join_path((*leaf.path, name)), tensor
        elif isinstance(leaf.value, torch.Tensor):
            yield leaf.name, leaf.value


def is_torch(leaf: object) -> bool:
    """Whether an object is a tensor, a module, or a Keras variable that wraps a tensor."""
    return isinstance(leaf, torch.Tensor | torch.nn.Module) or gradcheck_keras.is_variable(leaf, "torch")


def tensor_of(leaf: Any) -> torch.Tensor:
    """The tensor that a leaf is, or that a Keras variable wraps."""
    tensor: torch.Tensor = leaf.value if gradcheck_keras.is_variable(leaf, "torch") else leaf
    return tensor


def take_copy(value: object, copies: dict[int, torch.Tensor]) -> object:
    """Parameters and modules as they are; a plain tensor as a copy, the same one wherever the tensor stands."""
    if not isinstance(value, torch.Tensor) or isinstance(value, torch.nn.Parameter):
        return value
    if id(value) not in copies:
        copies[id(value)] = value.detach().resolve_conj().clone().requires_grad_(value.requires_grad)
    return copies[id(value)]


def explain_carried(named: Sequence[tuple[str, torch.Tensor]]) -> list[str | None]:
    """For each tensor why it is handed on and not checked, or None if it is checked.

    Where some tensors require gradients, the others are frozen.
    """
    marked = any(tensor.requires_grad for _, tensor in named)
    seen: dict[int, str] = {}
    return [_explain(name, tensor, marked, seen) for name, tensor in named]


def _explain(name: str, tensor: torch.Tensor, marked: bool, seen: dict[int, str]) -> str | None:
    if isinstance(tensor, torch.nn.parameter.UninitializedParameter):
        raise InvalidInputError(_NOT_INITIALISED.format(name))
    if tensor.is_meta:
        msg = f"`params`: `{name}` is on the meta device, which holds no values; move the module with to_empty() first"
        raise InvalidInputError(msg)
    if tensor.is_inference():
        msg = (
            f"`params`: `{name}` was made in inference mode, so autograd cannot reach it; make it outside of that mode"
        )
        raise InvalidInputError(msg)
    if tensor.layout is not torch.strided:
        msg = f"`params`: `{name}` is {tensor.layout}; pass dense tensors"
        raise InvalidInputError(msg)
    frozen = marked and not tensor.requires_grad
    return why_tied(name, tensor, seen) or why_carried(name, dtype_name(tensor), tensor.numel(), frozen=frozen)


def require_memory_of_their_own(checked: Iterable[tuple[str, torch.Tensor]]) -> None:
    """Refuse parameters that cannot be perturbed one by one, since writing to one entry changes another."""
    holders: dict[int, str] = {}
    for name, tensor in checked:
        if any(size > 1 and stride == 0 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)):
            msg = f"`params`: several entries of the parameter `{name}` are one number in memory; clone() it"
            raise InvalidInputError(msg)
        holder = holders.setdefault(tensor.data_ptr(), name)
        if holder != name:
            msg = (
                f"`params`: `{name}` and `{holder}` are two parameters in the same memory, so that autograd gives each "
                "only its part of the derivative; tie them by assigning the same Parameter, not its .data"
            )
            raise InvalidInputError(msg)


def require_initialised_buffers(modules: Iterable[torch.nn.Module]) -> None:
    """Refuse buffers of lazy modules, which have no values to save."""
    for module in modules:
        for name, buffer in module.named_buffers():
            if isinstance(buffer, torch.nn.parameter.UninitializedBuffer):
                raise InvalidInputError(_NOT_INITIALISED.format(name))


def is_inexact(tensor: torch.Tensor) -> bool:
    """Whether a tensor is of a floating or complex dtype, so that a cost can be differentiated by it."""
    return tensor.is_floating_point() or tensor.is_complex()


def as_real(tensor: torch.Tensor) -> torch.Tensor:
    """A complex tensor as a real one with a last axis of two, over the same memory where it can be; else as it is."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def dtype_name(tensor: torch.Tensor) -> str:
    """The dtype as theta's layout names it, e.g. ``float32``."""
    return str(tensor.dtype).removeprefix("torch.")

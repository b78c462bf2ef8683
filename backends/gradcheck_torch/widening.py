"""A model evaluated in a wider dtype, float64 or complex128, without the user changing a line."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, final

import torch
from torch.overrides import TorchFunctionMode

import gradcheck_keras
from gradcheck_core.protocol import trees

Widths = Mapping[torch.dtype, torch.dtype]
"""From dtypes to the wider ones that take their place."""

TO_FLOAT64: Widths = {
    torch.float32: torch.float64,
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.complex64: torch.complex128,
}
TO_COMPLEX128: Widths = dict.fromkeys([*TO_FLOAT64, torch.float64], torch.complex128)

_CASTS = {torch.Tensor.float, torch.Tensor.half, torch.Tensor.bfloat16, torch.Tensor.double}
_DTYPE_OF = torch.Tensor.dtype.__get__  # type: ignore[attr-defined]


def widen(structure: object, widths: Widths) -> object:
    """A copy of a structure with its modules and tensors in the wider dtypes; what is tied stays tied."""
    memo: dict[int, Any] = {}
    copies = [_widen_leaf(leaf.value, widths, memo) for leaf in trees.leaves(structure)]
    return trees.rebuilder(structure)(iter(copies))


def _widen_leaf(value: object, widths: Widths, memo: dict[int, Any]) -> object:
    if gradcheck_keras.is_keras(value, "torch"):
        return value  # which was lent float64: a copy would be made by saving and loading it
    if isinstance(value, torch.nn.Module):
        # What `Module.to` does, without its warning about complex modules.
        return copy.deepcopy(value, memo)._apply(lambda tensor: tensor.to(widths.get(tensor.dtype, tensor.dtype)))
    if isinstance(value, torch.Tensor) and value.dtype in widths and value.layout is torch.strided:
        if id(value) not in memo:
            wide = value.detach().to(widths[value.dtype])
            kept = torch.nn.Parameter(wide) if isinstance(value, torch.nn.Parameter) else wide
            memo[id(value)] = kept.requires_grad_(value.requires_grad)
        return memo[id(value)]
    return value


def promote(cost: Callable[..., object], widths: Widths) -> Callable[..., object]:
    """The cost with every operation that mixes a wide dtype with ones to be widened done in the wide one."""

    def call_promoted(*arguments: object) -> object:
        with _Promotion(widths):
            return cost(*arguments)

    return call_promoted


@final
class _Promotion(TorchFunctionMode):
    """Promotes where dtypes mix, e.g. with data that the cost closes over, and turns casts down into the wide dtype."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self._widths = widths
        self._wide = frozenset(widths.values())

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in _CASTS:
            return self._promote(args[0])
        if function == _DTYPE_OF:  # so that a module which compares dtypes does not refuse what would be promoted
            own = function(*args)
            wide = self._widths.get(own, own)
            return wide if wide.is_complex == own.is_complex else own
        leaves = trees.leaves([list(args), kwargs])
        mixed = any(isinstance(leaf.value, torch.Tensor) and leaf.value.dtype in self._wide for leaf in leaves)
        if not mixed or _writes_in_place(function, kwargs):
            return function(*args, **kwargs)
        rebuilt: Any = trees.rebuilder([list(args), kwargs])(iter(self._promote(leaf.value) for leaf in leaves))
        return function(*rebuilt[0], **rebuilt[1])

    def _promote(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(self._widths.get(value.dtype, value.dtype))
        return self._widths.get(value, value) if isinstance(value, torch.dtype) else value


def _writes_in_place(function: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a function writes into its first argument, which a promoted copy would hide from the cost."""
    name = getattr(function, "__name__", "")
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) or kwargs.get("out") is not None

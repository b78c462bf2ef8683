"""A float32, float16 or bfloat16 model evaluated in float64, without the user changing a line."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, final

import torch
from torch.overrides import TorchFunctionMode

from gradcheck_core import trees

_LOWER = (torch.float32, torch.float16, torch.bfloat16)
_CASTS = {torch.Tensor.float, torch.Tensor.half, torch.Tensor.bfloat16}


def any_lower(tensors: Iterable[torch.Tensor]) -> bool:
    """Whether a tensor has a floating dtype below float64."""
    return any(tensor.dtype in _LOWER for tensor in tensors)


def widened(structure: object) -> object:
    """A copy of a structure with its modules and floating tensors in float64; what is tied stays tied."""
    memo: dict[int, Any] = {}
    copies = [_widened(leaf.value, memo) for leaf in trees.leaves(structure)]
    return trees.rebuilder(structure)(iter(copies))


def _widened(value: object, memo: dict[int, Any]) -> object:
    if isinstance(value, torch.nn.Module):
        return copy.deepcopy(value, memo).double()
    if isinstance(value, torch.Tensor) and value.dtype in _LOWER and value.layout is torch.strided:
        if id(value) not in memo:
            wide = value.detach().double()
            kept = torch.nn.Parameter(wide) if isinstance(value, torch.nn.Parameter) else wide
            memo[id(value)] = kept.requires_grad_(value.requires_grad)
        return memo[id(value)]
    return value


def promoting(cost: Callable[..., object]) -> Callable[..., object]:
    """The cost with every operation that mixes float64 and lower floating tensors done in float64."""

    def promoted(*arguments: object) -> object:
        with _Promotion():
            return cost(*arguments)

    return promoted


@final
class _Promotion(TorchFunctionMode):
    """Promotes where dtypes mix, e.g. with data that the cost closes over, and turns casts down into float64."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in _CASTS:
            return args[0].double()
        leaves = trees.leaves([list(args), kwargs])
        wide = any(isinstance(leaf.value, torch.Tensor) and leaf.value.dtype is torch.float64 for leaf in leaves)
        if not wide or _writes_in_place(function, kwargs):
            return function(*args, **kwargs)
        rebuilt: Any = trees.rebuilder([list(args), kwargs])(iter(_promoted(leaf.value) for leaf in leaves))
        return function(*rebuilt[0], **rebuilt[1])


def _promoted(value: object) -> object:
    if isinstance(value, torch.Tensor) and value.dtype in _LOWER:
        return value.double()
    return torch.float64 if isinstance(value, torch.dtype) and value in _LOWER else value


def _writes_in_place(function: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a function writes into its first argument, which a promoted copy would hide from the cost."""
    name = getattr(function, "__name__", "")
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) or kwargs.get("out") is not None

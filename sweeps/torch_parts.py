"""What of a tensor is differentiated by: all of it, some evenly spread entries, the finite ones, the stored ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch


@final
@dataclass(frozen=True)
class Part:
    """The entries of a tensor that are checked, and how the tensor is rebuilt from new values of them."""

    values: torch.Tensor
    rebuilt: Callable[[torch.Tensor], torch.Tensor]


def part_of(tensor: torch.Tensor, count: int | None = None) -> Part:
    """What can be checked of a tensor: entries that are stored and finite, at most `count` of them."""
    if tensor.layout is torch.sparse_csr:
        rows, columns, shape = tensor.crow_indices(), tensor.col_indices(), tensor.shape
        values = tensor.values().detach().requires_grad_()
        return Part(values, lambda new: torch.sparse_csr_tensor(rows, columns, new, shape, check_invariants=True))
    flat = tensor.detach().reshape(-1)
    entries = flat.isfinite().nonzero().reshape(-1)
    if count is not None and count < entries.numel():
        entries = entries[torch.linspace(0, entries.numel() - 1, count).long()]
    if entries.numel() == flat.numel():
        return Part(tensor, lambda new: new)
    return Part(flat[entries].requires_grad_(), lambda new: flat.index_copy(0, entries, new).view(tensor.shape))

"""The tensors that a cost returns, contracted to one with the weights that the core gives."""

import torch

from gradcheck_core.protocol import Weigh
from gradcheck_core.protocol.outputs import floating_tensors

from .tensors import as_real, is_inexact


def sum_weighted(returned: object, weigh: Weigh, dtype: torch.dtype | None = None) -> torch.Tensor:
    """The weighted sum, a float64 scalar; products are in this dtype, or in that of each output."""
    found = floating_tensors(returned, "autograd", (torch.Tensor,), torch.as_tensor, is_inexact)
    real = [as_real(output) for output in found]
    outputs = real if dtype is None else [output.to(dtype) for output in real]
    summed = torch.zeros((), dtype=torch.float64)
    for output, weight in zip(outputs, weigh([tuple(output.shape) for output in outputs]), strict=True):
        summed = summed + (output * torch.from_numpy(weight).to(output)).sum().to(summed)
    return summed

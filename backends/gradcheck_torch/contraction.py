"""The tensors that a cost returns, contracted to one with the weights that the core gives."""

import torch

from gradcheck_core.protocol import Weigh
from gradcheck_core.protocol.outputs import floating_tensors

from .tensors import as_real, is_inexact


def sum_weighted(returned: object, weigh: Weigh) -> torch.Tensor:
    """The weighted sum, a float64 scalar that autograd can differentiate.

    Raises
    ------
    InvalidInputError
        If the cost returned no floating tensor.
    """
    summed = torch.zeros((), dtype=torch.float64)
    for output, weight in _weighted(returned, weigh):
        summed = summed + (output * weight.to(output)).sum().to(summed)
    return summed


def sum_in_float64(returned: object, weigh: Weigh) -> torch.Tensor:
    """The weighted sum as the core computes it of the values: every product in float64.

    Raises
    ------
    InvalidInputError
        If the cost returned no floating tensor.
    """
    pairs = _weighted(returned, weigh)
    products = [(output.to(torch.float64) * weight.to(output.device)).sum().to("cpu") for output, weight in pairs]
    return torch.stack(products).sum()


def _weighted(returned: object, weigh: Weigh) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The floating outputs, complex ones as real, each with its weights."""
    found = floating_tensors(returned, "autograd", (torch.Tensor,), torch.as_tensor, is_inexact)
    outputs = [as_real(output) for output in found]
    weights = weigh([tuple(output.shape) for output in outputs])
    return [(output, torch.from_numpy(weight)) for output, weight in zip(outputs, weights, strict=True)]

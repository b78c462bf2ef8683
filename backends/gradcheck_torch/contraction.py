"""The tensors that a cost returns, contracted to one with the weights that the core gives."""

import numpy as np
import torch

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import Weigh, trees

from .tensors import as_real, is_inexact


def total(returned: object, weigh: Weigh) -> torch.Tensor:
    """The weighted sum, a float64 scalar that autograd can go back from.

    Raises
    ------
    InvalidInputError
        If the cost returned no floating tensor.
    """
    outputs = _outputs(returned)
    summed = torch.zeros((), dtype=torch.float64)
    for output, weight in zip(outputs, weigh([tuple(output.shape) for output in outputs]), strict=True):
        summed = summed + (output * torch.from_numpy(weight).to(output)).sum().to(summed)
    return summed


def float64_total(returned: object, weigh: Weigh) -> torch.Tensor:
    """The weighted sum as the core computes it of the values: every product in float64.

    Raises
    ------
    InvalidInputError
        If the cost returned no floating tensor.
    """
    outputs = _outputs(returned)
    weights = weigh([tuple(output.shape) for output in outputs])
    products = [
        (output.to(torch.float64) * torch.from_numpy(weight).to(output.device)).sum().to("cpu")
        for output, weight in zip(outputs, weights, strict=True)
    ]
    return torch.stack(products).sum()


def _outputs(returned: object) -> list[torch.Tensor]:
    """What is floating among the things returned, complex as real; numbers of Python's and NumPy's too."""
    leaves = [leaf.value for leaf in trees.leaves(returned)]
    if not any(isinstance(value, torch.Tensor) and is_inexact(value) for value in leaves):
        msg = (
            f"`cost` returned {type(returned).__name__}, from which autograd cannot go back; return the tensor "
            "(without .item(), float() or .numpy()), or pass `grads`"
        )
        raise InvalidInputError(msg)
    numbers = (float, complex, np.ndarray, np.generic)
    tensors = (torch.as_tensor(np.asarray(value)) if isinstance(value, numbers) else value for value in leaves)
    return [as_real(value) for value in tensors if isinstance(value, torch.Tensor) and is_inexact(value)]

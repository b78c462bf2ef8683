"""The demonstration network as a PyTorch user would write it."""

import numpy as np
import numpy.typing as npt
import torch

from gradcheck_core import GradientCase

Array = npt.NDArray[np.float64]


def softmax_case(params: dict[str, Array], features: Array, labels: Array) -> GradientCase:
    """A `torch.nn.Module` with these parameters, and its cross-entropy on the data."""
    model = torch.nn.Sequential(
        torch.nn.Linear(*params["W1"].shape), torch.nn.Tanh(), torch.nn.Linear(*params["W2"].shape)
    ).double()
    names = {"0.weight": params["W1"].T, "0.bias": params["b1"], "2.weight": params["W2"].T, "2.bias": params["b2"]}
    model.load_state_dict({name: torch.tensor(array) for name, array in names.items()})
    return GradientCase(_cost, model, args=(torch.tensor(features), torch.tensor(labels)), name="torch")


def _cost(model: torch.nn.Module, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(model(features), labels)

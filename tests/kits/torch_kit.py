import numpy as np
import torch

from gradcheck_core.testing import Kit
from gradcheck_torch.causes import find_alterations


def _array(values, dtype="float64"):
    return torch.tensor(np.asarray(values), dtype=getattr(torch, dtype))


def _overwrite(tensor, value):
    with torch.no_grad():
        tensor.fill_(value)


KIT = Kit(
    name="torch",
    array=_array,
    constant=_array,
    value=lambda tensor: tensor.detach().double().numpy(),
    sum=torch.sum,
    sin=torch.sin,
    tanh=torch.tanh,
    matmul=torch.matmul,
    overwrite=_overwrite,
    draw=lambda: torch.rand(()),
    gelu=torch.nn.functional.gelu,
    alterations=find_alterations,
)

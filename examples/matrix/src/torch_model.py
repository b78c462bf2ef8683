"""The classifier in PyTorch, whose layers keep their kernels transposed."""

import torch
from torch import nn

from gradcheck_core import GradientCase
from weights import HIDDEN_BIAS, HIDDEN_KERNEL, LABELS, OUTPUT_BIAS, OUTPUT_KERNEL, X


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 3)
        self.output = nn.Linear(3, 2)

    def forward(self, x):
        return self.output(torch.tanh(self.hidden(x)))


def cost(model, x, labels):
    return nn.functional.cross_entropy(model(x), labels)


def case():
    model = Classifier().double()
    weights = {
        "hidden.weight": HIDDEN_KERNEL.T,
        "hidden.bias": HIDDEN_BIAS,
        "output.weight": OUTPUT_KERNEL.T,
        "output.bias": OUTPUT_BIAS,
    }
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    return GradientCase(cost, model, args=(torch.tensor(X), torch.tensor(LABELS)), name="PyTorch")

"""The classifier of `broken_migrations` in PyTorch."""

import numpy as np
import torch
from broken_migrations import BATCH, CHANNELS, EPSILON, FILTERS, HIDDEN, OPTIONS, OUTPUTS, RATE
from torch import nn
from torch.nn import functional

from gradcheck_core import GradientCase


def _tensor(array):
    return torch.from_numpy(np.array(array, order="C"))


class Net(nn.Module):
    def __init__(self, drawn, mistakes):
        super().__init__()
        self.mistakes = mistakes
        self.conv = nn.Conv2d(CHANNELS, FILTERS, 3, stride=2, padding=1 if mistakes.padding else 0)
        self.norm = nn.BatchNorm2d(FILTERS, eps=1e-3 if mistakes.epsilon else EPSILON)
        self.gelu = nn.GELU("tanh" if mistakes.gelu else "none")
        self.dense = nn.Linear(drawn.dense.shape[0], HIDDEN)
        self.square = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.drop = nn.Dropout(RATE)
        self.out = nn.Linear(HIDDEN, OUTPUTS, bias=False)
        state = {
            "conv.weight": drawn.conv.transpose(3, 2, 0, 1),
            "conv.bias": drawn.conv_bias,
            "norm.weight": drawn.gain,
            "norm.bias": drawn.shift,
            "norm.running_mean": drawn.mean,
            "norm.running_var": drawn.variance,
            "dense.weight": drawn.dense.T,
            "dense.bias": drawn.dense_bias,
            "square.weight": drawn.square.T,
            "out.weight": drawn.out.T,
        }
        self.double().load_state_dict({name: _tensor(value) for name, value in state.items()}, strict=False)
        self.norm.train(mistakes.mode)
        self.drop.train(mistakes.dropout)

    def forward(self, images):
        padded = images if self.mistakes.padding else functional.pad(images, (0, 1, 0, 1))
        maps = self.gelu(self.norm(self.conv(padded)))
        flat = (maps if self.mistakes.flatten_order else maps.permute(0, 2, 3, 1)).flatten(1)
        hidden = self.square(torch.tanh(self.dense(flat)))
        if self.mistakes.dtype:
            hidden = hidden.bfloat16().double()
        bent = functional.softsign(hidden) if self.mistakes.unknown_activation else torch.tanh(hidden)
        return self.out(self.drop(bent))


def case(drawn, mistakes):
    images = _tensor(np.moveaxis(drawn.images, -1, 1))

    def cost(model, images):
        squares = model(images) ** 2
        total = squares.sum() if mistakes.reduction else squares.mean()
        return total + 0.1 * (model.out.weight**2).sum() if mistakes.unknown_penalty else total

    assert images.shape[0] == BATCH
    return GradientCase(cost, Net(drawn, mistakes), args=(images,), options=OPTIONS)

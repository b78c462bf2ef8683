"""The original, in PyTorch."""

import torch
from torch import nn

from gradcheck_core import GradientCase
from task import CHANNELS, CLASSES, FEATURES, UNITS, WIDTH, recordings


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(CHANNELS, FEATURES, WIDTH)
        self.lstm = nn.LSTM(FEATURES, UNITS, batch_first=True)
        self.dense = nn.Linear(UNITS, CLASSES)

    def forward(self, x):
        features = torch.tanh(self.conv(x.mT))  # Conv1d wants time last, the LSTM wants it in the middle
        outputs, _ = self.lstm(features.mT)
        return self.dense(outputs[:, -1])


def cost(model, x, labels):
    return nn.functional.cross_entropy(model(x), labels)


def case():
    torch.manual_seed(0)
    x, labels = recordings()
    return GradientCase(cost, Classifier().double(), args=(torch.tensor(x), torch.tensor(labels)), name="PyTorch")

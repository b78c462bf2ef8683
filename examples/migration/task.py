"""The task: how often does a point go round the circle: once, twice or three times?"""

from pathlib import Path

import numpy as np

ORIGINAL = Path(__file__).with_name("original.safetensors")
"""The snapshot of the original, from which the ports take their weights; no PyTorch is needed to read it."""

CHANNELS, WIDTH, FEATURES, UNITS, CLASSES = 2, 3, 4, 5, 3
"""The model: a convolution over time, WIDTH steps wide, tanh, an LSTM, and a dense layer on its last state."""


def recordings(count=8, steps=10):
    """Noisy tracks, float64 of shape (count, steps, CHANNELS), and how often each goes round, counted from 0."""
    generator = np.random.default_rng(1997)
    labels = np.arange(count) % CLASSES
    turns = np.linspace(0, 1, steps) * (labels[:, None] + 1) + generator.uniform(size=(count, 1))
    circle = np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=-1)
    return circle + generator.normal(scale=0.1, size=circle.shape), labels

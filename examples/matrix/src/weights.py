"""What is the same in every framework: the weights and the data of a small classifier, as NumPy arrays."""

import numpy as np

HIDDEN_KERNEL = np.array([[0.5, -0.25, 0.75], [-1.0, 0.5, 0.125], [0.25, 1.0, -0.5], [0.375, -0.75, 0.625]])
HIDDEN_BIAS = np.array([0.125, -0.5, 0.25])
OUTPUT_KERNEL = np.array([[1.0, -0.5], [-0.75, 0.25], [0.5, 0.875]])
OUTPUT_BIAS = np.array([0.25, -0.125])
X = np.array([[1.0, 0.5, -0.5, 2.0], [-1.5, 0.25, 1.0, 0.0], [0.75, -1.0, 0.5, -0.25]])
LABELS = np.array([0, 1, 1])

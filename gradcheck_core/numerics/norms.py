"""Sizes of vectors whose entries may lie anywhere in the range of float64."""

import math
from typing import final

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]
"""One-dimensional float64 array."""

_SAFE = 1e-200
"""Squares down to which, and up to the inverse of which, a sum of squares loses nothing."""


def norm(vector: FloatVector) -> float:
    """The Euclidean norm, without overflow or underflow on the way; NaN counts as infinite."""
    squared = float(np.einsum("i,i", vector, vector))  # no copy, and no threads: the vector may be all of theta
    if _SAFE < squared < 1 / _SAFE:
        return math.sqrt(squared)
    largest = float(np.max(np.abs(vector), initial=0.0))
    if not np.isfinite(largest):
        return float("inf")
    return largest * float(np.linalg.norm(vector / largest)) if largest > 0 else 0.0


@final
class Budget:
    """Evaluations that may still be spent on probing."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        """These were used."""
        self.left -= count

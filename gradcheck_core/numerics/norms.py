"""Vectors: their norms, anywhere in the range of float64, and rows of plain numbers; a budget of evaluations."""

import math
from typing import cast, final

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]
"""One-dimensional float64 array."""

Row = tuple[float, ...]
"""A vector as a record keeps it."""

_SAFE = 1e-200
"""A sum of squares between this and its inverse has neither overflowed nor lost anything to underflow."""


def row(vector: FloatVector) -> Row:
    """A vector as plain numbers."""
    return cast("Row", tuple(vector.tolist()))


def norm(vector: FloatVector) -> float:
    """The Euclidean norm, without overflow or underflow on the way; infinite if an entry is NaN."""
    squared = float(np.einsum("i,i", vector, vector))  # no copy and no threads: it may be all of theta
    if _SAFE < squared < 1 / _SAFE:
        return math.sqrt(squared)
    largest = float(np.max(np.abs(vector), initial=0.0))
    if not np.isfinite(largest):
        return float("inf")
    return largest * float(np.linalg.norm(vector / largest)) if largest > 0 else 0.0


def largest_finite(*vectors: FloatVector) -> float:
    """The largest absolute value of all finite entries; NaN where none is finite.

    Examples
    --------
    >>> largest_finite(np.array([1.0, np.inf]), np.array([-2.0, np.nan]))
    2.0
    """
    sizes = np.abs(np.concatenate(vectors))
    return float(np.max(sizes[np.isfinite(sizes)], initial=-np.inf)) if np.isfinite(sizes).any() else math.nan


@final
class Budget:
    """Evaluations that may still be spent on probing."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        """Subtract evaluations that were made."""
        self.left -= count

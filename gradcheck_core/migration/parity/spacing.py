"""How far apart the numbers of a dtype lie, entry by entry: what rounding to it can change, and no more."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from ...protocol.outputs import roundoff_of

Array = npt.NDArray[Any]

_SMALLEST_NORMALS = {"float64": 2.0**-1022, "complex128": 2.0**-1022, "float16": 2.0**-14}
"""Below them the numbers of a dtype lie no closer; float32 and bfloat16 have float32's."""

_FLOAT32_SMALLEST = 2.0**-126
"""Also what frameworks make zero of, where they do not compute with subnormals."""


def spacing(sizes: Array, dtype: str) -> npt.NDArray[np.float64]:
    """The distance between neighbours of a dtype, by its name, at numbers of these sizes."""
    normal = np.maximum(np.abs(sizes), _smallest_normal(dtype))
    return np.maximum(2 * roundoff_of(dtype) * 2.0 ** (np.frexp(normal)[1] - 1), _FLOAT32_SMALLEST)


def beyond_rounding(one: Array, other: Array, sizes: Array, dtype: str) -> npt.NDArray[np.bool_]:
    """Where two arrays are apart by more than one spacing of a dtype; what is not finite on both sides is left out.

    Parameters
    ----------
    one, other : numpy.ndarray
        Of one shape.
    sizes : numpy.ndarray
        Of the numbers that were rounded, where they are larger than what they add up to.
    dtype : str
        The coarser of both.
    """
    known = np.isfinite(one) & np.isfinite(other)
    here, there = np.where(known, one, 0), np.where(known, other, 0)
    largest = np.maximum(np.maximum(np.abs(here), np.abs(there)), np.where(known, sizes, 0))
    beyond: npt.NDArray[np.bool_] = np.abs(here - there) > spacing(largest, dtype)
    return beyond


def _smallest_normal(dtype: str) -> float:
    exponent = re.match(r"float8_e(\d+)", dtype)
    return 2.0 ** (2 - 2 ** (int(exponent[1]) - 1)) if exponent else _SMALLEST_NORMALS.get(dtype, _FLOAT32_SMALLEST)

"""Random directions of theta, each through some of its parameters."""

from collections.abc import Mapping

import numpy as np

from .norms import FloatVector
from .steps import scales

_MOST = 8
"""Directions; along each a check makes some 16 to 25 evaluations."""


def directions_through(
    parameters: Mapping[int, FloatVector], generator: np.random.Generator, most: int = _MOST
) -> list[dict[int, FloatVector]]:
    """Draw random directions that together move every parameter: one for each, shared by several where there are many.

    Parameters and directions are given by position; a direction's entries are plus or minus 0.5 to 1 times the scale of
    theta's.

    Examples
    --------
    >>> ones = {i: np.ones(2) for i in range(3)}
    >>> [sorted(direction) for direction in directions_through(ones, np.random.default_rng(0), most=2)]
    [[0, 2], [1]]
    """
    count = min(most, len(parameters))
    positions = sorted(parameters)
    return [
        {
            i: scales(parameters[i])
            * generator.choice([-1.0, 1.0], size=parameters[i].size)
            * generator.uniform(0.5, 1.0, size=parameters[i].size)
            for i in positions[start::count]
        }
        for start in range(count)
    ]

"""Random directions of theta, each through some of its parameters."""

from collections.abc import Mapping

import numpy as np

from .norms import FloatVector
from .steps import scales


def directions_through(
    parameters: Mapping[int, FloatVector], most: int, generator: np.random.Generator
) -> list[dict[int, FloatVector]]:
    """Draw random directions that together move every parameter: one for each, but at most `most`.

    Parameters
    ----------
    parameters : mapping
        The present entries of each parameter by its position, float64.
    most : int
        With more parameters than this a direction goes through several of them.
    generator : numpy.random.Generator
        Draws signs and sizes.

    Returns
    -------
    list of dict
        The entries of each direction by position, each plus or minus 0.5 to 1 times the scale of theta's entry.

    Examples
    --------
    >>> ones = {i: np.ones(2) for i in range(3)}
    >>> [sorted(direction) for direction in directions_through(ones, 2, np.random.default_rng(0))]
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

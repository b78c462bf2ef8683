"""Random directions of theta, each through a few parameters."""

from collections.abc import Mapping

import numpy as np

from .norms import FloatVector
from .steps import scales


def directions_through(
    parameters: Mapping[int, FloatVector], most: int, generator: np.random.Generator
) -> list[dict[int, FloatVector]]:
    """Random directions that together move every parameter, one for each where there are no more than `most`.

    Parameters
    ----------
    parameters : mapping
        By position, the present entries of each parameter, float64.
    most : int
        With more parameters than this, every direction goes through several of them.
    generator : numpy.random.Generator
        Draws signs and sizes.

    Returns
    -------
    list of dict
        By position, the direction's entries: each plus or minus 0.5 to 1 times the entry's scale.

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

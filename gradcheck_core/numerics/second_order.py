"""The derivative of a gradient along a line, entry by entry: a Hessian-vector product by differences."""

import functools
from collections.abc import Callable
from functools import partial

import numpy as np

from .coordinates import BACKWARD_NOISE, THETA_ROUNDINGS, Derivatives
from .ladder import STEPS_ALONG_A_LINE, along_line
from .noise import MOST_EVALUATIONS, estimate_noise
from .norms import FloatVector
from .steps import first_step


def derivative_of_gradient(line: Callable[[float], FloatVector], gradient: FloatVector, roundoff: float) -> Derivatives:
    """Differentiate every entry of a gradient along one line.

    Each entry is a function of one variable, so that noise, steps, kinks and jumps are found as for one coordinate of a
    cost. All entries share the evaluations: 9 for the noise and 16 for the differences, more only if the gradient is
    computed in a lower precision than the parameters have.

    Parameters
    ----------
    line : callable
        The gradient at ``theta + t * direction``, float64 of shape ``(n,)``, a function of the dimensionless t. The
        direction has to be in proportion to the scale of theta.
    gradient : numpy.ndarray
        The gradient at theta.
    roundoff : float
        Unit roundoff of the precision theta is held in, relative.

    References
    ----------
    B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6 (1994), section 2: the product as
    the derivative of the gradient along a direction, and why a plain difference of gradients is its check.

    Examples
    --------
    >>> along = derivative_of_gradient(lambda t: np.array([np.sin(1 + t), 2 * t]), np.array([np.sin(1), 0]), 2.0**-53)
    >>> bool(np.all(np.abs(along.lower - [np.cos(1), 2]) <= along.error))
    True
    """
    once = functools.cache(line)

    def entry(t: float, i: int) -> float:
        return float(once(t)[i])

    most = MOST_EVALUATIONS // 2
    noise = [estimate_noise(partial(entry, i=i), float(at), roundoff, most=most).level for i, at in enumerate(gradient)]
    first = first_step(float(np.median(noise)), float(np.median(np.abs(gradient))), roundoff)
    steps = first * STEPS_ALONG_A_LINE
    plus = np.array([once(float(t)) for t in steps]) - gradient
    minus = np.array([once(float(-t)) for t in steps]) - gradient
    measured = [
        along_line(steps, plus[:, i], minus[:, i], noise[i], roundoff, THETA_ROUNDINGS * roundoff)
        for i in range(gradient.size)
    ]
    columns = np.array(measured, dtype=np.float64).reshape(-1, 3).T
    return Derivatives(*columns).no_better_than(BACKWARD_NOISE * np.array(noise))

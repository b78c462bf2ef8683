"""How far to move a coordinate."""

import numpy as np

from ..protocol import FloatVector


def default_steps(theta: FloatVector, roundoff: float) -> FloatVector:
    """Steps for central differences from the precision of the cost and the scale of one parameter.

    ``h_i = (2 u)**(1/3) * max(|theta_i|, rms(theta))``, with scale 1 where the parameter is all zeros. The cube root
    balances the truncation error, of order ``h**2``, against the rounding error ``u |J| / h``.

    Parameters
    ----------
    theta : numpy.ndarray
        float64, the entries of one parameter.
    roundoff : float
        Unit roundoff u of the precision in which the cost runs, relative.

    Returns
    -------
    numpy.ndarray
        float64, the steps, absolute, of theta's shape.

    References
    ----------
    J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition, 2006, section 8.1.

    Examples
    --------
    >>> default_steps(np.array([0.0, 2.0]), roundoff=2.0**-53).round(8)
    array([8.56e-06, 1.211e-05])
    """
    rms = float(np.sqrt(np.mean(np.square(theta)))) or 1.0
    return float(np.cbrt(2 * roundoff)) * np.maximum(np.abs(theta), rms)

"""What a few random directions say about a whole gradient, and with which confidence."""

import math
from collections.abc import Sequence

from .draws import COARSENESS

_PER_DECADE = 2
"""Directions for each factor 10 of confidence: the bound is then three times what was seen, and twice with more."""


def first_look(alpha: float) -> int:
    """How many directions are drawn before anything is decided, where the chance to be wrong may be alpha.

    Examples
    --------
    >>> first_look(0.001), first_look(0.1)
    (7, 3)
    """
    return math.ceil(_PER_DECADE * math.log10(2 / alpha))


def share(alpha: float, look: int) -> float:
    """The part of alpha that a look may spend: a half for the first, a quarter for the second, and so on.

    Looking and then drawing more are several chances to be wrong; these add up to alpha, however often.
    """
    return math.ldexp(alpha, -look - 1)


def upper_bound(seen: Sequence[float], errors: Sequence[float], alpha: float) -> float:
    """What ``||x||`` is at most, but for a chance of alpha.

    Of each direction v, with independent entries uniform on ``[-sqrt 3, sqrt 3]``, ``v . x`` was measured. Its density
    over ``||x||`` is symmetric, unimodal and at 0 at most ``1 / sqrt 6``, since no central section of the unit cube is
    larger than ``sqrt 2``. So ``|v . x| <= t ||x||`` has probability at most ``t sqrt(2/3)``, for every x and n, and
    that it happens in all k directions at most ``(t sqrt(2/3))**k``.

    Parameters
    ----------
    seen, errors : sequence of float
        ``v . x`` by direction and how far off each may be, absolute.
    alpha : float
        The chance to be wrong.

    References
    ----------
    K. Ball, Cube slicing in R^n, Proc. AMS 97 (1986) 465-473, theorem.

    Examples
    --------
    >>> round(upper_bound([0.1, -0.3], [0.0, 0.0], 0.01), 2)
    2.45
    """
    t = math.pow(alpha, 1 / len(seen)) * math.sqrt(3 / 2) * (1 - COARSENESS)
    return max(abs(value) + error for value, error in zip(seen, errors, strict=True)) / t


def lower_bound(seen: Sequence[float], errors: Sequence[float], alpha: float) -> float:
    """What ``||x||`` is at least, but for a chance of alpha; 0 where the error bars explain what was seen.

    ``v . x`` is sub-Gaussian with variance proxy ``||x||**2``, as each entry of v is with 1: so
    ``|v . x| > u ||x||`` has probability at most ``2 exp(-u**2 / 2)``.

    Parameters
    ----------
    seen, errors, alpha
        As of `upper_bound`.

    References
    ----------
    J. Arbel, O. Marchal and H. D. Nguyen, On strict sub-Gaussianity, optimal proxy variance and symmetry for bounded
    random variables, ESAIM: Probability and Statistics 24 (2020), section 2: the uniform is strictly sub-Gaussian.

    Examples
    --------
    >>> round(lower_bound([0.1, -0.3], [0.0, 0.0], 0.01), 2)
    0.09
    """
    u = math.sqrt(2 * math.log(2 * len(seen) / alpha))
    return max(0.0, max(abs(value) - error for value, error in zip(seen, errors, strict=True)) / u)

"""What a few random directions say about the error of a whole gradient, and with which confidence."""

import math
from collections.abc import Sequence

from .draws import COARSENESS

_PER_DECADE = 2
"""This many directions are drawn for each factor 10 of confidence, with which the bound is about three times what was
seen. Many more would only lower it to twice that."""


def count_first_directions(alpha: float) -> int:
    """Count the directions to draw before anything is decided, if the chance to be wrong may be alpha.

    Examples
    --------
    >>> count_first_directions(0.001), count_first_directions(0.1)
    (7, 3)
    """
    return math.ceil(_PER_DECADE * math.log10(2 / alpha))


def share_alpha(alpha: float, look: int) -> float:
    """The part of alpha that a look may spend: half for the first, a quarter for the second, and so on.

    To look, and then to draw more and look again, is to have several chances to be wrong. Together they stay below
    alpha, however many looks there are.
    """
    return math.ldexp(alpha, -look - 1)


def bound_above(seen: Sequence[float], errors: Sequence[float], alpha: float) -> float:
    """Bound ``||x||`` from above; the bound is wrong with a chance of at most alpha.

    ``v . x`` was measured for each direction v, whose entries are independent and uniform on ``[-sqrt 3, sqrt 3]``. The
    density of ``v . x / ||x||`` is symmetric and unimodal, and at most ``1 / sqrt 6`` at 0, since no central section of
    the unit cube is larger than ``sqrt 2``. So ``|v . x| <= t ||x||`` has a probability of at most ``t sqrt(2/3)``, for
    every x and n, and in all k directions together one of at most ``(t sqrt(2/3))**k``.

    Parameters
    ----------
    seen, errors : sequence of float
        ``v . x`` for each direction, and how far off it may be, absolute.
    alpha : float
        The chance to be wrong.

    References
    ----------
    K. Ball, Cube slicing in R^n, Proc. AMS 97 (1986) 465-473, theorem.

    Examples
    --------
    >>> round(bound_above([0.1, -0.3], [0.0, 0.0], 0.01), 2)
    2.45
    """
    t = math.pow(alpha, 1 / len(seen)) * math.sqrt(3 / 2) * (1 - COARSENESS)
    return max(abs(value) + error for value, error in zip(seen, errors, strict=True)) / t


def bound_below(seen: Sequence[float], errors: Sequence[float], alpha: float) -> float:
    """Bound ``||x||`` from below; the bound is wrong with a chance of at most alpha, and 0 if error bars explain all.

    Each entry of v is sub-Gaussian with variance proxy 1, so ``v . x`` is with ``||x||**2``, and
    ``|v . x| > u ||x||`` has a probability of at most ``2 exp(-u**2 / 2)``.

    Parameters
    ----------
    seen, errors, alpha
        As for `bound_above`.

    References
    ----------
    J. Arbel, O. Marchal and H. D. Nguyen, On strict sub-Gaussianity, optimal proxy variance and symmetry for bounded
    random variables, ESAIM: Probability and Statistics 24 (2020), section 2: the uniform is strictly sub-Gaussian.

    Examples
    --------
    >>> round(bound_below([0.1, -0.3], [0.0, 0.0], 0.01), 2)
    0.09
    """
    u = math.sqrt(2 * math.log(2 * len(seen) / alpha))
    return max(0.0, max(abs(value) - error for value, error in zip(seen, errors, strict=True)) / u)

"""The textbook's gradient check: one fixed step, one number."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from ..report.words import say_count


def gradient_checking(
    params: Sequence[npt.ArrayLike],
    grads: Sequence[npt.ArrayLike],
    cost_function: Callable[[npt.NDArray[np.float64]], object],
    epsilon: float = 1e-7,
) -> float:
    """Compute the normalised difference between a gradient and central differences with a fixed step.

    ``||approx - d_theta|| / (||approx|| + ||d_theta||)`` with
    ``approx[i] = (J(theta + epsilon e_i) - J(theta - epsilon e_i)) / (2 epsilon)``.

    Parameters
    ----------
    params, grads : sequence of array_like
        Parameters and their gradients in the same order. Joined one after the other, in C order, they are theta and
        d_theta, float64 of shape ``(n,)``.
    cost_function : callable
        ``J(theta)``: takes the vector theta, returns a number.
    epsilon : float
        The step, absolute. 1e-7 is the textbook's; `check_gradients` chooses better ones.

    Returns
    -------
    float
        Below 1e-7 the gradient is likely right, around 1e-5 worth a look, above 1e-3 likely wrong. Exactly 0 if
        both gradients are zero, where the formula gives 0/0.

    Raises
    ------
    InvalidInputError
        If there are no parameters or they are a mapping, the sizes differ, epsilon is not positive and finite, or the
        cost changes theta.

    Notes
    -----
    On a cost that is large, flat or of low precision the fixed step drowns in rounding; then the number says nothing
    about the gradient. `check_gradients` tells these cases apart.

    Examples
    --------
    >>> params, grads = [np.array([1.0, 2.0])], [np.array([2.0, 4.0])]
    >>> gradient_checking(params, grads, lambda theta: theta @ theta) < 1e-7
    True
    >>> gradient_checking(params, [np.array([2.0, -4.0])], lambda theta: theta @ theta) > 1e-3
    True
    """
    theta = _join(params, "params")
    d_theta = _join(grads, "grads")
    if theta.size != d_theta.size:
        numbers = say_count(theta.size, "number", "numbers")
        msg = f"`gradient_checking`: params hold {numbers} and grads {d_theta.size}; pass one gradient each"
        raise InvalidInputError(msg)
    if not 0 < epsilon < np.inf:
        msg = f"`gradient_checking(epsilon={epsilon!r})`: pass a positive finite step"
        raise InvalidInputError(msg)
    approx = np.empty_like(theta)
    moved = theta.copy()
    for i in range(theta.size):
        cost_plus = _evaluate_with(cost_function, moved, i, theta[i] + epsilon)
        cost_minus = _evaluate_with(cost_function, moved, i, theta[i] - epsilon)
        approx[i] = (cost_plus - cost_minus) / (2 * epsilon)
        moved[i] = theta[i]
    if not np.array_equal(moved, theta, equal_nan=True):
        raise InvalidInputError(_CHANGES_THETA)
    size = np.linalg.norm(approx) + np.linalg.norm(d_theta)
    return float(np.linalg.norm(approx - d_theta) / size) if size else 0.0


_CHANGES_THETA = "`gradient_checking(cost_function=...)`: the cost changes the theta it is given; let it work on a copy"


def _evaluate_with(
    cost_function: Callable[[npt.NDArray[np.float64]], object], theta: npt.NDArray[np.float64], i: int, value: float
) -> float:
    theta[i] = value
    cost = _read_number(cost_function(theta))
    if theta[i] != value and not np.isnan(value):
        raise InvalidInputError(_CHANGES_THETA)
    return cost


def _join(arrays: Sequence[npt.ArrayLike], name: str) -> npt.NDArray[np.float64]:
    if isinstance(arrays, Mapping):
        msg = (
            f"`gradient_checking({name}=...)` is a {type(arrays).__name__}; pass arrays in one order, such as "
            f"`[{name}[name] for name in sorted({name})]`, or use `check_gradients`, which takes a mapping"
        )
        raise InvalidInputError(msg)
    parts = [np.asarray(array, dtype=np.float64).reshape(-1) for array in arrays]
    if not sum(part.size for part in parts):
        msg = f"`gradient_checking({name}=...)` holds no numbers; pass a sequence of arrays"
        raise InvalidInputError(msg)
    return np.concatenate(parts)


def _read_number(cost: object) -> float:
    array = np.asarray(cost)
    if array.size != 1 or array.dtype.kind not in "fiu":
        msg = f"`gradient_checking(cost_function=...)`: the cost returned {type(cost).__name__}; return one number"
        raise InvalidInputError(msg)
    return float(array.reshape(-1)[0])

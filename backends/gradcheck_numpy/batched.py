"""A cost with a second form, written by the user, that takes many thetas at once."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from gradcheck_core.protocol import FloatVector

AT_A_TIME = 2**21
"""Bytes of a batch, 2 MiB: NumPy passes over whole arrays, and larger ones do not fit the processor's cache."""


@final
@dataclass(frozen=True, slots=True)
class BatchedCost:
    """A scalar cost with a form that evaluates it at many thetas at once, so that a check takes fewer calls.

    Attributes
    ----------
    one : callable
        ``one(params, *args)``, the cost; what a `BatchedCost` does when it is called.
    many : callable
        ``many(params, *args)``, the costs at k thetas, shape ``(k,)``. One array of the params has k in front: its
        shape is ``(k, 1, ..., 1, *shape)``, with as many axes as `ndim` and one more, so that it broadcasts against all
        that has at most `ndim` axes. The others are as they always are.
    ndim : int or None
        The most axes that an array has in the computation of one cost. None (default): what the params have.

    Notes
    -----
    A cost whose sums name their axes from the end can be both forms: ``x @ W + b`` is right as it stands, also where
    ``W`` has the shape ``(k, m, n)`` or ``b`` the shape ``(k, 1, n)``. Where data has more axes than any parameter, say
    so: with sequences of shape ``(batch, time, m)``, ``ndim=3`` makes them ``(k, 1, m, n)`` and ``(k, 1, 1, n)``.

    The answers of `many` are compared with those of `one`. If they differ, or if `many` raises, the check goes on with
    `one` alone and says so in a note.

    Examples
    --------
    >>> import numpy as np
    >>> from gradcheck_core import check_gradients
    >>> x = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
    >>> def cost(params):
    ...     return np.sum(np.tanh(x @ params["W"] + params["b"]) ** 2, axis=(-2, -1))
    >>> def grads(params):
    ...     t = np.tanh(x @ params["W"] + params["b"])
    ...     d = 2 * t * (1 - t**2)
    ...     return {"W": x.T @ d, "b": d.sum(axis=0)}
    >>> params = {"W": np.full((3, 2), 0.5), "b": np.zeros(2)}
    >>> check_gradients(BatchedCost(one=cost, many=cost), params, grads).verdict
    <Verdict.CORRECT: 'CORRECT'>
    """

    one: Callable[..., object]
    many: Callable[..., object]
    ndim: int | None = None

    def __call__(self, params: object, *args: object) -> object:
        """The cost at one theta."""
        return self.one(params, *args)


@final
class DeclaredCosts:
    """J at many thetas, by the form that the user declared.

    `many` takes the position of a parameter and what to put in its place, and gives what the user's form returns.
    `bytes` is what the first call took; None before it.
    """

    def __init__(self, many: Callable[[int, npt.NDArray[Any]], object], ndim: int) -> None:
        self._many = many
        self._ndim = ndim
        self.bytes: int | None = None

    def __call__(self, parameter: int, stacked: npt.NDArray[Any]) -> FloatVector:
        """From a parameter's values at k thetas, shape ``(k, *shape)``, to J at each."""
        count, *shape = stacked.shape
        thetas = stacked.reshape(count, *[1] * (self._ndim - len(shape)), *shape)
        costs = np.asarray(self._measure(parameter, thetas) if self.bytes is None else self._many(parameter, thetas))
        if costs.shape not in ((count,), (1,), ()):  # one number where the parameter does not reach the cost
            msg = f"`many` returned shape {costs.shape} for {count} thetas; return one cost each, shape (k,)"
            raise ValueError(msg)
        return np.broadcast_to(costs.astype(np.float64), count)

    def _measure(self, parameter: int, thetas: npt.NDArray[Any]) -> object:
        # A caller who traces memory keeps the peak seen so far: the estimate may then be too large, which is safe.
        tracing = tracemalloc.is_tracing()
        if not tracing:
            tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            returned = self._many(parameter, thetas)
            self.bytes = max(0, tracemalloc.get_traced_memory()[1] - before)
        finally:
            if not tracing:
                tracemalloc.stop()
        return returned

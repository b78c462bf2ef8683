"""When a compiled function may stand for a cost: for backends that have something faster than calling it."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from .outputs import agree

Array = npt.NDArray[Any]


@final
class CompiledCost:
    """A cost, and a function compiled of it when it is first needed.

    Parameters
    ----------
    compute : callable
        From the values of the parameters to the floating arrays that the cost returns of them; it may raise anything.
    floating : callable
        From what the cost returned to its floating arrays, in the order in which they are contracted.
    worthwhile : bool
        Whether enough evaluations are to be expected.
    """

    def __init__(
        self,
        compute: Callable[[list[Any]], Sequence[Array]],
        floating: Callable[[object], Sequence[Array]],
        *,
        worthwhile: bool,
    ) -> None:
        self._compute = compute
        self._floating = floating
        self._usable = worthwhile
        self._called_next = False
        self._known: tuple[list[Any], Sequence[Array]] | None = None
        self._offsets: list[Array] | None = None

    def evaluate(self, values: Callable[[], list[Any]], called: Callable[[], object], *, opening: bool) -> object:
        """What the cost returns, by calling it or computed.

        It is called at the theta that the problem was opened with, so that it is seen whether it repeats, and after a
        batch, which the core holds against it. Where it cannot be compiled, or something else than the cost's own is
        computed at the opening theta, it is always called.

        Parameters
        ----------
        values : callable
            Gives the values of the parameters.
        called : callable
            Calls the cost.
        opening : bool
            Whether theta is that with which the problem was opened.
        """
        if not opening and not self._called_next and (computed := self._computed(values)) is not None:
            return computed
        self._called_next = False
        returned = called()
        if opening and self._usable and self._known is None:
            try:
                self._known = (_copies(values()), self._floating(returned))
            except InvalidInputError:  # what it returned is for the core to judge
                self._usable = False
        return returned

    def call_next(self) -> None:
        """Let the next evaluation be a call."""
        self._called_next = True

    def _computed(self, values: Callable[[], list[Any]]) -> object:
        if not self._usable or self._known is None:
            return None
        try:
            if self._offsets is None:
                found, called = self._compute(self._known[0]), self._known[1]
                self._usable = agree(found, called)
                # What is off by rounding at the opening theta is taken off everywhere: only differences count.
                self._offsets = [_wide(one) - _wide(other) for one, other in zip(found, called, strict=self._usable)]
            outputs = [_wide(one) - off for one, off in zip(self._compute(values()), self._offsets, strict=True)]
        except Exception:  # what the cost has to say it says when it is called
            self._usable = False
        if not self._usable:
            return None
        return outputs if len(outputs) > 1 or outputs[0].shape else outputs[0].item()


def _copies(values: list[Any]) -> list[Any]:
    return [value.copy() if isinstance(value, np.ndarray) else value for value in values]


def _wide(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)

"""When a compiled function may take the place of a cost, for backends that compile."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from .outputs import agree, widen

Array = npt.NDArray[Any]


@final
class CompiledCost:
    """A cost, and a function compiled of it when it is first needed.

    `compute` takes the values of the parameters and gives the floating arrays that the cost returns; it may raise
    anything. `floating` gives these arrays of what the cost returned, in the order in which they are contracted. `host`
    is theta, now where the problem was opened; `opening` keeps a copy of that. `worthwhile` says whether enough
    evaluations are to be expected.
    """

    def __init__(
        self,
        compute: Callable[[list[Any]], Sequence[Array]],
        floating: Callable[[object], Sequence[Array]],
        host: Sequence[Array],
        *,
        worthwhile: bool,
    ) -> None:
        self._compute = compute
        self._floating = floating
        self._host = host
        self.opening = [array.copy() for array in host]
        self._usable = worthwhile
        self._must_call = False
        self._known: tuple[list[Any], Sequence[Array]] | None = None
        self._offsets: list[Array] | None = None

    def evaluate(self, values: Callable[[], list[Any]], call: Callable[[], object]) -> object:
        """What the cost returns, by calling it or computed of the values of the parameters.

        It is called at the theta that the problem was opened with, since the core compares two calls there, and after
        a batch, which the core compares with a call. It is always called if it cannot be compiled, or if what is
        computed at the opening theta differs from what the cost returned.
        """
        opening = all(map(np.array_equal, self._host, self.opening))
        if not opening and not self._must_call and (computed := self._try_compute(values)) is not None:
            return computed
        self._must_call = False
        returned = call()
        if opening and self._usable and self._known is None:
            try:
                copies = [value.copy() if isinstance(value, np.ndarray) else value for value in values()]
                self._known = (copies, self._floating(returned))
            except InvalidInputError:  # the core judges what it returned
                self._usable = False
        return returned

    def call_next(self) -> None:
        """Let the next evaluation be a call."""
        self._must_call = True

    def _try_compute(self, values: Callable[[], list[Any]]) -> object:
        if not self._usable or self._known is None:
            return None
        try:
            if self._offsets is None:
                found, called = self._compute(self._known[0]), self._known[1]
                self._usable = agree(found, called)
                # Only differences of costs count, so the rounding error at the opening theta is subtracted everywhere.
                self._offsets = [widen(one) - widen(other) for one, other in zip(found, called, strict=self._usable)]
            outputs = [widen(one) - off for one, off in zip(self._compute(values()), self._offsets, strict=True)]
        except Exception:  # if the cost raises, it raises again when it is called
            self._usable = False
        if not self._usable:
            return None
        return outputs if len(outputs) > 1 or outputs[0].shape else outputs[0].item()

"""The random states that belong to no framework, Python's and NumPy's global ones: fixed, and given back."""

import random
from collections.abc import Callable
from types import TracebackType
from typing import Self, final

import numpy as np


@final
class HostRandomState:
    """While open, `fix` sets the global generators to the same state each time; closing gives the caller's back.

    A generator that the cost was seen not to use costs nothing: `watch` tells which of the two are in use.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed % 2**32
        self._give_back = make_replay()
        self._python_used = True
        self._numpy_used = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    def fix(self) -> None:
        """Set the global generators that are in use to the state that belongs to the seed."""
        if self._python_used:
            random.seed(self._seed)
        if self._numpy_used:
            np.random.seed(self._seed)

    def watch(self) -> None:
        """After a call of the cost that began with `fix`: stop fixing the generators that it did not touch."""
        python_state, numpy_state = random.getstate(), _numpy_state()
        self.fix()
        self._python_used = self._python_used and python_state != random.getstate()
        self._numpy_used = self._numpy_used and numpy_state != _numpy_state()


def make_replay() -> Callable[[], None]:
    """A function that sets Python's and NumPy's global generators to what they are now, as often as it is called."""
    python_state, numpy_state = random.getstate(), np.random.get_state()

    def replay() -> None:
        random.setstate(python_state)
        np.random.set_state(numpy_state)

    return replay


def _numpy_state() -> tuple[object, ...]:
    kind, keys, *rest = np.random.get_state(legacy=True)
    return (kind, np.asarray(keys).tobytes(), *rest)

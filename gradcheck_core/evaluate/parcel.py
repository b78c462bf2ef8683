"""A case as it travels to other processes."""

import io
import pickle
import sys
from collections import ChainMap
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, final

import cloudpickle
import numpy as np
import numpy.typing as npt

from ..case import GradientCase
from ..errors import InvalidInputError

Packed = npt.NDArray[np.uint8]
"""A pickle as an array of bytes, which joblib's backends hand on to their workers without a copy in every unit."""


Given = tuple[Any, object, tuple[object, ...]]
"""Cost, params and args."""

Reducers = Mapping[type, Callable[[Any], tuple[Any, ...]]]
"""How objects travel that cannot be pickled by themselves, see `Backend.reducers`."""


@final
class Parcel:
    """Cost, params and args of a case, pickled at once, before anything of them is evaluated.

    Lambdas, closures and what is defined in ``__main__`` travel by value; what an importable module defines by its
    name, unless a worker is found not to have that module.

    Parameters
    ----------
    case : GradientCase
        What is to travel.
    reducers : mapping
        As `Backend.reducers` gives them.

    Attributes
    ----------
    packed : numpy.ndarray
        The pickle.
    editions : int
        How often it was made.

    Raises
    ------
    InvalidInputError
        If something of the case cannot be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> cost, params, args = unpack(Parcel(GradientCase(lambda w: float(w @ w), np.ones(2)), {}).packed)
    >>> cost(params, *args)
    2.0
    """

    def __init__(self, case: GradientCase, reducers: Reducers) -> None:
        self._given = case.cost, case.params, case.args
        self._reducers = reducers
        self._by_value: set[str] = set()
        self.packed = self._pack()
        self.editions = 1

    def by_value(self, module: str) -> None:
        """Pack again with what a module defines by value: a worker cannot import it.

        Raises
        ------
        InvalidInputError
            If that does not help.
        """
        if module in self._by_value or module not in sys.modules:
            msg = (
                f"`n_jobs`: a worker process cannot import {module!r}, which the cost, the params or the args need; "
                "install it where the workers run, or put its folder on PYTHONPATH before they start"
            )
            raise InvalidInputError(msg)
        self._by_value.add(module)
        self.packed = self._pack()
        self.editions += 1  # last: who reads both in between takes the new one for the old, and asks again

    def _pack(self) -> Packed:
        with ExitStack() as registered:
            for name in self._by_value:
                module = sys.modules[name]
                cloudpickle.register_pickle_by_value(module)
                registered.callback(cloudpickle.unregister_pickle_by_value, module)
            return pack(self._given, self._reducers)


def pack(given: Given, reducers: Reducers) -> Packed:
    """Pickle ``(cost, params, args)``."""
    try:
        return np.frombuffer(_pickled(given, reducers), dtype=np.uint8)
    except Exception as error:
        msg = (
            f"`n_jobs`: {_culprit(given, reducers)} cannot be pickled to be sent to other processes "
            f"({type(error).__name__}: {error}); make what cannot travel (an open file, a lock, a generator, a handle) "
            "inside the cost, or use n_jobs=1"
        )
        raise InvalidInputError(msg) from error


def unpack(packed: Packed) -> Given:
    """``(cost, params, args)`` of a pickle; the three share what they shared before."""
    cost, params, args = pickle.loads(packed.data)
    return cost, params, args


def _culprit(given: Given, reducers: Reducers) -> str:
    for name, thing in zip(("`cost`", "`params`", "`args`"), given, strict=True):
        try:
            _pickled(thing, reducers)
        except Exception:
            return name
    return "the case"


def _pickled(thing: object, reducers: Reducers) -> bytes:
    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
        dispatch_table: ClassVar = ChainMap(dict(reducers), cloudpickle.Pickler.dispatch_table)

    file = io.BytesIO()
    Pickler(file).dump(thing)
    return file.getvalue()

"""A case as it travels to other processes."""

import io
import pickle
import sys
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

import cloudpickle
import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError

Packed = npt.NDArray[np.uint8]
"""A pickle as an array of bytes: joblib shares a large array between processes instead of copying it every time."""

Given = tuple[Any, object, tuple[object, ...]]
"""Cost, params and args."""

Reducers = Mapping[type, Callable[[Any], tuple[Any, ...]]]
"""How the framework's objects are pickled where pickle does not know, see `Backend.reducers`."""


def pack(given: Given, reducers: Reducers, by_value: Collection[str] = ()) -> Packed:
    """Pickle ``(cost, params, args)``.

    Lambdas, closures and what is defined in ``__main__`` travel by value. What other modules define travels by its
    name, unless the module is one of `by_value`.

    Examples
    --------
    >>> cost, params, args = unpack(pack((lambda w: float(w @ w), np.ones(2), ()), {}))
    >>> cost(params, *args)
    2.0
    """
    with ExitStack() as registered:
        for name in by_value:
            cloudpickle.register_pickle_by_value(sys.modules[name])
            registered.callback(cloudpickle.unregister_pickle_by_value, sys.modules[name])
        try:
            return np.frombuffer(_pickle(given, reducers), dtype=np.uint8)
        except Exception as error:
            msg = (
                f"`n_jobs`: {_culprit(given, reducers)} cannot be pickled to be sent to other processes "
                f"({type(error).__name__}: {error}); make what cannot travel (an open file, a lock, a generator, a "
                "handle) inside the cost, or use n_jobs=1"
            )
            raise InvalidInputError(msg) from error


def unpack(packed: Packed) -> Given:
    """``(cost, params, args)`` of a pickle; the three share what they shared before."""
    cost, params, args = pickle.loads(packed.data)
    return cost, params, args


def _culprit(given: Given, reducers: Reducers) -> str:
    for name, thing in zip(("`cost`", "`params`", "`args`"), given, strict=True):
        try:
            _pickle(thing, reducers)
        except Exception:
            return name
    return "the case"


def _pickle(thing: object, reducers: Reducers) -> bytes:
    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
        dispatch_table: ClassVar = ChainMap(dict(reducers), cloudpickle.Pickler.dispatch_table)

    file = io.BytesIO()
    Pickler(file).dump(thing)
    return file.getvalue()

"""How the thetas of a batch are cut into chunks, for backends that compile: what to perturb together, and how many."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .outputs import as_real
from .protocol import FloatVector, Weigh

_TOGETHER = 4096
"""Numbers of theta that one function perturbs. Compiling another one takes a tenth of a second, in which thousands of
thetas are evaluated; but a large tensor goes through its product faster where the other tensors are not perturbed."""

_IN_CACHE = 2**24
"""Bytes beyond which thetas together go through the processor's caches no faster than by themselves."""

_LEAST_AT_ONCE = 16
"""Thetas that are taken together even so, where the memory allowed has room for them."""

Array = npt.NDArray[Any]


def groups(host: Sequence[Array]) -> list[tuple[int, ...]]:
    """Positions of the parameters that one function perturbs: the small ones of a dtype together, large ones alone."""
    return [tuple(group) for group in _groups(host)]


def _groups(host: Sequence[Array]) -> Iterator[list[int]]:
    group: list[int] = []
    size = 0
    for position in sorted(range(len(host)), key=lambda i: (host[i].dtype.name, host[i].size)):
        array = host[position]
        if group and (size + array.size > _TOGETHER or array.dtype != host[group[0]].dtype):
            yield group
            group, size = [], 0
        group.append(position)
        size += array.size
    yield group


def replacements(host: Array, entries: npt.NDArray[np.intp], values: FloatVector) -> tuple[npt.NDArray[np.intp], Array]:
    """Which elements of a parameter are replaced by what, rounded as a write rounds it.

    Parameters
    ----------
    host : numpy.ndarray
        The parameter's present values; of a complex one every element has two entries.
    entries, values
        As `Batch.costs_at` takes them.
    """
    if host.dtype.kind != "c":
        return entries, values.astype(host.dtype)
    moved = host.reshape(-1)[entries // 2]
    moved.view(moved.real.dtype)[2 * np.arange(len(entries)) + entries % 2] = values
    return entries // 2, moved


def length(bytes_each: int, memory: int, most: int) -> int:
    """How many thetas make a chunk: a power of two that the memory has room for, but for a single theta.

    Parameters
    ----------
    bytes_each : int
        What one theta takes with all that is computed of it.
    memory : int
        Bytes allowed.
    most : int
        Thetas beyond which more at once are no use.
    """
    wanted = min(most, max(_IN_CACHE // bytes_each, _LEAST_AT_ONCE))
    longest = min(memory // bytes_each, 1 << (wanted - 1).bit_length())
    return 1 << max(0, longest.bit_length() - 1)


def contracted(outputs: Sequence[Array], weigh: Weigh) -> FloatVector:
    """J at each theta of a chunk, from the floating outputs of the cost, stacked; float64, whatever their dtype."""
    arrays = [as_real(output) for output in outputs]
    weights = weigh([array.shape[1:] for array in arrays])
    terms = [
        array.reshape(len(array), -1).astype(np.float64) @ weight.reshape(-1)
        for array, weight in zip(arrays, weights, strict=True)
    ]
    return np.asarray(sum(terms[1:], start=terms[0]))

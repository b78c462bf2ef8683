"""How the thetas of a batch are cut into chunks, and which parameters one compiled function perturbs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from .backend import Batch, Weigh
from .layout import FloatVector
from .outputs import as_real
from .randomness import make_replay

_TOGETHER = 4096
"""Numbers of theta that one function perturbs. Compiling another one takes a tenth of a second, in which thousands of
thetas are evaluated; but a large tensor goes through its product faster where the other tensors are not perturbed."""

_IN_CACHE = 2**24
"""Above this many bytes, thetas together go through the processor's caches no faster than one by one."""

_LEAST_AT_ONCE = 16
"""Thetas that are taken together even so, if the memory has room for them."""

Array = npt.NDArray[Any]


def group_small(host: Sequence[Array]) -> list[tuple[int, ...]]:
    """Positions of the parameters that one function perturbs: the small ones of a dtype together, large ones alone."""
    groups: list[tuple[int, ...]] = [()]
    size = 0
    for position in sorted(range(len(host)), key=lambda i: (host[i].dtype.name, host[i].size)):
        array = host[position]
        if groups[-1] and (size + array.size > _TOGETHER or array.dtype != host[groups[-1][0]].dtype):
            groups.append(())
            size = 0
        groups[-1] += (position,)
        size += array.size
    return groups


def round_entries(
    host: Array, entries: npt.NDArray[np.intp], values: FloatVector
) -> tuple[npt.NDArray[np.intp], Array]:
    """Which elements of a parameter are replaced by what, rounded as a write rounds it.

    `host` has the parameter's present values; a complex element has two entries.
    """
    if host.dtype.kind != "c":
        return entries, values.astype(host.dtype)
    moved = host.reshape(-1)[entries // 2]
    moved.view(moved.real.dtype)[2 * np.arange(len(entries)) + entries % 2] = values
    return entries // 2, moved


def evaluate_group(
    host: Sequence[Array],
    group: Sequence[int],
    parameter: int,
    entries: npt.NDArray[np.intp],
    values: FloatVector,
    length: int,
    compute: Callable[[npt.NDArray[np.int32], Array], Sequence[Array]],
    weigh: Weigh,
) -> FloatVector:
    """J with one entry of a parameter replaced at a time, by a function that perturbs a group of parameters.

    `compute` takes indices into the group laid end to end, and what stands there instead, at most `length` of each; it
    gives the cost's floating outputs, stacked, and may give more rows than it was asked for.
    """
    before = sum(host[i].size for i in group[: group.index(parameter)])
    elements, moved = round_entries(host[parameter], entries, values)
    indices = np.asarray(before + elements, np.int32)
    pieces = [slice(start, start + length) for start in range(0, len(entries), length)]
    return np.concatenate([contract(compute(indices[p], moved[p]), weigh)[: len(indices[p])] for p in pieces])


def choose_length(bytes_each: int, memory: int, most: int) -> int:
    """How many thetas make a chunk: a power of two that fits into the memory, and at least one.

    One theta takes `bytes_each` with all that is computed of it; more than `most` at once are of no use.
    """
    wanted = min(most, max(_IN_CACHE // bytes_each, _LEAST_AT_ONCE))
    longest = min(memory // bytes_each, 1 << (wanted - 1).bit_length())
    return 1 << max(0, longest.bit_length() - 1)


def choose_count(computed: int | None, copied: int, at_a_time: int, memory: int) -> int:
    """How many thetas to take at a time if nothing is compiled: first one, to learn what it takes, then what fits.

    One theta takes `computed` bytes, None while that is not known, and a copy of the parameter, `copied` bytes. More
    than `at_a_time` bytes at once are of no use. MemoryError if not even two thetas fit into the memory.
    """
    if computed is None:
        return 1
    each = computed + copied
    if 2 * each > memory:
        msg = f"two thetas take {2 * each} bytes, and `max_memory` is {memory}"
        raise MemoryError(msg)
    return max(1, min(memory, at_a_time) // each)


def piece_by_piece(
    costs: Callable[[npt.NDArray[np.intp], FloatVector], FloatVector],
    entries: npt.NDArray[np.intp],
    values: FloatVector,
    count: Callable[[], int],
) -> FloatVector:
    """What `costs` gives for the entries and values, taken `count()` at a time.

    Every piece starts from the same random state of Python and NumPy.
    """
    found = np.empty(len(entries))
    replay = make_replay()
    start = 0
    while start < len(entries):
        piece = slice(start, start + count())
        found[piece] = costs(entries[piece], values[piece])
        start = piece.stop
        replay()
    return found


@final
@dataclass(frozen=True, slots=True)
class StackedBatch(Batch):
    """Stacks one parameter's values, each with one entry replaced.

    `host` has all parameters' present values. `costs` takes a parameter's position and its values at k thetas, shape
    ``(k, *shape)``, and gives J at each. `count` takes a parameter's present values and says how many thetas are taken
    at a time; it is asked before each piece.
    """

    host: Sequence[Array]
    costs: Callable[[int, Array], FloatVector]
    count: Callable[[Array], int]

    def costs_at(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        host = self.host[parameter]

        def costs(entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
            elements, moved = round_entries(host, entries, values)
            stacked = np.repeat(host.reshape(1, -1), len(entries), axis=0)
            stacked[np.arange(len(entries)), elements] = moved
            return self.costs(parameter, stacked.reshape(-1, *host.shape))

        return piece_by_piece(costs, entries, values, lambda: self.count(host))


def contract(outputs: Sequence[Array], weigh: Weigh) -> FloatVector:
    """J at each theta of a chunk, from the floating outputs of the cost, stacked; float64, whatever their dtype."""
    arrays = [as_real(output) for output in outputs]
    weights = weigh([array.shape[1:] for array in arrays])
    terms = [
        array.reshape(len(array), -1).astype(np.float64) @ weight.reshape(-1)
        for array, weight in zip(arrays, weights, strict=True)
    ]
    return np.asarray(sum(terms[1:], start=terms[0]))

"""Whole tensors that are each other's with axes permuted: the same values, counted, in another order."""

import itertools
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..entries import Array
from ..tensors import Precision, Tensor

_PROBES = 64
"""Entries on which a permutation is tried first; one that is wrong fails there."""

_MOST_AXES = 6
"""Axes up to which every permutation is tried: 720 of them at most."""

Fingerprint = tuple[int, int]
"""Of a tensor's values whatever their order: how many, and the sum of a hash of each."""


def group_by_contents(tensors: Iterable[Tensor], precision: Precision) -> dict[Fingerprint, list[str]]:
    """The names of tensors by what they contain."""
    groups: dict[Fingerprint, list[str]] = defaultdict(list)
    for tensor in tensors:
        groups[_fingerprint(tensor.values, precision)].append(tensor.name)
    return groups


def _fingerprint(values: Array, precision: Precision) -> Fingerprint:
    parts = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    total = 0
    for turn, part in enumerate(parts):
        bits = precision.round(np.ascontiguousarray(part).reshape(-1)).view(np.uint64)
        total = (total * 31 + int(_mix(bits + np.uint64(turn)).sum(dtype=np.uint64))) % 2**64
    return values.size, total


def _mix(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Every number hashed (the finaliser of SplitMix64), so that sums of them tell sets of numbers apart."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def find_permutations(source: Array, target: Array, precision: Precision) -> list[tuple[int, ...]]:
    """The permutations of axes that carry one array's values onto the other's.

    Those that differ only in axes of length one count once. Several are found if values repeat, as in a symmetric
    matrix; none for more than six axes.
    """
    if source.ndim != target.ndim or source.ndim > _MOST_AXES:
        return []
    generator = np.random.default_rng(0)
    probes = tuple(generator.integers(0, length, _PROBES) for length in target.shape)
    found = []
    for axes in find_shape_permutations(source.shape, target.shape):
        carried = source.transpose(axes)
        if precision.same(carried[probes], target[probes]) and precision.same(carried, target):
            found.append(axes)
    return found


def find_shape_permutations(source: tuple[int, ...], target: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The permutations of axes that make one shape of the other; once if they differ only in axes of one entry."""
    if len(source) > _MOST_AXES or sorted(source) != sorted(target):
        return []
    seen: dict[tuple[int, ...], tuple[int, ...]] = {}
    for axes in itertools.permutations(range(len(source))):
        if tuple(source[axis] for axis in axes) == target:
            seen.setdefault(tuple(axis for axis in axes if source[axis] > 1), axes)
    return list(seen.values())

"""Digests of a case's arguments, the same in every framework, so that two runs can be compared."""

import hashlib
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...protocol import registry, trees
from ...report.words import say_count


@final
@dataclass(frozen=True, slots=True)
class Input:
    """One leaf of a case's `args`.

    Attributes
    ----------
    name : str
        Its path within `args`: ``0`` is the first argument.
    shape : tuple of int or None
        None if it is not an array.
    dtype : str
        Of an array; otherwise its type.
    digest : str
        Of dtype, shape and every number in C order; empty where the object has no digest.
    numbers : str
        Of the numbers alone, sorted and in float64: the same for another layout and another dtype that holds them.
        Empty if it is not an array of numbers.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str
    digest: str
    numbers: str = ""


def digest_args(args: tuple[object, ...]) -> tuple[Input, ...]:
    """The leaves of `args`, each with its digest; arrays of any framework with equal numbers have the same."""
    return tuple(_digest(leaf) for leaf in trees.leaves(args))


def compare_inputs(recorded: tuple[Input, ...], present: tuple[Input, ...]) -> tuple[str, ...]:
    """What is known to differ between two cases' arguments, a sentence each; nothing where digests are missing.

    Examples
    --------
    >>> compare_inputs(digest_args((np.zeros(2),)), digest_args((np.ones(2),)))
    ('the argument `0` has other numbers than the recorded one',)
    """
    if len(recorded) != len(present):
        before, now = (say_count(len(inputs), "argument", "arguments") for inputs in (recorded, present))
        return (f"it was recorded with {before}, and the cost has {now} now",)
    found = (_difference(before, now) for before, now in zip(recorded, present, strict=True))
    return tuple(sentence for sentence in found if sentence)


def list_undigested(inputs: tuple[Input, ...]) -> tuple[str, ...]:
    """The arguments that could not be digested, by name and type."""
    return tuple(f"`{item.name}` ({item.dtype})" for item in inputs if not item.digest)


def _difference(before: Input, now: Input) -> str:
    if before.digest == now.digest or not (before.digest and now.digest):
        return ""
    if before.numbers and before.numbers == now.numbers:
        if before.shape == now.shape and before.dtype != now.dtype:
            return f"the argument `{now.name}` is {now.dtype}, the recorded one {before.dtype}, with the same numbers"
        layouts = f"shape {now.shape}, the recorded one {before.shape}"
        return f"the argument `{now.name}` has the recorded numbers in another order ({layouts})"
    if before.shape != now.shape:
        return f"the argument `{now.name}` has shape {now.shape}, the recorded one {before.shape}"
    return f"the argument `{now.name}` has other numbers than the recorded one"


def _digest(leaf: trees.Leaf) -> Input:
    value = leaf.value
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return Input(leaf.name, None, type(value).__name__, _hash(repr(value).encode(errors="surrogatepass")))
    unknown = Input(leaf.name, None, type(value).__qualname__, "")
    if registry.owner_of(value) is None:
        return unknown
    try:
        array, dtype = registry.to_numpy(value), registry.dtype_of(value)
    except Exception:  # a model, or a tensor without values: it belongs to a framework and is not an array
        return unknown
    if array.dtype.hasobject:
        return unknown
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    head = f"{dtype}{array.shape}".encode()
    return Input(leaf.name, array.shape, dtype, _hash(head, little.tobytes()), _of_numbers(array))


def _of_numbers(array: npt.NDArray[Any]) -> str:
    if array.dtype.kind not in "biuf":
        return ""
    # adding zero turns -0.0 into 0.0, as a conversion on the way may have done
    return _hash(np.sort(array.astype(np.float64), axis=None).astype("<f8").tobytes() if array.size else b"")


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()

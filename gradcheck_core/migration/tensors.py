"""The parameters of a model as named arrays, and how exactly those of two models can be compared."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
import numpy.typing as npt

from ..errors import GradcheckError, MappingError
from ..protocol import registry
from ..protocol.outputs import is_below_float64, roundoff_of
from .entries import Array

_SMALLEST_NORMALS = {"float64": 2.0**-1022, "complex128": 2.0**-1022, "float16": 2.0**-14}
"""Below these the numbers of a dtype lie no closer; float32 and bfloat16 have float32's."""

_FLOAT32_SMALLEST = 2.0**-126
"""Frameworks that do not compute with subnormals make zero of what is smaller."""


@final
@dataclass(frozen=True, slots=True)
class Tensor:
    """One named parameter: its values in float64 or complex128, and the dtype in which the model stores it."""

    name: str
    values: Array
    dtype: str

    @property
    def owner(self) -> str:
        """The path of what it belongs to: its name without the last component."""
        return self.name.rpartition(".")[0]

    @property
    def leaf(self) -> str:
        """The last component of its name."""
        return self.name.rpartition(".")[2]

    @property
    def is_constant(self) -> bool:
        """Whether all entries are equal, so that they do not tell their order."""
        flat = self.values.reshape(-1)
        return bool(flat[0] == flat[-1] and (flat == flat[0]).all())

    @property
    def is_telling(self) -> bool:
        """Whether its values can tell which it is: they differ, or are one number other than 0, 1 and -1."""
        return not self.is_constant or (self.values.size == 1 and abs(self.values.reshape(-1)[0]) not in (0, 1))


def read(params: object, call: str) -> dict[str, Tensor]:
    """The parameters of a framework's structure, or of a mapping from name to array, by name.

    Raises MappingError, which names `call`, if there are none that could be checked, or they belong to no framework.
    """
    # what a snapshot holds is read-only, which no framework takes for a container
    structure = dict(params) if isinstance(params, MappingProxyType) else params
    try:
        backend = registry.infer_backend(structure)
        with backend.open(lambda *_: 0.0, structure, (), "native", 0) as problem:
            layout = problem.layout
            return {
                parameter.name: Tensor(parameter.name, parameter.tensor(problem.read(i)), parameter.dtype)
                for i, parameter in enumerate(layout.parameters)
            }
    except GradcheckError as error:
        msg = f"`{call}`: {error}"
        raise MappingError(msg) from error


def _list_dtypes(tensors: Iterable[Tensor]) -> set[str]:
    """The dtypes of a model's parameters; float32 too if most float64 values have been through float32.

    That is how a float32 checkpoint looks that was loaded into a float64 model.
    """
    tensors = list(tensors)
    telling = [tensor for tensor in tensors if tensor.dtype == "float64" and tensor.is_telling]
    through = sum(_is_of_float32(tensor.values) for tensor in telling)
    return {tensor.dtype for tensor in tensors} | ({"float32"} if 2 * through > len(telling) else set())


def _is_of_float32(values: Array) -> bool:
    """Whether values fit float32, and not only because they are round numbers, which fit any dtype."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    has_long_fractions = np.mean(narrow.view(np.uint32) % 256 != 0) > 0.5
    return bool(has_long_fractions and np.array_equal(narrow, values))


@final
@dataclass(frozen=True, slots=True)
class Precision:
    """How finely the values of two models can be compared: as the coarsest dtype of both stores them.

    `exact` says whether all have that dtype, so that values which were carried over are the same to the last bit.
    """

    dtype: str
    exact: bool

    @classmethod
    def between(cls, sources: Iterable[Tensor], targets: Iterable[Tensor]) -> "Precision":
        """The precision in which the parameters of two models can be compared."""
        dtypes = _list_dtypes(sources) | _list_dtypes(targets)
        return cls(min(dtypes, key=lambda dtype: (-roundoff_of(dtype), dtype)), len(dtypes) == 1)

    def round(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values as the coarser dtype stores them; zeros all positive."""
        if self.exact or not is_below_float64(self.dtype):
            return values + 0.0
        spacing = find_spacing(values, self.dtype)
        rounded: npt.NDArray[np.float64] = np.rint(values / spacing) * spacing + 0.0
        return rounded

    def tolerance(self, sizes: Array, roundings: int) -> Array:
        """How far apart values may be that were the same before this many roundings.

        Each rounding moves a value by half the spacing of the numbers there, at most ``2**-bits`` of its size.
        """
        if self.exact and not roundings:
            return np.zeros(sizes.shape)
        count = roundings + (not self.exact) * 2  # from float64 to float32 and on to bfloat16, say
        return count * (roundoff_of(self.dtype) * np.abs(sizes) + find_spacing(np.zeros(1), self.dtype) / 2)

    def same(self, one: Array, other: Array, roundings: int = 0, sizes: Array | None = None) -> bool:
        """Whether two arrays of one shape have the same values, as finely as can be seen.

        `roundings` is how often either may have been rounded since they were the same, once after an addition; `sizes`
        are those of what was rounded, if not of the values themselves.
        """
        if self.exact and not roundings:
            return bool(np.array_equal(one, other))
        return bool((np.abs(one - other) <= self.tolerance(np.abs(one) if sizes is None else sizes, roundings)).all())


def find_spacing(sizes: Array, dtype: str) -> npt.NDArray[np.float64]:
    """The distance between neighbours of a dtype, by its name, at numbers of these sizes."""
    exponent = re.match(r"float8_e(\d+)", dtype)
    smallest = _SMALLEST_NORMALS.get(dtype, _FLOAT32_SMALLEST)
    normal = 2.0 ** (2 - 2 ** (int(exponent[1]) - 1)) if exponent else smallest
    spacing: npt.NDArray[np.float64] = np.ldexp(roundoff_of(dtype), np.frexp(np.maximum(np.abs(sizes), normal))[1])
    return spacing


def find_beyond_rounding(one: Array, other: Array, sizes: Array, dtype: str) -> npt.NDArray[np.bool_]:
    """Where two arrays are further apart than one spacing of a dtype, of entries that are finite in both.

    The dtype is the coarser of both; `sizes` are those of the numbers that were rounded, if they are larger than what
    they add up to.
    """
    known = np.isfinite(one) & np.isfinite(other)
    here, there = np.where(known, one, 0), np.where(known, other, 0)
    largest = np.maximum(np.maximum(np.abs(here), np.abs(there)), np.where(known, sizes, 0))
    spacing = np.maximum(find_spacing(largest, dtype), _FLOAT32_SMALLEST)
    beyond: npt.NDArray[np.bool_] = np.abs(here - there) > spacing
    return beyond

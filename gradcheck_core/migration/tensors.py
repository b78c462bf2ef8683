"""The parameters of either model as named arrays, and how exactly two of them can be compared."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
import numpy.typing as npt

from ..errors import GradcheckError, MappingError
from ..protocol import registry
from .entries import Array

SIGNIFICAND = {"float32": 24, "complex64": 24, "float16": 11, "bfloat16": 8, "float8_e4m3fn": 4, "float8_e5m2": 3}
"""Bits of the significand, the leading one included, of the dtypes below float64."""

LEAST = {"float32": -149, "complex64": -149, "float16": -24, "bfloat16": -133, "float8_e4m3fn": -9, "float8_e5m2": -16}
"""Exponents of two of the smallest positive numbers of the same dtypes."""


@final
@dataclass(frozen=True, slots=True)
class Tensor:
    """One named parameter.

    Attributes
    ----------
    name : str
        Path to it, components joined by dots.
    values : numpy.ndarray
        float64 or complex128.
    dtype : str
        The dtype in which the model stores it.
    """

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
        """Whether all entries are equal, so that they tell nothing of their order."""
        flat = self.values.reshape(-1)
        return bool(flat[0] == flat[-1] and (flat == flat[0]).all())

    @property
    def is_telling(self) -> bool:
        """Whether its values can tell which it is: they differ, or are one number that is neither 0 nor 1."""
        return not self.is_constant or (self.values.size == 1 and abs(self.values.reshape(-1)[0]) not in (0, 1))


def read(params: object, call: str) -> dict[str, Tensor]:
    """The parameters of a framework's structure, or of a mapping from name to array, by name.

    Parameters
    ----------
    params : object
        The structure.
    call : str
        For whom it is read, as an error says it.

    Raises
    ------
    MappingError
        If there are none that could be checked, or they belong to no framework.
    """
    # what a snapshot holds is read-only, which no framework takes for a container
    structure = dict(params) if isinstance(params, MappingProxyType) else params
    try:
        backend = registry.infer_backend(structure)
        with backend.open(_no_cost, structure, (), "native", 0) as problem:
            layout = problem.layout
            return {
                parameter.name: Tensor(parameter.name, parameter.tensor(problem.read(i)), parameter.dtype)
                for i, parameter in enumerate(layout.parameters)
            }
    except GradcheckError as error:
        msg = f"`{call}`: {error}"
        raise MappingError(msg) from error


def _no_cost(*_: object) -> float:
    return 0.0


def _stored_in(tensors: Iterable[Tensor]) -> set[str]:
    """The dtypes of a model's parameters; float32 for float64 whose values have been through float32 for the most part.

    A checkpoint in float32 that is loaded into a model in float64 looks so.
    """
    tensors = list(tensors)
    telling = [tensor for tensor in tensors if tensor.dtype == "float64" and tensor.is_telling]
    through = sum(_is_of_float32(tensor.values) for tensor in telling)
    return {tensor.dtype for tensor in tensors} | ({"float32"} if 2 * through > len(telling) else set())


def _is_of_float32(values: Array) -> bool:
    """Whether values are float32's, and not only because they are round numbers, which fit into any dtype."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    has_long_fractions = np.mean(narrow.view(np.uint32) % 256 != 0) > 0.5
    return bool(has_long_fractions and np.array_equal(narrow, values))


@final
@dataclass(frozen=True, slots=True)
class Precision:
    """How finely the values of two models can be compared: as finely as the coarser dtype of the two stores them.

    Attributes
    ----------
    dtype : str
        The coarsest dtype among the parameters of both.
    exact : bool
        Whether all of them have that dtype, so that values which were carried over are the same to the last bit.
    """

    dtype: str
    exact: bool

    @classmethod
    def between(cls, sources: Iterable[Tensor], targets: Iterable[Tensor]) -> "Precision":
        """The precision in which the parameters of two models can be compared."""
        dtypes = _stored_in(sources) | _stored_in(targets)
        return cls(min(dtypes, key=lambda dtype: (SIGNIFICAND.get(dtype, 53), dtype)), len(dtypes) == 1)

    def rounded(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values as the coarser dtype stores them; zeros all positive."""
        if self.dtype not in SIGNIFICAND or self.exact:
            return values + 0.0
        _, exponent = np.frexp(values)
        spacing = np.ldexp(1.0, np.maximum(exponent - SIGNIFICAND[self.dtype], LEAST[self.dtype]))
        rounded: npt.NDArray[np.float64] = np.rint(values / spacing) * spacing + 0.0
        return rounded

    def tolerance(self, sizes: Array, roundings: int) -> Array:
        """How far values may be apart which were the same before they were rounded so many times.

        Each rounding moves a value by half the spacing of the numbers there, at most ``2**-bits`` of its size.
        """
        if self.exact and not roundings:
            return np.zeros(sizes.shape)
        count = roundings + (not self.exact) * 2  # from float64 to float32 and on to bfloat16, say
        bits = SIGNIFICAND.get(self.dtype, 53)
        return count * (math.ldexp(1.0, -bits) * np.abs(sizes) + math.ldexp(1.0, LEAST.get(self.dtype, -1074) - 1))

    def same(self, one: Array, other: Array, roundings: int = 0, sizes: Array | None = None) -> bool:
        """Whether two arrays of one shape have the same values as far as can be seen.

        Parameters
        ----------
        one, other : numpy.ndarray
            Arrays of one shape.
        roundings : int
            How often the values of either may have been rounded since they were the same; 1 after an addition.
        sizes : numpy.ndarray, optional
            The size of what was rounded; None (default): of the values themselves.
        """
        if self.exact and not roundings:
            return bool(np.array_equal(one, other))
        return bool((np.abs(one - other) <= self.tolerance(np.abs(one) if sizes is None else sizes, roundings)).all())

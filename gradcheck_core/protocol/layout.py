"""How theta is made: named tensors one behind the other, and gradients laid out as theta is."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from ..numerics.norms import FloatVector as FloatVector

ComplexVector = npt.NDArray[np.complex128]
"""One-dimensional complex128 array."""


@final
@dataclass(frozen=True, slots=True)
class Parameter:
    """One named tensor of the user's structure, a slice of theta.

    Attributes
    ----------
    name : str
        Path to the tensor, its components joined by dots: ``layer1.weight``; a bare array is ``theta``.
    shape : tuple of int
        The tensor's shape; its entries stand in theta in C order, complex ones as two: real part, imaginary part.
    dtype : str
        The tensor's own dtype, e.g. ``float32`` or ``complex64``.
    start : int
        Position of its first entry in theta.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    start: int

    @property
    def is_complex(self) -> bool:
        """Whether its entries are complex, each two numbers of theta."""
        return self.dtype.startswith("complex")

    @property
    def size(self) -> int:
        """How many numbers of theta it is."""
        return math.prod(self.shape) * (2 if self.is_complex else 1)

    @property
    def range(self) -> slice:
        """The parameter's slice of theta."""
        return slice(self.start, self.start + self.size)

    def tensor(self, numbers: FloatVector) -> npt.NDArray[np.float64 | np.complex128]:
        """Its numbers in theta as a new array of its shape, complex where the parameter is; in double precision."""
        copied = np.array(numbers, dtype=np.float64)
        return (copied.view(np.complex128) if self.is_complex else copied).reshape(self.shape)

    def numbers(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The numbers in theta of a contiguous array of its values, over the same memory.

        Two for every complex entry; a real parameter that is held as complex, for its step, has one.
        """
        flat = array.reshape(-1)
        return flat.view(flat.real.dtype) if self.is_complex else flat

    def index(self, entry: int) -> tuple[int, ...]:
        """The index into the tensor of one of its numbers in theta, counted from its first."""
        return tuple(int(i) for i in np.unravel_index(entry // 2 if self.is_complex else entry, self.shape))

    def part(self, entry: int) -> str:
        """Which part of a complex entry a number in theta is, ``real`` or ``imag``; empty for a real parameter."""
        return ("real", "imag")[entry % 2] if self.is_complex else ""

    def entry(self, entry: int) -> str:
        """One of its numbers in theta as a person would write it: ``w[2, 0]``, ``z[1].imag``, or the bare name."""
        return entry_name(self.name, self.index(entry), self.part(entry))


def entry_name(name: str, index: tuple[int, ...], part: str = "") -> str:
    """An entry of a tensor as a person would write it."""
    return f"{name}{list(index) if index else ''}{f'.{part}' if part else ''}"


@final
@dataclass(frozen=True, slots=True)
class Carried:
    """A leaf that is handed to the cost as it is and not checked, and why (``frozen``, ``int64``, ``empty``, ...)."""

    name: str
    reason: str


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """How theta is made: the checked parameters in order, and the leaves that are only carried."""

    parameters: tuple[Parameter, ...]
    carried: tuple[Carried, ...] = ()

    @classmethod
    def of(cls, tensors: Sequence[tuple[str, tuple[int, ...], str]], carried: Sequence[Carried] = ()) -> Self:
        """Lay out ``(name, shape, dtype)`` triples one behind the other.

        Raises
        ------
        InvalidInputError
            If there is nothing to check, or two leaves have one name.
        """
        names = Counter([name for name, _, _ in tensors] + [leaf.name for leaf in carried])
        repeated = [name for name, count in names.items() if count > 1]
        if repeated:
            clash = f"two leaves are both named `{repeated[0]}`, their keys joined by dots"
            msg = f"`params`: {clash}; rename one of the keys"
            raise InvalidInputError(msg)
        if not tensors:
            listed = ", ".join(f"`{leaf.name}` ({leaf.reason})" for leaf in carried)
            held = f"only {listed}" if listed else "it is empty"
            msg = f"`params` holds nothing that can be checked: {held}; pass arrays or tensors of a floating dtype"
            raise InvalidInputError(msg)
        parameters: list[Parameter] = []
        start = 0
        for name, shape, dtype in tensors:
            parameters.append(Parameter(name, tuple(shape), dtype, start))
            start += parameters[-1].size
        return cls(tuple(parameters), tuple(carried))

    @property
    def size(self) -> int:
        """The length n of theta."""
        return sum(parameter.size for parameter in self.parameters)

    def tensors(self, vector: FloatVector) -> list[npt.NDArray[np.float64 | np.complex128]]:
        """A vector of theta's length as one array for each parameter, of its shape."""
        return [parameter.tensor(vector[parameter.range]) for parameter in self.parameters]


@final
@dataclass(frozen=True, slots=True)
class Gradient:
    """A gradient laid out as theta is.

    Attributes
    ----------
    d_theta : numpy.ndarray
        float64, shape ``(n,)``, in theta's order.
    dtypes : tuple of str
        For each parameter the dtype in which its gradient came, which bounds how exact it can be.
    notes : tuple of str
        What a reader of the report should know, e.g. that a gradient was None and counted as zero.
    """

    d_theta: FloatVector
    dtypes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, layout: Layout, tensors: Iterable[tuple[npt.NDArray[Any], str] | None], *, conjugates: bool = False
    ) -> Self:
        """Lay out the gradients by the parameters, in their order, each with the dtype in which it came.

        None is a gradient of zero, with a note. An iterator is asked for one at a time, since together they are as
        large as theta. `conjugates` is as `as_pairs` takes it.
        """
        d_theta = np.zeros(layout.size)
        dtypes, notes = [], []
        for parameter, given in zip(layout.parameters, tensors, strict=True):
            array, dtype = given or (None, parameter.dtype)
            dtypes.append(dtype)
            if array is None:
                notes.append(f"`{parameter.name}`: the cost does not use it, so its gradient counts as zero")
            elif parameter.is_complex:
                d_theta[parameter.range] = as_pairs(array, conjugates)
            else:
                d_theta[parameter.range] = array.real.reshape(-1)
        return cls(d_theta, tuple(dtypes), tuple(notes))


def as_pairs(gradient: npt.NDArray[np.generic], conjugates: bool) -> FloatVector:
    """A gradient by complex entries as theta has them, dJ/dx and dJ/dy side by side.

    It came as dJ/dx + i dJ/dy, or conjugated; a real one is dJ/dx, with dJ/dy zero.

    Examples
    --------
    >>> as_pairs(np.array([1 + 2j]), conjugates=True)
    array([ 1., -2.])
    """
    wide = np.asarray(gradient, dtype=np.complex128).reshape(-1)
    return (np.conj(wide) if conjugates else wide).view(np.float64)

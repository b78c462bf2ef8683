"""What a cost returns, as the float J: a scalar itself, or tensors contracted with fixed random weights."""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from . import trees

Array = npt.NDArray[Any]
T = TypeVar("T")
ToNumpy = Callable[[object], npt.NDArray[np.generic]]

_CURE = "return a scalar, or a tensor or structure of tensors of a floating dtype"


@final
@dataclass(frozen=True, slots=True)
class CostValue:
    """J at one theta, the unit roundoff of the dtype it came in, and how many numbers were contracted to it."""

    value: float
    roundoff: float
    outputs: int


@final
@dataclass(frozen=True, slots=True)
class Contraction:
    """Contracts the outputs of a cost to J.

    One number is J itself. Several are summed with fixed weights, drawn once from `seed` with random signs and sizes
    in [0.5, 1.5], so that every entry of a Jacobian takes part in the check and none is drowned.
    """

    seed: int

    def weights(self, shapes: Sequence[tuple[int, ...]]) -> list[npt.NDArray[np.float64]]:
        """The weights for outputs of these shapes: exactly 1 if there is only one number in all.

        A complex output counts as a real one with a last axis of two, see `as_real`.
        """
        return list(_weights(self.seed, tuple(shapes)))

    def value(self, returned: object, to_numpy: ToNumpy) -> CostValue:
        """J from what a cost returned; InvalidInputError if that has no number of a floating dtype."""
        if isinstance(returned, float):  # the usual case, and np.float64 too
            return CostValue(float(returned), _FLOAT64_ROUNDOFF, 1)
        if trees.is_leaf(returned):  # the usual case elsewhere: one number, whose weight is exactly 1
            array = _array(returned, to_numpy)
            if array.size == 1 and array.dtype in _ROUNDOFF_OF_FLOATS:
                return CostValue(float(array.item()), _ROUNDOFF_OF_FLOATS[array.dtype], 1)
        arrays = [as_real(array) for array in _numbers(returned, to_numpy)]
        roundoff = max(roundoff_of(array.dtype) for array in arrays)
        return CostValue(self._contract(arrays).real, roundoff, sum(array.size for array in arrays))

    def number(self, returned: object, to_numpy: ToNumpy) -> float:
        """Only J."""
        return returned if type(returned) is float else self.value(returned, to_numpy).value

    def complex_value(self, returned: object, to_numpy: ToNumpy) -> complex:
        """J from what a cost of complex params returned, with the weights that its real outputs have.

        A complex number; a float where everything returned is real.
        """
        return self._contract(_numbers(returned, to_numpy))

    def _contract(self, arrays: list[Array]) -> complex:
        """The weighted sum in double precision, a float where all arrays are real."""
        weights = _weights(self.seed, tuple(array.shape for array in arrays))
        products = (np.sum(weight * widen(array)).item() for weight, array in zip(weights, arrays, strict=True))
        return sum(products, start=0.0)


_FLOAT64_ROUNDOFF = float(np.finfo(np.float64).eps) / 2


def as_real(array: Array) -> Array:
    """A complex array as a real one with a last axis of two, the real and the imaginary part; a real one as it is."""
    if array.dtype.kind != "c":
        return array
    return np.stack([array.real, array.imag], axis=-1)


def floating_tensors(
    returned: object,
    through: str,
    tensors: tuple[type, ...],
    convert: Callable[[Array], T],
    is_inexact: Callable[[Any], bool],
) -> list[T]:
    """The floating tensors among what a cost returned, in the order in which they are contracted.

    Python's numbers and NumPy's arrays count if they stand beside one of `tensors`; `convert` makes tensors of them.
    Raises InvalidInputError, naming what it would be differentiated `through`, if there is no floating tensor.
    """

    def is_floating_tensor(leaf: Any) -> bool:
        return isinstance(leaf, tensors) and is_inexact(leaf)

    leaves: list[Any] = [leaf.value for leaf in trees.leaves(returned)]
    if not any(map(is_floating_tensor, leaves)):
        raise cannot_differentiate(returned, through)
    plain = (float, complex, np.ndarray, np.generic)
    found = (convert(np.asarray(leaf)) if isinstance(leaf, plain) else leaf for leaf in leaves)
    return list(filter(is_floating_tensor, found))


def cannot_differentiate(returned: object, through: str) -> InvalidInputError:
    """What a cost that returned no tensor of the framework is refused with, if its gradient is asked for."""
    return InvalidInputError(
        f"`cost` returned {type(returned).__name__}, through which {through} cannot differentiate; return the tensor "
        "(without .item(), float() or .numpy()), or pass `grads`"
    )


def is_floating(dtype: np.dtype[np.generic]) -> bool:
    """Whether a NumPy dtype is a real floating one, counting the extension types bfloat16 and float8."""
    return dtype.kind == "f" or dtype.name.startswith(("bfloat", "float"))


def is_inexact(dtype: np.dtype[np.generic]) -> bool:
    """Whether numbers of a dtype can be moved a little: a floating one, or a complex one."""
    return is_floating(dtype) or dtype.kind == "c"


def roundoff_of(dtype: np.dtype[np.generic] | str) -> float:
    """The unit roundoff, half the spacing at 1, of a floating dtype or of its name; bfloat16 too, known here or not."""
    name = dtype if isinstance(dtype, str) else dtype.name
    if name.startswith("float8_"):
        mantissa = re.search(r"m(\d+)", name)
        return 2.0 ** -(int(mantissa[1]) + 1) if mantissa else 0.5
    return _ROUNDOFFS.get(name, _FLOAT64_ROUNDOFF)


def is_below_float64(dtype: str) -> bool:
    """Whether a dtype, by its name, rounds more coarsely than float64."""
    return roundoff_of(dtype) > _FLOAT64_ROUNDOFF


def agree(one: Sequence[Array], other: Sequence[Array]) -> bool:
    """Whether two evaluations of one cost returned the same, except for rounding in another order."""
    return len(one) == len(other) and all(map(_agree, one, other))


def _agree(one: Array, other: Array) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    here, there = widen(one), widen(other)
    allowed = ROUNDINGS * roundoff_of(one.dtype) * np.max(np.abs(there), initial=0.0)
    return bool(np.all(np.abs(here - there) <= allowed))


ROUNDINGS = 64.0
"""Unit roundoffs by which two right computations may differ: sums in another order do so, dropout does not. A sum
moves by about the square root of its number of terms, here 4096."""

_ROUNDOFFS = {
    "float64": _FLOAT64_ROUNDOFF,
    "complex128": _FLOAT64_ROUNDOFF,
    "float32": 2.0**-24,
    "complex64": 2.0**-24,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}

_ROUNDOFF_OF_FLOATS = {
    dtype: roundoff_of(dtype) for dtype in (np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.float16))
}
"""What NumPy calls by the same names everywhere; a look-up by dtype takes a tenth of one by its name."""


@functools.lru_cache(maxsize=8)
def _weights(seed: int, shapes: tuple[tuple[int, ...], ...]) -> tuple[npt.NDArray[np.float64], ...]:
    if sum(int(np.prod(shape)) for shape in shapes) == 1:
        return tuple(np.ones(shape) for shape in shapes)
    generator = np.random.default_rng(seed)
    # asarray: of shape () the product is a NumPy scalar
    return tuple(
        np.asarray(generator.choice([-1.0, 1.0], size=shape) * generator.uniform(0.5, 1.5, size=shape))
        for shape in shapes
    )


def widen(array: Array) -> Array:
    """An array in double precision, real or complex."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _numbers(returned: object, to_numpy: ToNumpy) -> list[Array]:
    arrays = [_array(leaf.value, to_numpy) for leaf in trees.leaves(returned)]
    floating = [array for array in arrays if is_inexact(array.dtype)]
    if len(arrays) == 1 and arrays[0].size == 1 and arrays[0].dtype.kind in "iu":
        floating = [arrays[0].astype(np.float64)]  # e.g. a hinge loss that returns a plain 0
    if not floating:
        kinds = ", ".join(sorted({str(array.dtype) for array in arrays})) or type(returned).__name__
        msg = f"`cost` returned nothing of a floating dtype, but {kinds}; {_CURE}"
        raise InvalidInputError(msg)
    if not any(array.size for array in floating):
        shapes = ", ".join(str(array.shape) for array in floating)
        msg = f"`cost` returned an empty tensor (shape {shapes}); {_CURE}"
        raise InvalidInputError(msg)
    return floating


def _array(leaf: object, to_numpy: ToNumpy) -> Array:
    if leaf is None or isinstance(leaf, str | bytes | bool):
        msg = f"`cost` returned {leaf!r} ({type(leaf).__name__}); {_CURE}"
        raise InvalidInputError(msg)
    return np.asarray(leaf) if isinstance(leaf, int | float | complex) else to_numpy(leaf)

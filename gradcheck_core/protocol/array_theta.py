"""Theta in NumPy arrays, and a framework's tensors made anew from what was written: the caller's are never touched."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from . import trees
from .backend import Entries
from .layout import Carried, ComplexVector, FloatVector, Layout


class Tensors(Protocol):
    """What has to be known of a framework's tensors; `ArrayBackend` has the law of each."""

    tensors: ClassVar[tuple[type, ...]]

    def to_numpy(self, leaf: Any) -> npt.NDArray[Any]: ...

    def dtype_of(self, leaf: Any) -> str: ...

    def tensor(self, values: npt.NDArray[Any], dtype: str, like: Any) -> Any: ...


@final
class ArrayTheta:
    """The checked parameters of a structure as arrays, and the structure with tensors of any values in their place.

    Parameters
    ----------
    framework : Tensors
        Whose tensors the structure holds.
    params : object
        The caller's structure.
    precision : str
        As `Backend.open` takes it.

    Attributes
    ----------
    layout : Layout
        Of the parameters.
    host : list of numpy.ndarray
        Their present values.
    dtypes : list of str
        Those of the tensors made of them.
    """

    def __init__(self, framework: Tensors, params: object, precision: str) -> None:
        self._framework = framework
        self._given = trees.leaves(params)
        self._leaves = [leaf.value for leaf in self._given]
        self._rebuild = trees.rebuilder(params)
        self._positions: list[int] = []
        self.host: list[npt.NDArray[Any]] = []
        self.dtypes: list[str] = []
        tensors: list[tuple[str, tuple[int, ...], str]] = []
        carried: list[Carried] = []
        for position, leaf in enumerate(self._given):
            reason = why_carried(leaf, framework.tensors, self.dtype_of, self.array)
            if reason is not None:
                carried.append(Carried(leaf.name, reason))
                self._leaves[position] = self._copied(leaf.value)
                continue
            values, dtype = self.array(leaf.value), self.dtype_of(leaf.value)
            held = values.dtype if precision == "native" else np.promote_types(values.dtype, precision)
            self._positions.append(position)
            self.host.append(np.array(values, dtype=held, order="C"))
            self.dtypes.append(dtype if precision == "native" else held.name)
            tensors.append((leaf.name, values.shape, dtype))
        self.layout = Layout.of(tensors, carried)
        # None where the array was written since; else the tensor has the truth, since a cost may overwrite it
        self._placed: list[Any] = [None] * len(tensors)

    def read(self, parameter: int) -> FloatVector:
        """As `Problem.read`."""
        values = self._framework.to_numpy(self.tensors()[parameter]).reshape(-1)
        if not self.layout.parameters[parameter].is_complex:
            return values.real.astype(np.float64)
        return values.astype(np.complex128).view(np.float64)

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        """As `Problem.write`."""
        self.layout.parameters[parameter].numbers(self.host[parameter])[entries] = values
        self._placed[parameter] = None

    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        """As `Problem.write_complex`."""
        self.host[parameter].reshape(-1)[entries] = values
        self._placed[parameter] = None

    def tensors(self) -> list[Any]:
        """The checked tensors at the present theta."""
        for i, host in enumerate(self.host):
            if self._placed[i] is None:
                self._placed[i] = self.tensor(i, host)
        return list(self._placed)

    def tensor(self, parameter: int, values: npt.NDArray[Any]) -> Any:
        """A new tensor of other values, of the dtype and on the device of a parameter."""
        given = self._given[self._positions[parameter]].value
        return self._framework.tensor(values, self.dtypes[parameter], given)

    def structure(self, tensors: Sequence[Any]) -> object:
        """The caller's structure with these as its checked tensors."""
        leaves = list(self._leaves)
        for position, tensor in zip(self._positions, tensors, strict=True):
            leaves[position] = tensor
        return self._rebuild(iter(leaves))

    def rebound(self, tensors: Sequence[Any], structure: object) -> str | None:
        """Where a structure made of these tensors no longer has them; None where it does."""
        paths = [self._given[position].path for position in self._positions]
        handed = [trees.Leaf(path, tensor) for path, tensor in zip(paths, tensors, strict=True)]
        return trees.rebound(handed, trees.leaves(structure))

    def array(self, leaf: object) -> npt.NDArray[Any]:
        """The values of a tensor, or of one of Python's own numbers."""
        return self._framework.to_numpy(leaf) if isinstance(leaf, self._framework.tensors) else np.asarray(leaf)

    def dtype_of(self, leaf: object) -> str:
        """The name of its dtype."""
        is_tensor = isinstance(leaf, self._framework.tensors)
        return self._framework.dtype_of(leaf) if is_tensor else np.asarray(leaf).dtype.name

    def _copied(self, leaf: object) -> object:
        if not isinstance(leaf, self._framework.tensors):
            return leaf
        return self._framework.tensor(self.array(leaf), self.dtype_of(leaf), leaf)


def why_carried(
    leaf: trees.Leaf,
    tensors: tuple[type, ...],
    dtype_of: Callable[[object], str],
    to_numpy: Callable[[object], npt.NDArray[Any]],
) -> str | None:
    """Why a leaf is handed on and not checked; None where it is checked: a floating tensor, or a Python float.

    Raises
    ------
    InvalidInputError
        If it is an array of objects.
    """
    if not isinstance(leaf.value, (*tensors, float, complex)):
        return type(leaf.value).__name__
    dtype = dtype_of(leaf.value)
    if dtype == "object":
        msg = f"`params`: `{leaf.name}` has dtype object; pass floating arrays, all rows of one length"
        raise InvalidInputError(msg)
    if not dtype.startswith(("float", "bfloat", "complex")):
        return dtype
    return None if to_numpy(leaf.value).size else "empty"

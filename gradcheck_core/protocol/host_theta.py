"""Theta in NumPy arrays on the host, which is where most backends hold it, and which leaves it is made of."""

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from . import trees
from .backend import Entries, Problem
from .layout import Carried, ComplexVector, FloatVector, Layout
from .trees import Leaf

Array = npt.NDArray[Any]


def why_carried(name: str, dtype: str, size: int, *, frozen: bool = False) -> str | None:
    """Why an array is handed to the cost and not checked; None if it is checked. An array of objects is refused."""
    if dtype == "object":
        msg = f"`params`: `{name}` has dtype object; pass floating arrays, all rows of one length"
        raise InvalidInputError(msg)
    if not dtype.startswith(("float", "bfloat", "complex")):
        return dtype
    if frozen:
        return "frozen"
    return None if size else "empty"


def why_tied(name: str, tensor: object, seen: dict[int, str]) -> str | None:
    """Why a tensor that was met before is not checked again; `seen` has the first name by identity."""
    first = seen.setdefault(id(tensor), name)
    return None if first == name else f"tied to {first}"


@final
@dataclass(frozen=True, slots=True)
class HostTheta:
    """The checked leaves of a structure.

    The arrays are copies in C order; a subclass such as `numpy.matrix` stays one. The positions are those of the
    parameters among all leaves.
    """

    layout: Layout
    arrays: tuple[Array, ...]
    positions: tuple[int, ...]


def hold(
    leaves: Sequence[Leaf],
    reasons: Sequence[str | None],
    array: Callable[[Leaf], Array],
    dtype_of: Callable[[Leaf], str],
    precision: str,
) -> HostTheta:
    """Copy the checked leaves into arrays, of the dtype that `Backend.open` is asked for by `precision`.

    `reasons` says for each leaf why it is only carried, or None. `array` and `dtype_of` give a leaf's values and the
    name of its own dtype. Raises InvalidInputError if nothing is left to check.
    """
    carried = [Carried(leaf.name, reason) for leaf, reason in zip(leaves, reasons, strict=True) if reason is not None]
    positions = tuple(i for i, reason in enumerate(reasons) if reason is None)
    given = [array(leaves[i]) for i in positions]
    layout = Layout.of(
        [(leaves[i].name, values.shape, dtype_of(leaves[i])) for i, values in zip(positions, given, strict=True)],
        carried,
    )
    held = [values.dtype if precision == "native" else np.promote_types(values.dtype, precision) for values in given]
    arrays = (np.array(v, dtype=dtype, order="C", subok=True) for v, dtype in zip(given, held, strict=True))
    return HostTheta(layout, tuple(arrays), positions)


class HostProblem(Problem):
    """A problem whose theta is in arrays on the host, which are this problem's own.

    `leaves` are all leaves of the user's structure, and `rebuild` makes the structure of them, as `trees.rebuilder`
    does.
    """

    def __init__(self, theta: HostTheta, leaves: Sequence[Leaf], rebuild: Callable[[Iterator[object]], object]) -> None:
        self._layout = theta.layout
        self._host = theta.arrays
        self._positions = theta.positions
        self._leaves = [leaf.value for leaf in leaves]
        self._paths = [leaf.path for leaf in leaves]
        self._rebuild = rebuild
        self._numbers = [p.numbers(np.asarray(a)) for p, a in zip(theta.layout.parameters, theta.arrays, strict=True)]
        self._written = set(range(len(theta.arrays)))
        self._handed: tuple[Sequence[object], object] = ((), None)

    @property
    @final
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        return self._numbers[parameter].real.astype(np.float64)

    @final
    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        self._numbers[parameter][entries] = values
        self._written.add(parameter)

    @final
    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        self._numbers[parameter][entries] = values
        self._written.add(parameter)

    def params(self) -> object:
        self._flush()
        return self._rebuild(iter(self._leaves))

    def changed_structure(self) -> str | None:
        return trees.find_rebound(self._handed_leaves(), trees.leaves(self._handed[1]))

    def close(self) -> None:
        """Theta is held in copies: there is nothing to give back."""

    @abc.abstractmethod
    def _place(self, parameter: int) -> None:
        """Let the structure have a parameter's present values."""

    def _flush(self) -> None:
        """Place the parameters that were written to since the last time."""
        for parameter in self._written:
            self._place(parameter)
        self._written.clear()

    def _checked_leaves(self) -> list[Any]:
        """The checked leaves at the present theta."""
        self._flush()
        return [self._leaves[position] for position in self._positions]

    def _with(self, checked: Sequence[object]) -> list[object]:
        """All leaves, with these as the checked ones."""
        replaced = list(self._leaves)
        for position, leaf in zip(self._positions, checked, strict=True):
            replaced[position] = leaf
        return replaced

    def _hand(self) -> object:
        """The structure at the present theta, which is noted as what the cost is handed."""
        self._handed = (self._checked_leaves(), self.params())
        return self._handed[1]

    def _handed_leaves(self) -> list[Leaf]:
        paths = (self._paths[position] for position in self._positions)
        return [Leaf(path, leaf) for path, leaf in zip(paths, self._handed[0], strict=False)]

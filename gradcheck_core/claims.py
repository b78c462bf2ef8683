"""The claimed gradient: what the user passed as `grads`, in any of its forms, laid out as theta is."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from . import trees
from .errors import InvalidInputError
from .outputs import ToNumpy, is_floating
from .protocol import FloatVector, Gradient, Layout

DtypeOf = Callable[[object], str]


def lay_out(
    grads: object, layout: Layout, to_numpy: ToNumpy, conjugates: bool = False, dtype_of: DtypeOf | None = None
) -> Gradient:
    """Lay a claimed gradient out as theta is.

    Parameters
    ----------
    grads : object
        The params' own structure; or a mapping from parameter name; or a flat vector of shape ``(n,)``; or, where
        the names do not match but the number does, a list or tuple with one array for each parameter in order. The
        arrays may be any framework's; None stands for zero.
    layout : Layout
        Of theta.
    to_numpy : callable
        From any framework's array to a NumPy array.
    dtype_of : callable, optional
        From any framework's array to the name of its own dtype, where NumPy does not know that; None (default): that of
        the NumPy array.
    conjugates : bool
        Whether gradients by complex parameters come as dJ/dx - i dJ/dy, `Backend.conjugates`; else dJ/dx + i dJ/dy.

    Raises
    ------
    InvalidInputError
        If a gradient is missing, extra, of another shape or of no floating dtype, or complex where its parameter is
        real; naming it.
    """
    if grads is None:
        msg = "`grads` is a function that returned None; return the gradient, in the structure of `params` or by name"
        raise InvalidInputError(msg)
    found = trees.leaves(grads)
    named = {leaf.name: leaf.value for leaf in found}
    if len(named) < len(found):
        repeated = next(leaf.name for i, leaf in enumerate(found) if leaf.name in [other.name for other in found[:i]])
        msg = f"`grads`: two gradients are both named `{repeated}`, their keys joined by dots; pass each once"
        raise InvalidInputError(msg)
    if list(named) == [trees.ROOT_NAME]:
        return _from_bare(named[trees.ROOT_NAME], layout, to_numpy, conjugates, dtype_of)
    names = [parameter.name for parameter in layout.parameters]
    positional = isinstance(grads, list | tuple) and len(named) == len(names) and not set(named) & set(names)
    if positional:
        named = dict(zip(names, named.values(), strict=True))
    carried = {leaf.name for leaf in layout.carried}
    missing = [name for name in names if name not in named]
    extra = [name for name in named if name not in names and name not in carried]
    if missing or extra:
        msg = (
            f"`grads`: {_listed('missing', missing)}{_listed('not a checked parameter', extra)}"
            f"pass one gradient for each of {', '.join(names)}, in the structure of `params` or by name"
        )
        raise InvalidInputError(msg)
    return _gather({name: named[name] for name in names}, layout, to_numpy, conjugates, dtype_of)


def _listed(label: str, names: list[str]) -> str:
    return f"{label}: {', '.join(f'`{name}`' for name in names)}; " if names else ""


def _from_bare(
    value: object, layout: Layout, to_numpy: ToNumpy, conjugates: bool, dtype_of: DtypeOf | None
) -> Gradient:
    array = to_numpy(value)
    only = layout.parameters[0]
    if len(layout.parameters) == 1 and array.shape == only.shape:
        return _gather({only.name: value}, layout, to_numpy, conjugates, dtype_of)
    if array.shape != (layout.size,):
        shapes = ", ".join(f"`{p.name}` {p.shape}" for p in layout.parameters)
        msg = (
            f"`grads`: one array of shape {array.shape} came; pass the structure of `params` ({shapes}) "
            f"or a flat vector of shape ({layout.size},)"
        )
        raise InvalidInputError(msg)
    _require_numbers("grads", value, array, "iu")
    dtype = array.dtype.name if dtype_of is None else dtype_of(value)
    return Gradient(array.astype(np.float64), tuple(dtype for _ in layout.parameters))


def _gather(
    named: Mapping[str, object], layout: Layout, to_numpy: ToNumpy, conjugates: bool, dtype_of: DtypeOf | None
) -> Gradient:
    d_theta = np.zeros(layout.size)
    dtypes: list[str] = []
    notes: list[str] = []
    for parameter in layout.parameters:
        value = named[parameter.name]
        if value is None:
            notes.append(f"`{parameter.name}`: the claimed gradient is None and counts as zero")
            dtypes.append("float64")
            continue
        array = to_numpy(value)
        if array.shape != parameter.shape:
            msg = (
                f"`grads`: `{parameter.name}` has shape {array.shape}, its parameter {parameter.shape}; "
                "a gradient has its parameter's shape"
            )
            raise InvalidInputError(msg)
        _require_numbers(f"grads[{parameter.name!r}]", value, array, "iuc" if parameter.is_complex else "iu")
        d_theta[parameter.range] = as_pairs(array, conjugates) if parameter.is_complex else array.reshape(-1)
        dtypes.append(array.dtype.name if dtype_of is None else dtype_of(value))
    return Gradient(d_theta, tuple(dtypes), tuple(notes))


def as_pairs(gradient: npt.NDArray[np.generic], conjugates: bool) -> FloatVector:
    """A gradient by complex entries as theta has them, dJ/dx and dJ/dy side by side.

    Parameters
    ----------
    gradient : numpy.ndarray
        Any shape; a real one is dJ/dx, with dJ/dy zero.
    conjugates : bool
        Whether it came as dJ/dx - i dJ/dy, not dJ/dx + i dJ/dy.

    Examples
    --------
    >>> as_pairs(np.array([1 + 2j]), conjugates=True)
    array([ 1., -2.])
    """
    wide = np.asarray(gradient, dtype=np.complex128).reshape(-1)
    return (np.conj(wide) if conjugates else wide).view(np.float64)


def _require_numbers(path: str, value: object, array: npt.NDArray[np.generic], besides: str) -> None:
    """Refuse what is of no floating dtype and of none of the kinds besides; integers are exact small numbers."""
    if array.dtype.kind not in besides and not is_floating(array.dtype):
        msg = f"`{path}` is {type(value).__name__} of dtype {array.dtype}; pass real floating arrays"
        raise InvalidInputError(msg)

"""Which backend is meant: by its name, or by the objects that it owns."""

import functools
import inspect
import sys

import numpy as np
import numpy.typing as npt

from ..errors import (
    BackendUnavailableError,
    GradcheckError,
    InvalidBackendError,
    InvalidInputError,
    UnknownBackendError,
)
from . import trees
from .backend import Backend, Capability
from .plugins import CAUSES_GROUP as CAUSES_GROUP
from .plugins import DEMO_GROUP as DEMO_GROUP
from .plugins import GROUP, describe, find_plugins, load_plugin, name_distributions
from .plugins import BackendInfo as BackendInfo
from .plugins import backends as backends
from .plugins import load_optional as load_optional


@functools.cache
def load_backend(name: str) -> Backend:
    """The backend of this name; imports its framework and no other.

    UnknownBackendError if no plugin has the name; BackendUnavailableError if the framework is not installed, or the
    plugin cannot be imported; InvalidBackendError if two plugins have the name, or it is not a usable `Backend`.
    """
    known = find_plugins(GROUP)
    if name not in known:
        msg = (
            f"`backend={name!r}`: no such backend; known are {', '.join(sorted(known))}. "
            f"A backend is registered under its framework's import name in the entry-point group {GROUP!r}"
        )
        raise UnknownBackendError(msg)
    info = describe(name, known[name])
    if not info.available:
        kind = InvalidBackendError if len(known[name]) > 1 else BackendUnavailableError
        msg = f"`backend={name!r}`: {info.reason}"
        raise kind(msg)
    return _validate(name, load_plugin(GROUP, name))


def owner_of(leaf: object) -> Backend | None:
    """The backend that an object belongs to; only frameworks already imported can have made it."""
    return next((backend for backend in _list_imported() if _owns(backend, leaf)), None)


def to_numpy(leaf: object) -> npt.NDArray[np.generic]:
    """Any framework's array, or a Python number, as a NumPy array; refused if no known framework owns it."""
    if isinstance(leaf, int | float | complex):
        return np.asarray(leaf)
    owner = owner_of(leaf)
    if owner is None:
        msg = f"{_type_name(leaf)} is not an array of a framework that is imported here; pass arrays or tensors"
        raise InvalidInputError(msg)
    return owner.to_numpy(leaf)


def dtype_of(leaf: object) -> str:
    """The name of an array's own dtype, or of a Python number's."""
    owner = None if isinstance(leaf, int | float | complex | np.ndarray) else owner_of(leaf)
    return owner.dtype_of(leaf) if owner is not None else np.asarray(leaf).dtype.name


def infer_backend(params: object) -> Backend:
    """The one backend that the leaves of `params` belong to, among the frameworks already imported."""
    owners: dict[str, tuple[Backend, str]] = {}
    types: set[str] = set()
    for leaf in trees.leaves(params):
        types.add(_type_name(leaf.value))
        owner = owner_of(leaf.value)
        if owner is not None:
            owners.setdefault(owner.name, (owner, f"`{leaf.name}` is {_type_name(leaf.value)}"))
    if len(owners) > 1:
        found = ", ".join(example for _, example in owners.values())
        msg = (
            f"`params` mixes frameworks ({', '.join(owners)}): {found}; "
            "convert the parameters to one framework, and pass fixed data of another through `args=`"
        )
        raise InvalidInputError(msg)
    if not owners:
        considered = ", ".join(backend.name for backend in _list_imported())
        msg = (
            f"`params` holds no array or tensor of an imported framework (considered: {considered}); "
            f"{_advise(params, sorted(types))}{_failures()}"
        )
        raise UnknownBackendError(msg)
    ((backend, _),) = owners.values()
    return backend


def _advise(params: object, types: list[str]) -> str:
    """Say what came in place of arrays, and what to pass."""
    if inspect.isroutine(params):
        return "it is a function; pass the function first and the parameters second"
    if not types:
        return "it is empty; pass arrays, tensors or a model"
    if types == ["float"]:
        return "it holds Python floats; pass arrays, e.g. np.array([1.0, 2.0])"
    return f"it holds {', '.join(types)}; pass arrays, tensors or a model, or name the backend with `backend=`"


def _validate(name: str, loaded: object) -> Backend:
    shipped = ", ".join(name_distributions(point) for point in find_plugins(GROUP)[name])
    blame = f"the plugin `{name}` of {shipped}"
    if not (isinstance(loaded, type) and issubclass(loaded, Backend)):
        msg = f"{blame} names {loaded!r}, which is not a subclass of gradcheck_core.protocol.Backend; name the class"
        raise InvalidBackendError(msg)
    if inspect.isabstract(loaded):
        missing = ", ".join(sorted(loaded.__abstractmethods__))
        msg = f"{blame} does not define {missing}; every method of the protocol is needed"
        raise InvalidBackendError(msg)
    try:
        backend = loaded()
        declared, capabilities = backend.name, frozenset(backend.capabilities)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        msg = f"{blame} fails when it is made: {problem}; it takes no arguments and has a name and capabilities"
        raise InvalidBackendError(msg) from error
    unknown = sorted(str(capability) for capability in capabilities if not isinstance(capability, Capability))
    if unknown:
        msg = f"{blame} declares {', '.join(unknown)}; capabilities are members of gradcheck_core.protocol.Capability"
        raise InvalidBackendError(msg)
    if declared != name:
        msg = f"{blame} calls itself {declared!r}; the entry point's name and `Backend.name` must be the same"
        raise InvalidBackendError(msg)
    return backend


def _list_imported() -> list[Backend]:
    """Usable backends of frameworks already imported; a broken plugin is passed over here, never fatal."""
    found = []
    for name in _names():
        if name in sys.modules and (backend := _try_load(name)) is not None:
            found.append(backend)
    return found


@functools.cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(find_plugins(GROUP)))


@functools.cache
def _try_load(name: str) -> Backend | None:
    try:
        return load_backend(name)
    except GradcheckError:
        return None


def _owns(backend: Backend, leaf: object) -> bool:
    try:
        return backend.owns(leaf)
    except Exception:  # this breaks the protocol's law, and must not break the other backends
        return False


def _failures() -> str:
    broken = [name for name in _names() if name in sys.modules and _try_load(name) is None]
    return f". Passed over as broken: {', '.join(broken)} (`gradcheck backends --load` says why)" if broken else ""


def _type_name(leaf: object) -> str:
    kind = type(leaf)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

"""Discovery of backends by entry points: the only module that knows stevedore."""

import functools
import importlib.metadata
import importlib.util
import inspect
import sys
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import final

import numpy as np
import numpy.typing as npt
from stevedore import DriverManager, NamedExtensionManager

from ..errors import (
    BackendUnavailableError,
    GradcheckError,
    InvalidBackendError,
    InvalidInputError,
    UnknownBackendError,
)
from . import trees
from .backend import Backend, Capability

GROUP = "gradcheck.backends"
"""Entry-point group in which a distribution registers a `Backend` class under its framework's import name."""

DEMO_GROUP = "gradcheck.demos"
"""Entry-point group for a function that writes the demonstration network in that framework."""


@final
@dataclass(frozen=True, slots=True)
class BackendInfo:
    """One registered backend.

    Attributes
    ----------
    name : str
        The framework's import name, which is the backend's name too.
    available : bool
        Whether the framework is installed and exactly one plugin has the name.
    version : str
        The framework's version, empty where unknown.
    reason : str
        Why it is not available and what to do; empty if it is.
    distribution : str
        The distribution, with version, that ships the backend.
    """

    name: str
    available: bool
    version: str
    reason: str
    distribution: str


def backends() -> tuple[BackendInfo, ...]:
    """All registered backends by name; imports no framework and no plugin.

    Returns
    -------
    tuple of BackendInfo
        Sorted by name: those that can be used, and those that cannot, with the reason.

    Examples
    --------
    >>> [info.available for info in backends() if info.name == "numpy"]
    [True]
    """
    return tuple(_describe(name, points) for name, points in sorted(_entry_points(GROUP).items()))


@functools.cache
def load_backend(name: str) -> Backend:
    """The backend of this name; imports its framework and no other.

    Raises
    ------
    UnknownBackendError
        If no plugin has the name.
    BackendUnavailableError
        If the framework is not installed, or importing the plugin fails.
    InvalidBackendError
        If two plugins have the name, or the plugin is no usable `Backend`.
    """
    known = _entry_points(GROUP)
    if name not in known:
        msg = (
            f"`backend={name!r}`: no such backend; known are {', '.join(sorted(known))}. "
            f"A backend is registered under its framework's import name in the entry-point group {GROUP!r}"
        )
        raise UnknownBackendError(msg)
    info = _describe(name, known[name])
    if not info.available:
        kind = InvalidBackendError if len(known[name]) > 1 else BackendUnavailableError
        msg = f"`backend={name!r}`: {info.reason}"
        raise kind(msg)
    return _validated(name, _load(GROUP, name))


def load_demo(name: str) -> object | None:
    """What the demonstration plugin of this name exports, or None where there is no such plugin."""
    return _load(DEMO_GROUP, name) if name in _entry_points(DEMO_GROUP) else None


def owner_of(leaf: object) -> Backend | None:
    """The backend that an object belongs to; only frameworks already imported can have made it."""
    return next((backend for backend in _imported() if _owns(backend, leaf)), None)


def to_numpy(leaf: object) -> npt.NDArray[np.generic]:
    """Any framework's array, or a Python number, as a NumPy array.

    Raises
    ------
    InvalidInputError
        If the object is no array that a known framework owns.
    """
    if isinstance(leaf, int | float | complex):
        return np.asarray(leaf)
    owner = owner_of(leaf)
    if owner is None:
        msg = f"{_type_name(leaf)} is no array of a framework that is imported here; pass arrays or tensors"
        raise InvalidInputError(msg)
    return owner.to_numpy(leaf)


def dtype_of(leaf: object) -> str:
    """The name of an array's own dtype, or of a Python number's."""
    owner = None if isinstance(leaf, int | float | complex | np.ndarray) else owner_of(leaf)
    return owner.dtype_of(leaf) if owner is not None else np.asarray(leaf).dtype.name


def infer_backend(params: object) -> Backend:
    """The backend that the leaves of `params` belong to, among the frameworks already imported.

    Raises
    ------
    UnknownBackendError
        If no leaf belongs to any of them.
    InvalidInputError
        If leaves belong to more than one.
    """
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
        considered = ", ".join(backend.name for backend in _imported())
        msg = (
            f"`params` holds no array or tensor of an imported framework (considered: {considered}); it holds "
            f"{', '.join(sorted(types)) or 'nothing'}. Pass arrays, tensors or a model, or name the backend with "
            f"`backend=`{_failures()}"
        )
        raise UnknownBackendError(msg)
    ((backend, _),) = owners.values()
    return backend


def _entry_points(group: str) -> dict[str, list[EntryPoint]]:
    listed: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in NamedExtensionManager(group, names=[]).list_entry_points():
        # A distribution can be found twice (a wheel beside its checkout); the same target is no conflict.
        if point.value not in [known.value for known in listed[point.name]]:
            listed[point.name].append(point)
    return dict(listed)


def _shipped_by(point: EntryPoint) -> str:
    # stevedore's cached entry points do not say which distribution they are from.
    shipping = importlib.metadata.entry_points(group=point.group, name=point.name, value=point.value)
    found = sorted({f"{item.dist.name} {item.dist.version}" for item in shipping if item.dist is not None})
    return ", ".join(found) or "an unknown distribution"


def _describe(name: str, points: list[EntryPoint]) -> BackendInfo:
    distribution = ", ".join(_shipped_by(point) for point in points)
    version = _version(name)
    reason = ""
    if len(points) > 1:
        reason = f"{len(points)} plugins have this name ({distribution}); uninstall all but one"
    elif not _is_installed(name):
        reason = f"{name} is not installed: pip install {_requirement(name, points[0])}"
    elif not _is_installed(points[0].module.partition(".")[0]):
        reason = f"{distribution} names the module {points[0].module}, which is not there; reinstall or uninstall it"
    return BackendInfo(name, not reason, version, reason, distribution)


def _requirement(name: str, point: EntryPoint) -> str:
    ours = _shipped_by(point).partition(" ")[0] == "gradcheck"
    return f"'gradcheck[{name}]'" if ours else name


def _is_installed(module: str) -> bool:
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(name: str) -> str:
    if not _is_installed(name):
        return ""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return next((found.version for found in importlib.metadata.distributions() if _installs(found, name)), "")


def _installs(distribution: importlib.metadata.Distribution, name: str) -> bool:
    """Whether a distribution of a kindred name brings the package, e.g. tensorflow-cpu brings tensorflow."""
    if not (distribution.name or "").replace("-", "_").startswith(f"{name}_"):
        return False
    return f"\n{name}/__init__.py," in (distribution.read_text("RECORD") or "")


def _load(group: str, name: str) -> object:
    try:
        return DriverManager(group, name).driver
    except Exception as error:
        shipped = ", ".join(_shipped_by(point) for point in _entry_points(group)[name])
        msg = (
            f"the plugin `{name}` of {shipped} cannot be imported: {type(error).__name__}: {error}; "
            f"reinstall it (pip install --force-reinstall {shipped.partition(' ')[0]}) or its framework"
        )
        raise BackendUnavailableError(msg) from error


def _validated(name: str, loaded: object) -> Backend:
    shipped = ", ".join(_shipped_by(point) for point in _entry_points(GROUP)[name])
    blame = f"the plugin `{name}` of {shipped}"
    if not (isinstance(loaded, type) and issubclass(loaded, Backend)):
        msg = f"{blame} names {loaded!r}, which is no subclass of gradcheck_core.protocol.Backend; name the class"
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


def _imported() -> list[Backend]:
    """Usable backends of frameworks already imported; a broken plugin is passed over here, never fatal."""
    found = []
    for name in _names():
        if name in sys.modules and (backend := _try_load(name)) is not None:
            found.append(backend)
    return found


@functools.cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(_entry_points(GROUP)))


@functools.cache
def _try_load(name: str) -> Backend | None:
    try:
        return load_backend(name)
    except GradcheckError:
        return None


def _owns(backend: Backend, leaf: object) -> bool:
    try:
        return backend.owns(leaf)
    except Exception:  # breaks the protocol's law; it must not break the other backends
        return False


def _failures() -> str:
    broken = [name for name in _names() if name in sys.modules and _try_load(name) is None]
    return f". Passed over as broken: {', '.join(broken)} (`gradcheck backends --load` says why)" if broken else ""


def _type_name(leaf: object) -> str:
    kind = type(leaf)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

"""Registered plugins, found by entry points and described without importing them: only this module knows stevedore."""

import functools
import importlib.metadata
import importlib.util
import sys
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import final

from stevedore import DriverManager, NamedExtensionManager

from ..errors import BackendUnavailableError

GROUP = "gradcheck.backends"
"""Entry-point group in which a distribution registers a `Backend` class under its framework's import name."""

CAUSES_GROUP = "gradcheck.causes"
"""Entry-point group for a function that takes an open problem of that framework and returns its alterations."""

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
    return tuple(describe(name, points) for name, points in sorted(find_plugins(GROUP).items()))


@functools.cache
def load_optional(group: str, name: str) -> object | None:
    """What the plugin of this name exports in another group, or None if it registers nothing there."""
    return load_plugin(group, name) if name in find_plugins(group) else None


def find_plugins(group: str) -> dict[str, list[EntryPoint]]:
    """The entry points of a group by their names."""
    listed: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in NamedExtensionManager(group, names=[]).list_entry_points():
        # A distribution can be found twice (a wheel beside its checkout); the same target is not a conflict.
        if point.value not in [known.value for known in listed[point.name]]:
            listed[point.name].append(point)
    return dict(listed)


def name_distributions(point: EntryPoint) -> str:
    """The distribution that ships a plugin, with its version, for a person."""
    # stevedore's cached entry points do not say which distribution they are from.
    shipping = importlib.metadata.entry_points(group=point.group, name=point.name, value=point.value)
    found = sorted({f"{item.dist.name} {item.dist.version}" for item in shipping if item.dist is not None})
    return ", ".join(found) or "an unknown distribution"


def describe(name: str, points: list[EntryPoint]) -> BackendInfo:
    """Whether a backend can be used, and if not, why; imports nothing."""
    distribution = ", ".join(name_distributions(point) for point in points)
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
    ours = name_distributions(point).partition(" ")[0] == "gradcheck"
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
    """Whether a distribution of a similar name brings the package, e.g. tensorflow-cpu brings tensorflow."""
    if not (distribution.name or "").replace("-", "_").startswith(f"{name}_"):
        return False
    return f"\n{name}/__init__.py," in (distribution.read_text("RECORD") or "")


def load_plugin(group: str, name: str) -> object:
    """What a plugin's entry point names; BackendUnavailableError if it cannot be imported."""
    try:
        return DriverManager(group, name).driver
    except Exception as error:
        shipped = ", ".join(name_distributions(point) for point in find_plugins(group)[name])
        msg = (
            f"the plugin `{name}` of {shipped} cannot be imported: {type(error).__name__}: {error}; "
            f"reinstall it (pip install --force-reinstall {shipped.partition(' ')[0]}) or its framework"
        )
        raise BackendUnavailableError(msg) from error

"""Nestings of list, tuple, dict, namedtuple and dataclass: named leaves out, the same structure back in."""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, final

from ..errors import InvalidInputError

ROOT_NAME = "theta"
"""The name of a bare array, which has no path."""


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: its path from the root, a tuple of keys, attributes and positions, and the object there."""

    path: tuple[object, ...]
    value: Any

    @property
    def name(self) -> str:
        """The path's components joined by dots."""
        return join_path(self.path)


def join_path(path: Iterable[object]) -> str:
    """The name of a path: its components joined by dots, the same rule in every framework."""
    return ".".join(str(component) for component in path) or ROOT_NAME


def leaves(structure: object) -> list[Leaf]:
    """All leaves in order (dict keys as they were inserted); everything except a known container is a leaf.

    A container that contains itself is refused.
    """
    return list(_walk(structure, (), frozenset()))


def is_leaf(structure: object) -> bool:
    """Whether an object is not a known container."""
    return _children(structure) is None


def _walk(node: object, path: tuple[object, ...], ancestors: frozenset[int]) -> Iterator[Leaf]:
    children = _children(node)
    if children is None:
        yield Leaf(path, node)
        return
    if id(node) in ancestors:
        msg = f"the structure contains itself at `{join_path(path)}`; pass a structure without cycles"
        raise InvalidInputError(msg)
    for key, child in children:
        yield from _walk(child, (*path, key), ancestors | {id(node)})


def _children(node: object) -> list[tuple[object, object]] | None:
    if isinstance(node, dict):
        return list(node.items())
    if isinstance(node, tuple) and (fields := _namedtuple_fields(node)) is not None:
        return list(zip(fields, node, strict=True))
    if isinstance(node, list | tuple):
        return list(enumerate(node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return [(field.name, getattr(node, field.name)) for field in dataclasses.fields(node)]
    return None


def _namedtuple_fields(node: tuple[object, ...]) -> tuple[str, ...] | None:
    # The standard library gives namedtuples no type of their own; `_fields` is their documented mark.
    fields = getattr(type(node), "_fields", None)
    return fields if isinstance(fields, tuple) else None


def rebuilder(structure: object) -> Callable[[Iterator[object]], object]:
    """A function that builds the structure anew from its leaves, in the order in which `leaves` gives them.

    Containers are new in every call, so that a cost that rebinds one of them does not reach the next call.
    """
    children = _children(structure)
    if children is None:
        return next
    keys, nodes = zip(*children, strict=True) if children else ((), ())
    builders = [rebuilder(node) for node in nodes]
    if isinstance(structure, dict):
        return lambda new: _refill(structure, keys, [build(new) for build in builders])
    if isinstance(structure, tuple) and _namedtuple_fields(structure) is not None:
        kind: Callable[..., object] = type(structure)
        return lambda new: kind(*[build(new) for build in builders])
    if isinstance(structure, list | tuple):
        return lambda new: type(structure)([build(new) for build in builders])
    return lambda new: reassign(structure, keys, [build(new) for build in builders])


def copier(structure: object) -> Callable[[], object]:
    """A function that builds the structure anew with the same leaves each time, in what time it takes at least."""
    children = _children(structure)
    if children is not None and all(is_leaf(child) for _, child in children):
        if type(structure) is dict or type(structure) is list:
            return structure.copy
        if isinstance(structure, tuple):
            return lambda: structure
    build, values = rebuilder(structure), [leaf.value for leaf in leaves(structure)]
    return lambda: build(iter(values))


def _refill(original: dict[object, object], keys: tuple[object, ...], values: list[object]) -> object:
    if type(original) is dict:
        return dict(zip(keys, values, strict=True))
    built = copy.copy(original)
    for key, value in zip(keys, values, strict=True):
        built[key] = value
    return built


def reassign(original: object, names: Iterable[object], values: Iterable[object]) -> object:
    """A copy of an object, also of a frozen dataclass, with other values of some attributes."""
    built = copy.copy(original)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(built, str(name), value)
    return built


def find_rebound(handed: Iterable[Leaf], found: Iterable[Leaf]) -> str | None:
    """The first leaf handed out that is not found again, itself and in its place, for a person; or None."""
    present = {leaf.path: leaf.value for leaf in found}
    for leaf in handed:
        if present.get(leaf.path) is not leaf.value:
            return f"`{leaf.name}`"
    return None

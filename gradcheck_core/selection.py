"""Which parameters a check looks at: name patterns to parameters."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from .errors import InvalidInputError
from .protocol import Layout

Patterns = str | Sequence[str] | None
"""One name pattern, several, or none; `*` and `?` stand for any characters and any one character."""


def select(layout: Layout, include: Patterns, exclude: Patterns) -> tuple[int, ...]:
    """Positions in the layout of the parameters to check.

    Raises
    ------
    InvalidInputError
        If a pattern matches no parameter, so that a misspelt name never empties a check in silence, or if nothing
        is left to check.
    """
    names = [parameter.name for parameter in layout.parameters]
    included = _matching(names, include, "include") if include is not None else set(names)
    excluded = _matching(names, exclude, "exclude") if exclude is not None else set()
    chosen = tuple(i for i, name in enumerate(names) if name in included - excluded)
    if not chosen:
        msg = f"`include={include!r}, exclude={exclude!r}` leave no parameter to check; there are {_listed(names)}"
        raise InvalidInputError(msg)
    return chosen


def _matching(names: list[str], patterns: str | Sequence[str], argument: str) -> set[str]:
    matched: set[str] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            msg = f"`{argument}`: the pattern {pattern!r} matches no parameter; there are {_listed(names)}"
            raise InvalidInputError(msg)
        matched |= found
    return matched


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown

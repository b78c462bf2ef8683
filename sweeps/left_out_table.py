"""Which public functions a sweep leaves out and why, checked against what a framework really has."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path


def load(path: Path) -> dict[str, str]:
    """Dotted names and the reason why each is left out."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        f"{module}.{name}": reason
        for module, reasons in tables.items()
        for reason, names in reasons.items()
        for name in names.split()
    }


def gaps(public: Iterable[str], swept: Iterable[str], left_out: Mapping[str, str]) -> list[str]:
    """What is neither swept nor left out with a reason, or both, or left out and not there."""
    there, covered = set(public), set(swept)
    return [
        *(f"neither swept nor left out: {name}" for name in sorted(there - covered - set(left_out))),
        *(f"swept, and left out as well: {name}" for name in sorted(covered & set(left_out))),
        *(f"left out, but not there: {name}" for name in sorted(set(left_out) - there)),
    ]

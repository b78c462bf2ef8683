"""What every report can do, whatever it reports: say itself to programs, write itself as a page, and raise."""

import abc
import enum
import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

from ..errors import GradientCheckError, InvalidInputError
from .files import usable_path, write_whole
from .verdict import Verdict


class Report(abc.ABC):
    """A frozen record of what was found."""

    __slots__ = ()

    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether the verdict is CORRECT or INSPECT."""
        return self.verdict.passed

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with stable keys; numbers that are not finite become strings."""

    @abc.abstractmethod
    def _page(self) -> str:
        """The report as an HTML page. Law: it needs nothing but itself, and everything in it is escaped."""

    def to_json(self) -> str:
        """`to_dict` as strict JSON, indented by two spaces."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the report as one self-contained HTML page, with pictures; this needs the extra ``report``.

        Parameters
        ----------
        path : str or path
            Of the file; one that is there is replaced, whole or not at all.

        Raises
        ------
        MissingExtraError
            If Jinja2 or matplotlib is not installed.
        InvalidInputError
            If the file cannot be written there.
        """
        target = usable_path(path, "`path` of to_html")
        page = self._page().encode("utf-8")
        try:
            write_whole(target, page)
        except OSError as error:
            msg = (
                f"`to_html(path={str(path)!r})`: the page cannot be written there: {error.strerror or error}; "
                "pass a file in an existing folder that can be written to"
            )
            raise InvalidInputError(msg) from error

    def raise_if_failed(self) -> None:
        """Raise if the check did not pass.

        Raises
        ------
        GradientCheckError
            With the report as its message.
        """
        if not self.passed:
            message = f"\n{self}"
            raise GradientCheckError(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only mapping cannot be pickled; its contents can.
        values = [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]  # every report is one
        return type(self), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)


def finite(number: float) -> float | str:
    """A number as JSON has it; "nan", "inf" or "-inf" where JSON has none."""
    return number if math.isfinite(number) else str(number)


def to_plain(value: Any) -> Any:
    """A record and all that it holds as JSON has it: dicts, lists, texts and numbers."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return finite(value) if isinstance(value, float) else value

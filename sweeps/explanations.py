"""The cases that do not pass and why, kept in `exceptions/<framework>.toml`, held against what a sweep found."""

import enum
import fnmatch
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from harness import Outcome


@final
class Kind(enum.StrEnum):
    """Whose doing an exception is; the value is how the page says it."""

    NOT_DIFFERENTIABLE = "the operator is not differentiable there"
    DELIBERATE = "the gradient is deliberately another one"
    WRONG = "truly wrong in the framework"
    NOT_REPEATABLE = "not repeatable"
    NOT_SUPPORTED = "input not supported"
    LIMIT = "limit of the check"
    NOTHING = "there is nothing to differentiate"


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """Why some cases of one operator do not pass.

    Attributes
    ----------
    operator : str
        The operator's name, exactly.
    labels : str
        Which of its cases: a pattern as in a shell.
    results : tuple of str
        How they end: verdicts, names of exceptions' types.
    details : str
        What the outcome's detail says: a pattern as in a shell.
    count : int
        How many cases that are.
    kind : Kind
        Whose doing it is.
    cause : str
        Why, in a sentence.
    """

    operator: str
    labels: str
    results: tuple[str, ...]
    details: str
    count: int
    kind: Kind
    cause: str

    def covers(self, outcome: Outcome) -> bool:
        """Whether this explains an outcome."""
        return (
            outcome.operator == self.operator
            and outcome.result in self.results
            and fnmatch.fnmatchcase(outcome.label, self.labels)
            and fnmatch.fnmatchcase(outcome.detail, self.details)
        )


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """A gradient that is wrong in the framework: what it is, how that was confirmed, and lines that show it."""

    title: str
    text: str
    code: str


@final
@dataclass(frozen=True, slots=True)
class Explanations:
    """All of one framework."""

    exceptions: tuple[Explanation, ...]
    findings: tuple[Finding, ...]

    @classmethod
    def load(cls, path: Path) -> "Explanations":
        """Read a file of `[[exception]]` and `[[finding]]` tables; several operators may share one exception.

        ``operators`` maps each name to how many of its cases the exception has; ``results`` and, where given,
        ``labels`` and ``details`` narrow which.
        """
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        exceptions = tuple(
            Explanation(
                operator=operator,
                labels=table.get("labels", "*"),
                results=tuple(table["results"]),
                details=table.get("details", "*"),
                count=count,
                kind=Kind[table["kind"]],
                cause=table["cause"],
            )
            for table in tables.get("exception", ())
            for operator, count in table["operators"].items()
        )
        findings = tuple(Finding(**table) for table in tables.get("finding", ()))
        return cls(exceptions, findings)

    def unexplained(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes that do not pass and that no exception covers."""
        return [
            outcome
            for outcome in outcomes
            if not outcome.passed and not any(exception.covers(outcome) for exception in self.exceptions)
        ]

    def complaints(self, outcomes: Sequence[Outcome], swept: Iterable[str]) -> list[str]:
        """What the file does not say, or says and is not so, about the operators that were swept."""
        unlisted = [
            f"not listed: {outcome.operator} [{outcome.label}] {outcome.result}: {outcome.detail}"
            for outcome in self.unexplained(outcomes)
        ]
        operators = frozenset(swept)
        stale = [
            f"listed with {exception.count} cases, but {found} are so: {exception.operator} [{exception.labels}] "
            f"{', '.join(exception.results)}: {exception.cause}"
            for exception in self.exceptions
            if exception.operator in operators
            and (found := sum(exception.covers(outcome) for outcome in outcomes)) != exception.count
        ]
        return unlisted + stale

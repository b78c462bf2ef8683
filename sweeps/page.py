"""One framework's sweep as a page of the documentation."""

import datetime
import importlib.metadata
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from explanations import Explanation, Explanations, Kind
from gradcheck_core import Verdict
from harness import Case, Outcome


def render(
    framework: str,
    source: str,
    distributions: Iterable[str],
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    explained: Explanations,
) -> str:
    """The page, in Markdown."""
    sections = [
        _head(framework, source, distributions),
        _counts(cases, outcomes),
        _evaluations(outcomes),
        _findings(explained),
        _exceptions(explained),
        _unexplained(explained.unexplained(outcomes)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def left_out(functions: Mapping[str, str]) -> str:
    """A last section: the functions that are not swept, by the reason why."""
    names: dict[str, list[str]] = {}
    for name, reason in functions.items():
        names.setdefault(reason, []).append(f"`{name}`")
    if not names:
        return ""
    rows = [(reason, f"{len(listed):,}", ", ".join(listed)) for reason, listed in sorted(names.items())]
    return "\n## Left out\n\n" + _table(("reason", "how many", "functions"), rows) + "\n"


def _head(framework: str, source: str, distributions: Iterable[str]) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("gradcheck", *distributions))
    written = f"Written by `python sweeps/run.py {framework} --write` on {datetime.date.today()} with {versions}."
    return f"# Operators of {framework}\n\n{_wrap(source)}\n\n{_wrap(written)}"


def _counts(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> str:
    results = Counter(outcome.result for outcome in outcomes)
    verdicts = [verdict.value for verdict in Verdict]
    others = sorted(set(results) - set(verdicts))
    rows = [
        ("operators", len({case.operator for case in cases})),
        ("operators with every checked case CORRECT or INSPECT", len(_passing(outcomes))),
        ("samples", len(cases)),
        *_counted("left out", (case.left_out for case in cases)),
        ("checked", len(outcomes)),
        *_counted("of them in part", (case.in_part for case in cases if not case.left_out)),
        *((result, results[result]) for result in (*verdicts, *others)),
        ("evaluations of a cost", sum(outcome.evaluations for outcome in outcomes)),
    ]
    return "## Counts\n\n" + _table(("what", "how many"), [(name, f"{count:,}") for name, count in rows])


def _passing(outcomes: Sequence[Outcome]) -> frozenset[str]:
    checked = {outcome.operator for outcome in outcomes}
    return frozenset(checked - {outcome.operator for outcome in outcomes if not outcome.passed})


def _counted(what: str, reasons: Iterable[str]) -> list[tuple[str, int]]:
    return [(f"{what}: {reason}", count) for reason, count in sorted(Counter(reasons).items()) if reason]


def _evaluations(outcomes: Sequence[Outcome]) -> str:
    passed = [outcome for outcome in outcomes if outcome.passed]
    beyond = [outcome for outcome in passed if outcome.evaluations > outcome.promised_evaluations]
    kinked = [outcome for outcome in beyond if outcome.kinks]
    smooth = [outcome for outcome in beyond if not outcome.kinks]
    counts = (
        f"Unless it has kinks, a right gradient of n entries takes at most 2.5 n + 200 evaluations. Of {len(passed):,} "
        f"that passed, {len(beyond):,} took more, {len(kinked):,} of them with kinks."
    )
    text = f"## Evaluations\n\n{_wrap(counts)}"
    if not smooth:
        return text
    rows = [
        (f"`{outcome.operator}`", outcome.label, f"{outcome.entries:,}", f"{outcome.evaluations:,}")
        for outcome in smooth
    ]
    return f"{text}\n\nThose without:\n\n" + _table(("operator", "sample", "entries", "evaluations"), rows)


def _findings(explained: Explanations) -> str:
    if not explained.findings:
        return "## Findings\n\nNo gradient was found to be wrong in the framework itself."
    written = [
        f"### {finding.title}\n\n{finding.text.strip()}\n\n```python\n{finding.code.strip()}\n```"
        for finding in explained.findings
    ]
    return "\n\n".join(["## Findings", *written])


def _exceptions(explained: Explanations) -> str:
    if not explained.exceptions:
        return "## Exceptions\n\nNone: every case is CORRECT or INSPECT."
    parts = ["## Exceptions", "Every case that is neither CORRECT nor INSPECT, and its cause."]
    for kind in Kind:
        listed = [exception for exception in explained.exceptions if exception.kind is kind]
        if listed:
            title = kind.value[0].upper() + kind.value[1:]
            parts += [f"### {title}", _table(("cases", "result", "cause", "operators"), _rows(listed))]
    return "\n\n".join(parts)


def _unexplained(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    alike = Counter((outcome.operator, outcome.result) for outcome in outcomes)
    rows = [(f"{count:,}", result, f"`{operator}`") for (operator, result), count in sorted(alike.items())]
    return "### Not explained yet: faults of the checker until shown otherwise\n\n" + _table(
        ("cases", "result", "operator"), rows
    )


def _rows(exceptions: Iterable[Explanation]) -> list[tuple[str, ...]]:
    """One row for each cause: how many cases, how they end, why, and of which operators."""
    causes: dict[str, list[Explanation]] = {}
    for exception in exceptions:
        causes.setdefault(exception.cause, []).append(exception)
    return [
        (
            f"{sum(exception.count for exception in alike):,}",
            ", ".join(sorted({result for exception in alike for result in exception.results})),
            cause,
            ", ".join(f"`{exception.operator}` ({exception.count})" for exception in alike),
        )
        for cause, alike in sorted(causes.items(), key=lambda item: item[1][0].operator)
    ]


def _wrap(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

"""What the diagnosis says of every wrong gradient of the corpus, and how often it is right.

`python -m corpus.diagnoses` writes `docs/diagnoses.md`; NumPy alone, since the diagnosis knows no framework.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy_kit

from corpus import running
from corpus.catalogue import CASES
from corpus.names import true_names
from corpus.records import PATH

PAGE = Path(__file__).parents[2] / "docs" / "diagnoses.md"


@dataclass(frozen=True)
class Named:
    """A wrong parameter of a case: what was done to it, what it may be called, what it was called."""

    case: object
    parameter: str
    names: frozenset
    said: str | None

    @property
    def has_a_kind(self):
        """Whether the corpus has a name for it that the catalogue has too."""
        return self.case.claim.kind != PATH

    @property
    def is_false(self):
        return self.said is not None and self.said not in self.names


@dataclass(frozen=True)
class Shares:
    """Over all wrong parameters of a precision; and, by case, whether the one named first has the wrong rule."""

    named: tuple
    first: dict

    @property
    def with_a_kind(self):
        return [one for one in self.named if one.has_a_kind]

    @property
    def right(self):
        """Of those with a kind, the share with a name that is true of the numbers."""
        return sum(one.said in one.names for one in self.with_a_kind) / len(self.with_a_kind)

    @property
    def as_labelled(self):
        """The same, by the very name that the corpus has for it."""
        return sum(one.said == one.case.claim.kind for one in self.with_a_kind) / len(self.with_a_kind)

    @property
    def false(self):
        return sum(one.is_false for one in self.named) / len(self.named)

    @property
    def first_right(self):
        return sum(self.first.values()) / len(self.first)


@cache
def shares(precision="float64"):
    named, first = [], {}
    for case in CASES:
        if case.right or precision not in running.precisions("numpy", case.claim):
            continue
        report = running.check(numpy_kit.KIT, case, precision)
        first[case.name] = report.worst.name in case.claim.culprits
        for name in case.claim.parameters:
            diagnosis = report.parameters[name].diagnosis
            names = frozenset(true_names(case, name))
            named.append(Named(case, name, names, None if diagnosis is None else diagnosis.kind))
    return Shares(tuple(named), first)


HEAD = """# What the diagnosis says of the corpus

For every wrong gradient of the [mutation corpus](corpus.md), this page says which kind of mistake
the report names.

- A name is *right* if it is the name of the mistake that was made, or of another that would have
  made the same numbers to seven digits: two reversed entries look the same as two shifted ones.
  `tests/corpus/names.py` says which names these are, from the right gradient alone.
- *As labelled* counts only the corpus' own name. Five mistakes that have the name of a kind but
  leave no pattern, such as one example's gradient instead of the sum over all, count as not named
  in both columns.
- A name is *false* if it is neither, or if there is no pattern.
- *First* is the share of cases in which the parameter that the report names first has the wrong
  rule, rather than being one that the mistake was passed on to. The models have their parameters in
  the order from input to cost, as most do.

This page is written by `PYTHONPATH=tests:tests/kits python -m corpus.diagnoses`, with NumPy.
"""


def page():
    lines = [HEAD, "| precision | right | as labelled | false | first |", "| --- | ---: | ---: | ---: | ---: |"]
    for precision in running.PRECISIONS:
        found = shares(precision)
        cells = " | ".join(f"{x:.1%}" for x in (found.right, found.as_labelled, found.false, found.first_right))
        lines.append(f"| {precision} | {cells} |")
    lines += [
        "",
        "In float32 only the wrong parameters are measured, so the numbers of the others are not known.",
        "",
        "## By kind, in float64",
        "",
        "| kind of mistake | parameters | right | no name | false |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    named = shares().named
    for kind in dict.fromkeys(one.case.claim.kind for one in named):
        of_it = [one for one in named if one.case.claim.kind == kind]
        counts = Counter("none" if one.said is None else "false" if one.is_false else "right" for one in of_it)
        lines.append(f"| {kind} | {len(of_it)} | {counts['right']} | {counts['none']} | {counts['false']} |")
    lines += ["", "## Every wrong parameter, in float64", "", "| case | parameter | said | may be called |"]
    lines += ["| --- | --- | --- | --- |"]
    for one in named:
        may = ", ".join(sorted(one.names)) or "nothing"
        lines.append(f"| `{one.case.name}` | `{one.parameter}` | {one.said or ''} | {may} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page())

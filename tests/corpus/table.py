"""Writes docs/corpus.md: every case with its verdicts in all frameworks, each run in a process of its own.

Run from the checkout's root, with all frameworks installed: `PYTHONPATH=tests:tests/kits python -m corpus.table`.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from corpus import running
from corpus.catalogue import CASES, MODELS
from corpus.records import KINDS
from corpus.verdicts import NOT_MADE

PAGE = Path(__file__).parents[2] / "docs" / "corpus.md"
FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")
LETTERS = {"CORRECT": "C", "INSPECT": "I", "SUSPECT": "S", "BUG": "B", "INCONCLUSIVE": "?", NOT_MADE: "."}
ERROR = "!"

INTRODUCTION = """\
# The mutation corpus

A gradient checker has to reject wrong gradients and accept right ones. `tests/corpus/` holds models
whose gradients were derived by hand, and labelled claims about them. The wrong claims have the
mistakes that people make in backpropagation; the right ones include some that are nasty to check.
The catalogue is data. A model is a cost, written once with a few array operations, a gradient in
NumPy, and its claims; every claim is made in every framework. The gradients by hand are tested
against the automatic differentiation of PyTorch, TensorFlow and JAX, to ten digits.

`tests/backends/test_corpus*.py` require this of the checker:

- In float64 every right claim passes. For every wrong claim, exactly the wrong parameters are
  accused (SUSPECT or BUG).
- In float32 no right claim is accused, and with `precision="auto"` every wrong claim is. With
  `"native"`, the rounding of sums can be as large as a mistake. There no wrong claim passes, and
  fewer than 2 % of them stay undecided. Mistakes that float32 cannot show are left out: a relative
  error of 1e-4 in one entry or of 4e-5 in all, or a mistake in a cost that float32 drowns in its
  own noise. In float32 a wrong claim is checked only in its wrong parameters; float64 shows that
  the right ones beside them are not accused.
- Fewer than 2 % of the cases are INCONCLUSIVE in float64, and in float32 with `precision="auto"`.
  In native float32 it is a little more than that; most of these are costs that float32 drowns in
  its noise.
- For NumPy and PyTorch, every claim is tested in every precision. TensorFlow and JAX take tenths of
  a second for a check, so there the wrong claims of a model take turns: each is made, and one or
  more in each precision.

This page is written by `PYTHONPATH=tests:tests/kits python -m corpus.table`, and a test keeps it up
to date.
"""

LEGEND = """\
## Every case

Each framework has three letters: float64, float32 with `precision="auto"`, and float32 with
`precision="native"`. `C`ORRECT and `I`NSPECT pass, `S`USPECT and `B`UG accuse, `?` is INCONCLUSIVE
and `!` an error. `.` was not made, because the mistake is too small for that precision or, in
TensorFlow, because `"auto"` is the same as `"native"`. The claim `right` is the gradient by hand.
"""


def collected(framework):
    done = subprocess.run(
        [sys.executable, "-m", "corpus.verdicts", framework], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def page(found):
    return "\n".join([INTRODUCTION, counts(), _outcomes(found), _failures(found), LEGEND, *_families(found)])


def counts():
    families = Counter(model.family for model in MODELS)
    kinds = Counter(case.claim.kind for case in CASES)
    nasty = sum(case.right and case.model.family.startswith("nasty") for case in CASES)
    right = kinds["right"]
    lines = [
        "## What is in it",
        "",
        f"{len(MODELS)} models, {len(CASES) - right} wrong gradients and {right} right ones, {nasty} of them nasty.",
        "",
        "| family | models |",
        "| --- | ---: |",
        *(f"| {family} | {count} |" for family, count in families.items()),
        "",
        "| kind of mistake | wrong gradients |",
        "| --- | ---: |",
        *(f"| {kind} | {kinds[kind]} |" for kind in KINDS),
        "",
        "The kinds are those of `Diagnosis.kind`. A `path` is a part of the backward pass that is missing or",
        "added, which leaves no pattern of its own. A detail may follow the kind, as in `scaled-2` or",
        "`reversed-axis2`.",
        "",
    ]
    return "\n".join(lines)


def _outcomes(found):
    lines = [
        "## Outcomes",
        "",
        "`?` is INCONCLUSIVE.",
        "",
        "| framework | precision | right: passed | ? | accused | wrong: found | ? | passed | errors | ? of all |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for framework, result in found.items():
        for precision in running.PRECISIONS:
            rows = _outcome(result["verdicts"], precision)
            if sum(rows):
                cells = " | ".join(map(str, rows))
                undecided = (rows[1] + rows[4]) / sum(rows)
                lines.append(f"| {framework} {result['version']} | {precision} | {cells} | {undecided:.1%} |")
    return "\n".join([*lines, ""])


def _outcome(verdicts, precision):
    seen = Counter((case.right, LETTERS.get(verdicts[case.name][precision], ERROR)) for case in CASES)
    passed, accused = [{right: seen[right, a] + seen[right, b] for right in (True, False)} for a, b in ("CI", "SB")]
    errors = seen[True, ERROR] + seen[False, ERROR]
    return passed[True], seen[True, "?"], accused[True], accused[False], seen[False, "?"], passed[False], errors


def _failures(found):
    """Every outcome that the corpus does not allow, as it is."""
    lines = ["## What fails", ""]
    for case in CASES:
        seen = {}
        for framework, result in found.items():
            for precision, verdict in result["verdicts"][case.name].items():
                if not _is_allowed(case, precision, verdict):
                    seen.setdefault(f"{verdict} in {precision}", []).append(framework)
        if seen:
            listed = "; ".join(f"{outcome} ({', '.join(frameworks)})" for outcome, frameworks in seen.items())
            lines.append(f"- `{case.name}`: {listed}")
    return "\n".join([*lines, *([] if lines[2:] else ["Nothing."]), ""])


def _is_allowed(case, precision, verdict):
    if verdict == NOT_MADE:
        return True
    if not case.right:
        return verdict in ("BUG", "SUSPECT")
    return verdict in ("CORRECT", "INSPECT") or (verdict == "INCONCLUSIVE" and precision != "float64")


def _families(found):
    for family in dict.fromkeys(model.family for model in MODELS):
        yield f"### {family[0].upper()}{family[1:]}\n"
        yield f"| model | claim | {' | '.join(found)} |"
        yield f"| --- | --- |{' --- |' * len(found)}"
        for case in CASES:
            if case.model.family == family:
                letters = " | ".join(f"`{_letters(result['verdicts'][case.name])}`" for result in found.values())
                yield f"| `{case.model.name}` | `{case.claim.label}` | {letters} |"
        yield ""


def _letters(verdicts):
    return "".join(LETTERS.get(verdicts[precision], ERROR) for precision in running.PRECISIONS)


if __name__ == "__main__":
    PAGE.write_text(page({framework: collected(framework) for framework in FRAMEWORKS}))

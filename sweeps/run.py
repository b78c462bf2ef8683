"""Sweep one framework's operators: `python sweeps/run.py torch [--only PATTERN] [--write] [--details FILE]`.

Exits with 1 if a case does not pass and `exceptions/<framework>.toml` does not say why, or if what it says is not so;
after a whole sweep also if the framework has a function that is neither swept nor left out with a reason.
"""

import argparse
import dataclasses
import fnmatch
import importlib
import json
import sys
from collections import Counter
from pathlib import Path

import page
from explanations import Explanations
from harness import Case, Outcome, sweep

HERE = Path(__file__).parent
FRAMEWORKS = tuple(sorted(path.name.removesuffix("_operators.py") for path in HERE.glob("*_operators.py")))


def main() -> int:
    """Run the sweep that the command line asks for."""
    asked = _arguments()
    operators = importlib.import_module(f"{asked.framework}_operators")
    cases = [case for case in operators.cases() if fnmatch.fnmatchcase(case.operator, asked.only)]
    recorded = _recorded(asked.recorded)
    outcomes = [recorded[_key(case)] for case in cases if _key(case) in recorded]
    for outcome in sweep((case for case in cases if _key(case) not in recorded), asked.seconds):
        outcomes.append(outcome)
        if asked.details is not None:
            _append(outcome, asked.details)
    explained = Explanations.load(HERE / "exceptions" / f"{asked.framework}.toml")
    complaints = explained.complaints(outcomes, {case.operator for case in cases})
    if asked.only == "*" and not recorded:
        complaints += operators.gaps()
    print(f"{len(outcomes)} cases of {len({case.operator for case in cases})} operators:", end=" ")
    print(", ".join(f"{result} {count}" for result, count in Counter(o.result for o in outcomes).most_common()))
    print("\n".join(complaints) or "every exception is explained")
    if asked.write:
        text = page.render(asked.framework, operators.SOURCE, operators.DISTRIBUTIONS, cases, outcomes, explained)
        text += page.left_out(operators.LEFT_OUT)
        (HERE.parent / "docs" / "operators" / f"{asked.framework}.md").write_text(text, encoding="utf-8")
    return 1 if complaints else 0


def _key(tried: Case | Outcome) -> tuple[str, str]:
    """What a case and its outcome have in common, and no other has."""
    return tried.operator, tried.label


def _recorded(details: Path | None) -> dict[tuple[str, str], Outcome]:
    """The outcomes in a file of details; where a case is in it several times, the last."""
    if details is None:
        return {}
    lines = details.read_text(encoding="utf-8").splitlines()
    return {_key(outcome): outcome for outcome in (Outcome(**json.loads(line)) for line in lines)}


def _append(outcome: Outcome, details: Path) -> None:
    with details.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(outcome)) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="operators by name, as in a shell: 'linalg.*'")
    parser.add_argument("--seconds", type=float, default=120.0, help="time limit for each case (default: %(default)g)")
    parser.add_argument("--details", type=Path, metavar="FILE", help="append one line of JSON for each case")
    parser.add_argument("--recorded", type=Path, metavar="FILE", help="take what a file of details has, check the rest")
    parser.add_argument("--write", action="store_true", help="write docs/operators/<framework>.md")
    asked = parser.parse_args()
    if asked.write and asked.only != "*":
        parser.error("--write is for a whole sweep; leave --only out")
    return asked


if __name__ == "__main__":
    sys.exit(main())

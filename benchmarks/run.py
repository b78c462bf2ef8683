"""Measure side by side: `python benchmarks/run.py [--quick] [--only NAME] [--repeat N] [--details FILE] [--write]`.

Every contender runs in a process of its own, several times, and takes turns with the others. `--write` writes
docs/benchmarks.md. It takes an hour on two cores; `--quick`, the smallest problem once, takes two minutes.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import page
from contenders import CONTENDERS, Contender
from measure import TOO_SLOW, Measurement, in_its_own_process
from problems import CONV_30K, MLP_600, PROBLEMS, Problem

Found = dict[tuple[str, str], list[Measurement] | str]
"""By contender and problem what its processes found, or why there is nothing."""

_QUICK_SECONDS = 0.2
_SECONDS = 3.0


def main() -> int:
    """Run the measurements that the command line asks for."""
    asked = _arguments()
    problems = (MLP_600,) if asked.quick else PROBLEMS
    pairs = [
        (contender, problem)
        for problem in problems
        for contender in CONTENDERS
        if problem in contender.problems and asked.only in (None, contender.name, problem.name)
    ]
    if not pairs:
        print(f"--only {asked.only}: no contender and no problem of that name", file=sys.stderr)
        return 2
    found = _recorded(asked.details)
    for _ in range(1 if asked.quick else asked.repeat):
        for contender, problem in pairs:
            _measure(contender, problem, _QUICK_SECONDS if asked.quick else _SECONDS, found, asked.details)
    text = page.render(pairs, found)
    if asked.write:
        (Path(__file__).parent.parent / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")
    else:
        print(text)
    failed = [name for name, held in found.items() if isinstance(held, str) and held != TOO_SLOW]
    return 1 if failed else 0


def _measure(contender: Contender, problem: Problem, seconds: float, found: Found, details: Path | None) -> None:
    key = (contender.name, problem.name)
    if isinstance(found.get(key), str):
        return
    smaller = PROBLEMS[: PROBLEMS.index(problem)]  # they go from small to large, but the convolutions
    too_slow = problem is not CONV_30K and any(found.get((contender.name, other.name)) == TOO_SLOW for other in smaller)
    result = TOO_SLOW if too_slow else in_its_own_process(contender, problem, seconds)
    print(f"{problem.name}  {contender.name}: {result}", file=sys.stderr, flush=True)
    _keep(found, key, result)
    if details is not None:
        content = result if isinstance(result, str) else dataclasses.asdict(result)
        with details.open("a", encoding="utf-8") as file:
            file.write(json.dumps([*key, content]) + "\n")


def _keep(found: Found, key: tuple[str, str], result: Measurement | str) -> None:
    held = found.get(key)
    if isinstance(result, str):
        found[key] = result
    elif held is None or isinstance(held, str):
        found[key] = [result]
    else:
        held.append(result)


def _recorded(details: Path | None) -> Found:
    """What a file of details has from before."""
    found: Found = {}
    if details is None or not details.exists():
        return found
    for line in details.read_text(encoding="utf-8").splitlines():
        contender, problem, content = json.loads(line)
        _keep(found, (contender, problem), content if isinstance(content, str) else Measurement(**content))
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smallest problem, once")
    parser.add_argument("--only", metavar="NAME", help="one contender or one problem, by name")
    parser.add_argument("--repeat", type=int, default=3, help="processes for each measurement (default: %(default)d)")
    parser.add_argument("--details", type=Path, metavar="FILE", help="append each result, and begin with those in it")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

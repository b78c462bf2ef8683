"""The page of results: one table for each problem, and one of what an evaluation costs beyond the cost itself."""

import datetime
import importlib.metadata
import os
import platform
import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contenders import OURS, Contender
from measure import Measurement
from problems import Problem

Found = Mapping[tuple[str, str], list[Measurement] | str]

_DISTRIBUTIONS = ("numpy", "scipy", "numdifftools", "autograd", "torch", "jax", "tensorflow-cpu")

_INTRODUCTION = """# Benchmarks

This page compares gradcheck with the gradient checkers that come with the frameworks, on the same
function and data, in float64, on one core. Each checker runs in its own process, and every figure
is {of_processes}.

- *Cold* and *warm* are processor time. Cold is the first check in a process, including everything
  that is compiled on the way. Warm is the median of the checks after it, or the cold one if that
  took over half a minute.
- *Against ours* is the warm time divided by that of gradcheck's exhaustive check in the same
  framework.
- *Evaluations* are thetas at which the cost was evaluated. *Calls* are calls of the cost itself,
  counted by a wrapper around it; a batch is one call.
- *Memory* is the most that the process took in its first check, minus what it had before.
- *Finds* says in how many of the processes the checker found a gradient with one doubled entry of
  middling size.

A check that finishes in a few evaluations looks at a random direction or two. The last column shows
what that misses.

{measured}
"""

_MEASURED = (
    "Measured on {date}: {machine}. To repeat it, run `python benchmarks/run.py --write`, which runs each "
    "checker three times."
)


_SMALL = """## Where a small check spends its time

These are warm checks of 608 parameters, with timers around their parts, on 2026-11-29:

- PyTorch takes 51 ms. Half of it is ten calls of `torch.func.vmap` for some 1,420 thetas. A sixth
  is sixty evaluations one after the other, each of which depends on the result of the one before
  (noise, steps). Over a quarter is the rest of the check, in Python. The first check of a process
  takes 0.2 to 0.4 s more: under `vmap`, `cross_entropy` makes PyTorch import its symbolic shapes,
  and SymPy for them.
- TensorFlow takes 227 ms. A third is tracing the cost and vectorising its graph. Every check does
  this again, because what a cost refers to may have changed. A quarter is running the graph, and a
  fifth is the evaluations one after the other.

With so few parameters, a check takes 0.4 to 0.5 of the time of the framework's own exhaustive one.
The first check of a process takes about as long as the framework's own, or longer.
"""


def render(pairs: Sequence[tuple[Contender, Problem]], found: Found) -> str:
    """The page in Markdown."""
    repeats = max((len(held) for held in found.values() if isinstance(held, list)), default=0)
    of_processes = "from one" if repeats == 1 else "the median of the processes that the last column counts"
    measured = _MEASURED.format(date=datetime.date.today().isoformat(), machine=_machine())
    parts = [
        _INTRODUCTION.format(of_processes=of_processes, measured=textwrap.fill(measured, 100, break_on_hyphens=False))
    ]
    problems = list(dict.fromkeys(problem for _, problem in pairs))
    for problem in problems:
        parts.append(_of_problem(problem, [contender for contender, other in pairs if other is problem], found))
    parts.append(_overhead(pairs, found))
    parts.append(_SMALL)
    parts.append(_calls([contender for contender, _ in pairs]))
    return "\n".join(parts)


def _of_problem(problem: Problem, contenders: Sequence[Contender], found: Found) -> str:
    lines = [
        f"## {problem.title[0].upper()}{problem.title[1:]}\n",
        "| checker | cold | warm | against ours | evaluations | calls | memory | finds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    left_out = []
    for contender in contenders:
        held = found.get((contender.name, problem.name), "not measured in this run")
        if isinstance(held, str):
            left_out.append(f"- {contender.name}: left out, {held}")
            continue
        warm = _median(held, lambda m: m.warm)
        ours = _ours(contender, contenders, problem, found)
        finds = f"{sum(m.finds for m in held)} of {len(held)}"
        if not all(m.accepts for m in held):
            finds += ", but refuses the right gradient too"
        cells = (
            contender.name,
            _seconds(_median(held, lambda m: m.cold)),
            _seconds(warm),
            "" if ours is None else f"{warm / ours:.2f}",
            f"{_median(held, lambda m: m.evaluations):,.0f}",
            f"{_median(held, lambda m: m.calls):,.0f}",
            f"{_median(held, lambda m: m.memory) / 2**20:,.0f} MiB",
            finds,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *left_out, ""] if left_out else [*lines, ""])


def _ours(contender: Contender, contenders: Sequence[Contender], problem: Problem, found: Found) -> float | None:
    """The warm time of this project's exhaustive check, called one by one where there are two, in that framework."""
    for other in contenders:
        if other.module in (contender.module, _SAME.get(contender.module)) and other.name.startswith(f"{OURS}, "):
            held = found.get((other.name, problem.name))
            if isinstance(held, list):
                return _median(held, lambda m: m.warm)
    return None


_SAME = {"with_autograd": "with_numpy"}
"""Modules whose contenders are compared with those of another: HIPS autograd's arrays are NumPy's."""


def _overhead(pairs: Sequence[tuple[Contender, Problem]], found: Found) -> str:
    lines = [
        "## What an evaluation takes\n",
        "This is the warm time of gradcheck's checks, divided by the number of evaluations and by the time of\n"
        "one bare call of the cost. 1 means that a check adds nothing to the cost; below 1, batches save more\n"
        "than the rest adds. A check along directions also computes the gradient, which takes as long as a\n"
        "few evaluations, and moves all of theta every time.\n",
        "| check | problem | times a bare call |",
        "| --- | --- | ---: |",
    ]
    for contender, problem in pairs:
        held = found.get((contender.name, problem.name))
        if contender.name.startswith(OURS) and isinstance(held, list):
            ratio = _median(held, lambda m: m.warm / (m.evaluations * m.bare))
            lines.append(f"| {contender.name} | {problem.name} | {ratio:.2f} |")
    return "\n".join([*lines, ""])


def _calls(contenders: Sequence[Contender]) -> str:
    rows = dict.fromkeys((contender.name, contender.call) for contender in contenders)
    lines = ["## The calls\n", "| checker | call |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {call} |" for name, call in rows), ""])


def _median(held: list[Measurement], of: Callable[[Measurement], float]) -> float:
    return statistics.median(map(of, held))


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def _machine() -> str:
    versions = [f"Python {platform.python_version()}"]
    for name in _DISTRIBUTIONS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )

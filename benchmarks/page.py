"""The page of results: one table for each problem, and one of what an evaluation costs beyond the cost itself."""

import datetime
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contenders import OURS, Contender
from measure import Measurement
from problems import Problem

Found = Mapping[tuple[str, str], list[Measurement] | str]

_DISTRIBUTIONS = ("numpy", "scipy", "numdifftools", "autograd", "torch", "jax", "tensorflow-cpu")

_INTRODUCTION = """# Benchmarks

Side by side with the gradient checkers that come with the frameworks: the same function, the same data, float64, one
core. Each contender runs in a process of its own, and every figure is {of_processes}. Times are seconds of the
processor; *cold* is the first check in a process, with all that is compiled on the way, *warm* the median of those
after it, or the cold one where that took over half a minute. *Against ours* is warm time over that of this project's
exhaustive check in the same framework. *Evaluations* are thetas at which the cost was evaluated; *calls* are those of
the cost itself, counted by a wrapper around it: a batch is one call. *Memory* is what the process took at most in its
first check, less what it had before. *Finds* says in how many of the processes a gradient with one entry of middling
size doubled was found.

A check that finishes in a few evaluations looks at a random direction or two. What that misses the last column tells.

Measured on {date}: {machine}. To repeat it: `python benchmarks/run.py --write`, which takes each three times.
"""


_SMALL = """## Where a small check spends its time

Of checks of 608 parameters, warm, by timers around their parts, on 2026-11-29:

- PyTorch, 51 ms: half are ten calls of `torch.func.vmap` for some 1,420 thetas; a sixth are sixty evaluations one after
  the other, each of which depends on what the one before gave (noise, steps); and over a quarter is the rest of the
  check, Python. The first check of a process takes 0.2 to 0.4 s more: under `vmap`, `cross_entropy` makes PyTorch
  import its symbolic shapes, and SymPy for them.
- TensorFlow, 227 ms: a third is tracing the cost and vectorising its graph, anew in every check, since what a cost
  refers to may have changed since the last; a quarter are running it, and a fifth the evaluations one after the other.

With these few parameters a check takes 0.4 to 0.5 of the time of the framework's own exhaustive one, and the first of a
process about as long, or longer.
"""


def render(pairs: Sequence[tuple[Contender, Problem]], found: Found) -> str:
    """The page in Markdown."""
    repeats = max((len(held) for held in found.values() if isinstance(held, list)), default=0)
    of_processes = "from one" if repeats == 1 else "the median of as many as the last column says"
    parts = [
        _INTRODUCTION.format(of_processes=of_processes, date=datetime.date.today().isoformat(), machine=_machine())
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
        "Warm time of this project's checks, over the evaluations that they made times what one bare call of the cost "
        "takes. 1 is a check that costs nothing besides; below 1, batches save more than the rest costs. A check along "
        "directions also takes the gradient, which costs a few evaluations, and moves all of theta again and again.\n",
        "| check | problem | of a bare call |",
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

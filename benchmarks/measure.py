"""One contender on one problem, in a process of its own: `python benchmarks/measure.py CONTENDER PROBLEM [SECONDS]`.

Prints one line of JSON. Cold is the first check of the process, with everything that is compiled on the way and without
the import of the framework; warm is the median of those after it. Times are those of the processor, and the process has
one core: what else the machine does at the time then changes little.
"""

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import final

from contenders import CONTENDERS, Contender
from problems import PROBLEMS, Problem

_WARM_SECONDS = 3.0
"""What the warm runs may take together, unless told otherwise; one is always made."""

_MOST_WARM = 7
_BARE_CALLS = 200
_BARE_SECONDS = 1.0

LIMIT = 300.0
"""Seconds on the clock that a process may take, for three checks at least: one of two minutes does not fit."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check said: whether the gradient is right, and the evaluations that it counted itself, if it does."""

    passed: bool
    evaluations: int | None = None


@final
class Counted:
    """A cost that counts its calls."""

    def __init__(self, cost: Callable[..., object]) -> None:
        self._cost = cost
        self.calls = 0

    def __call__(self, *args: object) -> object:
        """The cost."""
        self.calls += 1
        return self._cost(*args)


@final
@dataclass(frozen=True, slots=True)
class Bench:
    """A contender set up on a problem.

    Attributes
    ----------
    right, wrong : callable
        Check the right gradient, and the one with one entry doubled.
    bare : callable
        Evaluate the cost once, and wait for the value.
    counted : Counted
        The cost that `right` evaluates.
    """

    right: Callable[[], Verdict]
    wrong: Callable[[], Verdict]
    bare: Callable[[], object]
    counted: Counted


@final
@dataclass(frozen=True, slots=True)
class Measurement:
    """What one process found.

    Attributes
    ----------
    cold, warm : float
        Seconds.
    calls : int
        Of the cost in the first check, as counted by a wrapper around it; a batch is one.
    evaluations : int
        Thetas evaluated, where the checker says so; else the calls.
    bare : float
        Seconds that the cost takes by itself.
    memory : int
        Bytes that the process took at most, less what it had before the first check.
    accepts, finds : bool
        Whether the right gradient passed and the one with one entry doubled did not.
    """

    cold: float
    warm: float
    calls: int
    evaluations: int
    bare: float
    memory: int
    accepts: bool
    finds: bool


def measured(contender: Contender, problem: Problem, seconds: float) -> Measurement:
    """Measure in this process."""
    bench: Bench = importlib.import_module(contender.module).CONTENDERS[contender.name](problem)
    before = _peak()
    cold, verdict = _timed(bench.right)
    memory, calls = _peak() - before, bench.counted.calls
    warm: list[float] = []
    while not warm or (sum(warm) < seconds and len(warm) < _MOST_WARM):
        warm.append(_timed(bench.right)[0])
    return Measurement(
        cold=cold,
        warm=statistics.median(warm),
        calls=calls,
        evaluations=verdict.evaluations or calls,
        bare=_bare(bench.bare),
        memory=memory,
        accepts=verdict.passed,
        finds=not bench.wrong().passed,
    )


def _timed(check: Callable[[], Verdict]) -> tuple[float, Verdict]:
    begun = time.process_time()
    verdict = check()
    return time.process_time() - begun, verdict


def _bare(cost: Callable[[], object]) -> float:
    taken: list[float] = []
    while len(taken) < _BARE_CALLS and sum(taken) < _BARE_SECONDS:
        begun = time.process_time()
        cost()
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux gives KiB


def in_its_own_process(
    contender: Contender, problem: Problem, seconds: float = _WARM_SECONDS, limit: float = LIMIT
) -> Measurement | str:
    """Measure in a new process; a sentence where that took too long or failed."""
    command = [sys.executable, __file__, contender.name, problem.name, str(seconds)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, check=False, env=os.environ | _ONE_THREAD
        )
    except subprocess.TimeoutExpired:
        return f"three checks take more than {limit:.0f} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _main() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    name, problem, seconds = sys.argv[1:]
    (contender,) = (contender for contender in CONTENDERS if contender.name == name)
    (chosen,) = (candidate for candidate in PROBLEMS if candidate.name == problem)
    print(json.dumps(asdict(measured(contender, chosen, float(seconds)))))


if __name__ == "__main__":
    _main()

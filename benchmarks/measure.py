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
import threading
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

_LONG = 30.0
"""Seconds of a first check beyond which it counts as warm too: what is compiled takes no part in it to speak of."""

LIMIT = 300
"""Seconds of the processor that a process may take, for two checks at least: those of over two minutes do not fit."""

TOO_SLOW = f"two checks take more than {LIMIT} s"
"""What is found of a contender that is too slow: a result, and no failure."""

_TOO_SLOW_CODE = 75
"""By which a process says so: EX_TEMPFAIL, which Python's own errors do not use."""

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
    while cold < _LONG and (not warm or (sum(warm) < seconds and len(warm) < _MOST_WARM)):
        warm.append(_timed(bench.right)[0])
    return Measurement(
        cold=cold,
        warm=statistics.median(warm or [cold]),
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


def in_its_own_process(contender: Contender, problem: Problem, seconds: float = _WARM_SECONDS) -> Measurement | str:
    """Measure in a new process; a sentence where that took too long or failed."""
    command = [sys.executable, __file__, contender.name, problem.name, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | _ONE_THREAD)
    if done.returncode == _TOO_SLOW_CODE:
        return TOO_SLOW
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _end_at_the_limit() -> None:
    # No limit of the operating system's: under one its clock of the processor's time goes in ticks.
    while time.process_time() < LIMIT:
        time.sleep(1.0)
    os._exit(_TOO_SLOW_CODE)


def _main() -> None:
    threading.Thread(target=_end_at_the_limit, daemon=True).start()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    name, problem, seconds = sys.argv[1:]
    (contender,) = (contender for contender in CONTENDERS if contender.name == name)
    (chosen,) = (candidate for candidate in PROBLEMS if candidate.name == problem)
    print(json.dumps(asdict(measured(contender, chosen, float(seconds)))))


if __name__ == "__main__":
    _main()

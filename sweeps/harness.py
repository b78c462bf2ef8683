"""Checks many operators' gradients, case by case, and records how each check ended."""

import math
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import final

from gradcheck_core import GradientCase, GradientReport, Verdict, check_gradients

PASSED = frozenset(verdict.value for verdict in Verdict if verdict.passed)


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One sample of one operator.

    Attributes
    ----------
    operator : str
        The operator's full name in its framework, e.g. ``linalg.svd``.
    label : str
        What tells this sample from the operator's others; the same in every run.
    build : callable
        Makes the `GradientCase`. It is called when the case's turn has come, so that an input that cannot be made is
        an outcome and not the end of the sweep.
    left_out : str
        Why the case is counted and not checked; empty where it is checked.
    in_part : str
        What of the case is checked, where it is not all of it; empty where it is.
    """

    operator: str
    label: str
    build: Callable[[], GradientCase]
    left_out: str = ""
    in_part: str = ""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended.

    Attributes
    ----------
    operator, label : str
        The case's.
    result : str
        The verdict; or the name of the exception's type, where the check raised.
    detail : str
        The worst entry or the exception's message, in one line.
    entries, evaluations, kinks : int
        Size of theta, calls of the cost, coordinates found on a kink; 0 where the check raised.
    seconds : float
        Wall-clock time.
    """

    operator: str
    label: str
    result: str
    detail: str
    entries: int
    evaluations: int
    kinks: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the verdict is CORRECT or INSPECT."""
        return self.result in PASSED

    @property
    def promised_evaluations(self) -> float:
        """Evaluations that a right gradient takes at most, but for kinks, as `check_gradients` documents it."""
        return 2.5 * self.entries + 200


class TimeLimitError(BaseException):
    """A case took too long. No `Exception`, so that no handler on the way mistakes it for one of the cost's."""


def sweep(cases: Iterable[Case], seconds_each: float) -> Iterator[Outcome]:
    """Check the cases that are not left out, each at most so long (a call into native code is not interrupted)."""
    for case in cases:
        if not case.left_out:
            yield _checked(case, seconds_each)


def _checked(case: Case, seconds: float) -> Outcome:
    started = time.perf_counter()
    try:
        with _time_limit(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. of deprecated operators, which are checked all the same
            built = case.build()
            report = check_gradients(
                built.cost, built.params, built.grads, args=built.args, progress=False, **built.options
            )
    except (Exception, TimeLimitError) as error:  # whatever it is, it belongs to this case alone
        detail = _one_line(str(error))
        return Outcome(case.operator, case.label, type(error).__name__, detail, 0, 0, 0, time.perf_counter() - started)
    parameters = report.parameters.values()
    return Outcome(
        operator=case.operator,
        label=case.label,
        result=report.verdict.value,
        detail=_worst_entry(report),
        entries=sum(math.prod(parameter.shape) for parameter in parameters),
        evaluations=report.evaluations,
        kinks=sum(parameter.kinks for parameter in parameters),
        seconds=report.seconds,
    )


def _worst_entry(report: GradientReport) -> str:
    worst = report.worst
    return (
        f"{worst.worst_entry}: claimed {worst.analytic:.6g}, numeric {worst.numeric:.6g} ± {worst.error:.0e}; "
        f"difference {worst.difference:.1e}, resolution {worst.resolution:.1e}"
    )


_LONGEST_DETAIL = 300
"""Characters of an exception's message that are kept: the message, not a dump of data in it."""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_DETAIL]


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        msg = f"longer than {seconds:g} s"
        raise TimeLimitError(msg)

    handler = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)  # a test runner may have set one of its own
        signal.signal(signal.SIGALRM, handler)

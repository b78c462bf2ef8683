"""Sweeps in other processes, through whatever joblib hands work to: loky here, dask or ray on a cluster."""

import contextlib
import pickle
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self, final

import joblib
from joblib.parallel import LokyBackend, ParallelBackendBase, get_active_backend

from ..errors import GradcheckError, WorkersLostError
from .parcel import Parcel
from .requests import InProcess, Part, Request, Source
from .units import Units
from .worker import Costs, Missing, Raised, Recipe, Reply, Unimportable, farewell

if TYPE_CHECKING:
    from .evaluator import Evaluator

_WORTH = 0.2
"""Seconds that a request has to take in this process to be worth sending."""

_ROUND = 4
"""Units for each worker at a time where joblib's backend gives the answers of many only together."""

_MOST_LOSSES = 3
"""How often in a row the workers may be lost without an answer in between."""

_FAREWELLS = 3
"""Rounds in which workers are asked to close their problem at the end, until each known one has answered."""


def several(n_jobs: int) -> bool:
    """Whether joblib, as it is configured, makes more than one worker of this."""
    return n_jobs != 1 and joblib.effective_n_jobs(n_jobs) > 1


@final
class Pool(Source):
    """Has large requests answered by other processes, and evaluates small ones here.

    The problem travels once to each worker: a unit of work is sent without it, a worker that has it not says so, and
    then the unit is sent again with it. So a worker that is killed and replaced gets it too. loky's processes share
    this machine's memory, through which joblib passes what is large: there it goes along with every unit, and a new
    worker opens it in its first one, from which on loky watches whether the worker's memory grows.

    Parameters
    ----------
    parcel : Parcel
        The case.
    recipe : Recipe
        How it is opened.
    n_jobs : int
        As joblib takes it.
    """

    def __init__(self, parcel: Parcel, recipe: Recipe, n_jobs: int) -> None:
        self._parcel = parcel
        self._recipe = recipe
        self._n_jobs = n_jobs
        self._token = uuid.uuid4().hex
        self._here = InProcess()
        self._workers: set[str] = set()
        self._seconds = float("inf")
        self._size = 0
        self._entered = contextlib.ExitStack()
        self._parallel: joblib.Parallel | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with contextlib.suppress(Exception):  # everything is answered: nothing depends on it any more
                    self._say_farewell()
        finally:
            self._leave()

    def answers(self, request: Request, evaluator: "Evaluator") -> Iterator[Part]:
        if request.size > 1 and request.size * self._seconds >= _WORTH:
            yield from self._there(request, evaluator)
            return
        began = time.perf_counter()
        yield from self._here.answers(request, evaluator)
        self._seconds = min(self._seconds, (time.perf_counter() - began) / request.size)

    def _there(self, request: Request, evaluator: "Evaluator") -> Iterator[Part]:
        recipe = replace(self._recipe, batched_to=evaluator.batched_to)
        workers = joblib.effective_n_jobs(self._n_jobs)
        shared = isinstance(get_active_backend()[0], LokyBackend)
        units = Units(request, self._token, recipe, self._parcel, workers, self._size, always=shared)
        failed: dict[int, BaseException] = {}
        losses = 0
        in_time = True
        while units.left and not failed and in_time:
            try:
                for reply in self._replies(units):
                    match reply:
                        case Costs():
                            losses = 0
                            self._workers.add(reply.worker)
                            evaluator.answered_elsewhere(reply.costs, len(reply.costs), reply.not_batched)
                            yield units.answered(reply), reply.costs
                            in_time = not units.left or evaluator.affords(1)
                            if not in_time:
                                units.stop()
                        case Missing():
                            units.missing(reply)
                        case Unimportable():
                            units.unimportable(reply)
                        case Raised():
                            start, stop = units.given_up(reply.unit)
                            failed[start] = _error_of(reply, f"evaluations {start} to {stop - 1} of {request.size}")
            except GradcheckError:
                raise
            except Exception as error:  # joblib's or the cluster's: what the cost raises comes as a reply
                losses += 1
                if losses > _MOST_LOSSES:
                    raise WorkersLostError(_LOST.format(losses=losses, left=units.left, size=request.size)) from error
                self._leave()
                units.lost()
        self._size = units.size
        if failed:
            raise failed[min(failed)]  # the first in order, as one process would have met it

    def _replies(self, units: Units) -> Iterator[Reply]:
        parallel = self._running()
        with warnings.catch_warnings():
            for message in _EXPECTED:
                warnings.filterwarnings("ignore", message, UserWarning)
            if not parallel.return_generator:
                most = _ROUND * joblib.effective_n_jobs(self._n_jobs)
                while tasks := list(islice(units.tasks(), most)):
                    yield from parallel(tasks)
                return
            replies = parallel(units.tasks())
            try:
                for reply in replies:  # noqa: UP028  # `yield from` would close them before what follows
                    yield reply
            finally:
                replies.close()

    def _running(self) -> joblib.Parallel:
        if self._parallel is None:
            active, _ = get_active_backend()
            way = "generator_unordered" if active.supports_return_generator else "list"
            with _one_thread_each(active):
                parallel = joblib.Parallel(n_jobs=self._n_jobs, return_as=way, batch_size=1)
            self._parallel = self._entered.enter_context(parallel)
        return self._parallel

    def _leave(self) -> None:
        self._parallel = None
        self._entered.close()

    def _say_farewell(self) -> None:
        if self._parallel is None:
            return
        workers = joblib.effective_n_jobs(self._n_jobs)
        for _ in range(_FAREWELLS):
            self._workers.difference_update(
                self._parallel(joblib.delayed(farewell)(self._token) for _ in range(2 * workers))
            )
            if not self._workers:
                return


_EXPECTED = (
    "A worker stopped while some jobs were given to the executor",  # its memory grew, and loky has put another in place
    r"(\d+ tasks have been successfully executed|\d+ tasks which were still being processed)",  # after an interrupt
)
"""What joblib warns of, and is taken care of; where warnings are errors, it would end a thread that all wait for."""

_LOST = (
    "`n_jobs`: the worker processes were lost {losses} times in a row without an answer in between, with {left} of "
    "{size} evaluations to go. Does the cost itself end its process, by a crash or for want of memory? n_jobs=1 shows "
    "that; fewer workers need less memory. On a cluster the workers need gradcheck installed"
)


def _error_of(reply: Raised, what: str) -> BaseException:
    try:
        error = pickle.loads(reply.error or b"")
    except Exception:  # it cannot be made again here
        return RuntimeError(f"{what}, in a worker process: {reply.described}")
    assert isinstance(error, BaseException)
    error.add_note(f"gradcheck: in a unit of work handed to another process, {what} of this sweep")
    return error


def _one_thread_each(active: ParallelBackendBase) -> contextlib.AbstractContextManager[object]:
    """One BLAS thread for each loky worker, unless the caller has said how many: workers are there for all cores.

    dask and ray do so by themselves.
    """
    if isinstance(active, LokyBackend) and active.inner_max_num_threads is None:
        limited: contextlib.AbstractContextManager[object] = joblib.parallel_config("loky", inner_max_num_threads=1)
        return limited
    return contextlib.nullcontext()

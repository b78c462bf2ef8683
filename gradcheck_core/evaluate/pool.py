"""Sweeps in other processes, through whatever joblib hands work to: loky here, dask or ray on a cluster."""

import contextlib
import functools
import math
import sys
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, final

import joblib
from joblib.parallel import LokyBackend, get_active_backend

from ..case import CheckOptions, GradientCase
from ..errors import InvalidInputError, WorkersLostError
from ..protocol.backend import Backend
from .evaluator import Evaluator
from .parcel import Packed, pack
from .preflight import Baseline
from .requests import MOST_AT_A_TIME, Part, Request, Source, power_of_two
from .worker import Chunk, Costs, Raised, Recipe, Reply, Unimportable, answer, farewell

_WORTH = 0.2
"""Seconds that a request has to take in this process to be worth sending."""

_CHUNK_SECONDS = 0.25
"""What a chunk takes at most, about: long beside the millisecond that sending it takes, short beside a sweep."""

_FIRST = 4
"""Evaluations of a chunk before it is known how long one takes."""

_CHUNKS = 4
"""Chunks for each worker, at least, so that none waits long for another at the end of a request."""


def prepare(
    adapter: Backend, case: GradientCase, options: CheckOptions, precision: str
) -> Callable[[Baseline, Evaluator], contextlib.AbstractContextManager[Source]] | None:
    """Pickle a case. What comes back opens a pool once J is known; it is None where joblib makes one worker only."""
    if joblib.effective_n_jobs(options.n_jobs) == 1:
        return None
    pack_case = functools.partial(pack, (case.cost, case.params, case.args), adapter.reducers())
    packed = pack_case()

    @contextlib.contextmanager
    def open_pool(baseline: Baseline, evaluator: Evaluator) -> Iterator[Source]:
        recipe = Recipe(
            token=uuid.uuid4().hex,
            backend=adapter.name,
            precision=precision,
            seed=options.seed,
            cost=baseline.cost.value,
            roundoff=baseline.roundoff,
            surroundings=adapter.surroundings(),
        )
        pool = Pool(evaluator, recipe, packed, pack_case, options.n_jobs)
        try:
            yield pool.answers
            pool.say_farewell()
        finally:
            pool.leave()

    return open_pool


@final
class Pool:
    """Has large requests answered by other processes, and evaluates small ones here.

    The pickled case goes along with every chunk, and a worker opens it in its first one: so a worker that was replaced
    has it too. joblib moves a large array once, through shared memory under loky and by scattering it under dask.
    `pack_case` pickles it again, with what some modules define by value.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        recipe: Recipe,
        packed: Packed,
        pack_case: Callable[[set[str]], Packed],
        n_jobs: int,
    ) -> None:
        self._evaluator = evaluator
        self._recipe = recipe
        self._packed = packed
        self._pack_case = pack_case
        self._by_value: set[str] = set()
        self._n_jobs = n_jobs
        self._seconds = math.inf  # of one evaluation; unknown so far
        self._entered = contextlib.ExitStack()
        self._parallel: joblib.Parallel | None = None

    def answers(self, request: Request) -> Iterator[Part]:
        if request.size > 1 and request.size * self._seconds >= _WORTH:
            yield from self._answer_elsewhere(request)
            return
        began = time.perf_counter()
        costs = self._evaluator.evaluate(request)
        self._seconds = min(self._seconds, (time.perf_counter() - began) / request.size)
        yield 0, costs

    def say_farewell(self) -> None:
        """Have the workers close their problems; some may be busy and keep theirs until they need room."""
        if self._parallel is not None:
            farewells = [joblib.delayed(farewell)(self._recipe.token)] * 2 * joblib.effective_n_jobs(self._n_jobs)
            with contextlib.suppress(Exception):  # everything is answered: nothing depends on it any more
                list(self._parallel(farewells))

    def leave(self) -> None:
        """Let go of the workers."""
        self._parallel = None
        self._entered.close()

    def _answer_elsewhere(self, request: Request) -> Iterator[Part]:
        waiting = deque(cut(request.size, self._seconds, joblib.effective_n_jobs(self._n_jobs)))
        failed: dict[int, BaseException] = {}
        for (start, stop), packed, reply in self._replies(request, waiting):
            match reply:
                case Costs():
                    self._seconds = min(self._seconds, reply.seconds / (stop - start))
                    self._evaluator.count_answers(reply.costs, stop - start, reply.not_batched)
                    yield start, reply.costs
                    if waiting and not self._evaluator.affords(1):
                        waiting.clear()
                case Unimportable():
                    waiting.append((start, stop))
                    if packed is self._packed:
                        self._send_by_value(reply.module)
                case Raised():
                    which = f"evaluations {start} to {stop - 1} of {request.size} of this sweep"
                    failed[start] = reply.rebuild()
                    failed[start].add_note(f"gradcheck: in a chunk of work handed to another process, {which}")
                    waiting.clear()
        if failed:
            raise failed[min(failed)]  # the first in order, as one process would have met it

    def _send_by_value(self, module: str) -> None:
        """From now on send along what a module defines that workers cannot import."""
        if module in self._by_value or module not in sys.modules:
            msg = (
                f"`n_jobs`: a worker process cannot import {module!r}, which the cost, the params or the args need; "
                "install it where the workers run, or put its folder on PYTHONPATH before they start"
            )
            raise InvalidInputError(msg)
        self._by_value.add(module)
        self._packed = self._pack_case(self._by_value)

    def _replies(self, request: Request, waiting: deque[Chunk]) -> Iterator[tuple[Chunk, Packed, Reply]]:
        """Send chunks until none waits; what is lost with its worker is sent once more."""
        recipe = replace(self._recipe, batched_to=self._evaluator.batched_to)
        under_way: dict[Chunk, Packed] = {}

        def tasks() -> Iterator[Any]:
            # joblib draws from here in threads of its own: each step is a single operation on a deque or a dict.
            with contextlib.suppress(IndexError):  # no chunk waits any more
                while True:
                    chunk = waiting.popleft()
                    packed = under_way[chunk] = self._packed
                    yield joblib.delayed(answer)(recipe, packed, chunk, request.part(*chunk))

        lost_before = False
        while waiting or under_way:
            waiting.extend(under_way)
            under_way.clear()
            try:
                for chunk, reply in self._run(tasks()):
                    lost_before = False
                    yield chunk, under_way.pop(chunk), reply
            except Exception as error:  # joblib's or the cluster's: what the cost raises comes as a reply
                self.leave()
                if lost_before:
                    left = sum(stop - start for start, stop in (*waiting, *under_way))
                    raise WorkersLostError(_LOST.format(left=left, size=request.size)) from error
                lost_before = True

    def _run(self, tasks: Iterator[Any]) -> Iterator[tuple[Chunk, Reply]]:
        self._parallel = parallel = self._parallel or self._entered.enter_context(_parallel(self._n_jobs))
        with warnings.catch_warnings():
            for message in _EXPECTED:
                warnings.filterwarnings("ignore", message, UserWarning)
            if parallel.return_generator:
                with contextlib.closing(parallel(tasks)) as replies:
                    yield from replies
            else:  # ray gives the answers of many only together
                while some := list(islice(tasks, _CHUNKS * joblib.effective_n_jobs(self._n_jobs))):
                    yield from parallel(some)


def cut(size: int, seconds: float, workers: int) -> list[Chunk]:
    """The chunks of a request if one evaluation takes `seconds`, infinity if that is unknown.

    Examples
    --------
    >>> cut(90, seconds=0.001, workers=1)
    [(0, 16), (16, 32), (32, 48), (48, 64), (64, 80), (80, 90)]
    """
    in_time = int(_CHUNK_SECONDS / max(seconds, 1e-9)) if seconds < math.inf else _FIRST
    each = power_of_two(min(in_time, size // (_CHUNKS * workers), MOST_AT_A_TIME))
    return [(start, min(start + each, size)) for start in range(0, size, each)]


def _parallel(n_jobs: int) -> joblib.Parallel:
    active, _ = get_active_backend()
    way = "generator_unordered" if active.supports_return_generator else "list"
    with contextlib.ExitStack() as settings:
        if isinstance(active, LokyBackend) and active.inner_max_num_threads is None:
            # One BLAS thread each, since there is a worker for every core. dask and ray see to that themselves.
            settings.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
        return joblib.Parallel(n_jobs=n_jobs, return_as=way, batch_size=1)


_EXPECTED = (
    "A worker stopped while some jobs were given to the executor",  # its memory grew, and loky has put another in place
    r"(\d+ tasks have been successfully executed|\d+ tasks which were still being processed)",  # after an interrupt
)
"""Warnings of joblib for what is taken care of here. As errors they would end a thread that everything waits for."""

_LOST = (
    "`n_jobs`: the worker processes were lost twice in a row without an answer in between, with {left} of {size} "
    "evaluations to go. Does the cost itself end its process, by a crash or for lack of memory? n_jobs=1 shows that; "
    "fewer workers need less memory. On a cluster the workers need gradcheck installed"
)

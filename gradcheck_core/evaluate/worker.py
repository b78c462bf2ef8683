"""What a worker process does: it keeps problems open and evaluates the cost at the thetas of a chunk."""

import os
import pickle
import socket
import threading
import time
import traceback
from dataclasses import dataclass
from typing import final

import cloudpickle

from ..errors import InvalidInputError
from ..protocol import registry
from ..protocol.backend import Problem, Surroundings
from ..protocol.layout import FloatVector
from ..protocol.outputs import Contraction
from ..protocol.randomness import HostRandomState
from .evaluator import Evaluator
from .limits import Limits
from .parcel import Given, Packed, unpack
from .preflight import agree_within_rounding
from .requests import Request

_MOST_OPEN = 4
"""Problems that a worker keeps open: that of a check, and those of others that use the same workers meanwhile."""

_FAREWELL = 0.01
"""Seconds that a farewell takes, so that one worker does not take all of them."""


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker opens a problem, besides the pickled case, and what J has to be there; `token` is its name."""

    token: str
    backend: str
    precision: str
    seed: int
    cost: float
    roundoff: float
    surroundings: Surroundings
    batched_to: tuple[float, int] | None = None


@final
@dataclass(frozen=True, slots=True)
class Costs:
    """J at every theta of the chunk, how long that took, and why the cost could not be batched, if it could not."""

    costs: FloatVector
    seconds: float
    not_batched: str | None


@final
@dataclass(frozen=True, slots=True)
class Unimportable:
    """A module that the case needs and that a worker cannot import."""

    module: str


@final
@dataclass(frozen=True, slots=True)
class Raised:
    """What the cost raised, or opening the problem, and the same in words.

    It is pickled here and read where it is expected: a cluster's worker may have a library that the caller lacks.
    """

    error: bytes
    words: str

    def rebuild(self) -> BaseException:
        """The exception, or one that says the same where it cannot be made again."""
        try:
            error: BaseException = pickle.loads(self.error)
        except Exception:
            return RuntimeError(self.words)
        return error


Chunk = tuple[int, int]
"""Where a piece of a request starts and stops."""

Reply = Costs | Unimportable | Raised
"""A reply is a value, so that it is never taken for a failure of joblib's."""


def answer(recipe: Recipe, case: Packed, chunk: Chunk, request: Request) -> tuple[Chunk, Reply]:
    """Evaluate one chunk of a request; `request` is that part of it."""
    # A problem has one theta, so two threads of one worker (dask can have several) take turns.
    with _LOCK, HostRandomState(0):
        try:
            with recipe.surroundings():
                if recipe.token not in _OPEN:
                    while len(_OPEN) >= _MOST_OPEN:
                        _close(next(iter(_OPEN)))
                    try:
                        given = unpack(case)
                    except ModuleNotFoundError as error:
                        return chunk, Unimportable(error.name or str(error))
                    _OPEN[recipe.token] = _open(recipe, given)
                opened = _OPEN[recipe.token]
                began = time.perf_counter()
                costs = opened.evaluator.evaluate(request) - opened.offset
                return chunk, Costs(costs, time.perf_counter() - began, opened.evaluator.not_batched)
        except (Exception, SystemExit) as error:
            return chunk, _describe_error(error)


def farewell(token: str) -> None:
    """Close a problem if this worker has it open."""
    time.sleep(_FAREWELL)
    with _LOCK:
        if token in _OPEN:
            _close(token)


@final
@dataclass(frozen=True, slots=True)
class _Open:
    """A problem that this worker has open, and how far, by rounding, its J is off that of the check."""

    problem: Problem
    evaluator: Evaluator
    offset: float


_OPEN: dict[str, _Open] = {}
_LOCK = threading.Lock()


def _open(recipe: Recipe, given: Given) -> _Open:
    random_state = HostRandomState(recipe.seed)
    problem = registry.load_backend(recipe.backend).open(*given, recipe.precision, recipe.seed)
    try:
        evaluator = Evaluator(problem, Contraction(recipe.seed), random_state, Limits())
        random_state.fix()
        here = evaluator.cost().value
        random_state.watch()
        if not agree_within_rounding(recipe.cost, here, recipe.roundoff):
            raise InvalidInputError(_ANOTHER_COST.format(there=recipe.cost, here=here))
        evaluator.cost()  # as the preflight does: a backend learns from two calls what a random cost needs
        if recipe.batched_to is not None:
            evaluator.batch(*recipe.batched_to)
    except BaseException:
        problem.close()
        raise
    return _Open(problem, evaluator, here - recipe.cost)


_ANOTHER_COST = (
    "`n_jobs`: at the given params the cost is {there:.17g} in this process and {here:.17g} in a worker process, so it "
    "depends on something that is not sent along: a global or a class attribute changed at run time, a file, a switch "
    "of the framework, another version of a library. Pass it through `args=`, set the switch in the environment or in "
    "the cost itself, or use n_jobs=1"
)


def _close(token: str) -> None:
    _OPEN.pop(token).problem.close()


def _describe_error(error: BaseException) -> Raised:
    """An exception as it travels; it says in which process it was raised, and where."""
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    error.add_note(f"gradcheck: raised in the worker process {socket.gethostname()}:{os.getpid()}:\n{frames}")
    words = "\n".join([f"in a worker process: {type(error).__name__}: {error}", *error.__notes__])
    try:
        return Raised(cloudpickle.dumps(error), words)
    except Exception:  # one that holds a lock, or an open file
        return Raised(b"", words)

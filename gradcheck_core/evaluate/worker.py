"""What a worker process does: it keeps problems open and evaluates the cost at the thetas of a unit of work."""

import contextlib
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
from .preflight import same_within_rounding
from .requests import Request

_MOST_OPEN = 4
"""Problems that a worker keeps open: those of a check, and of others that run at the same time in the same pool."""

_FAREWELL = 0.01
"""Seconds that a farewell takes, so that no worker takes all of them."""


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker opens a problem, besides the pickled case itself, and what J has to be there."""

    backend: str
    precision: str
    seed: int
    cost: float
    roundoff: float
    surroundings: Surroundings
    batched_to: tuple[float, int] | None


@final
@dataclass(frozen=True, slots=True)
class Missing:
    """The worker has no such problem open: the unit has to be sent again, with the recipe."""

    worker: str
    unit: int


@final
@dataclass(frozen=True, slots=True)
class Unimportable:
    """The case cannot be unpickled: it refers to a module that the worker cannot import."""

    worker: str
    unit: int
    module: str


@final
@dataclass(frozen=True, slots=True)
class Raised:
    """The cost, or opening the problem, raised; `error` is None where it cannot be pickled, and is then described."""

    worker: str
    unit: int
    error: bytes | None
    described: str


@final
@dataclass(frozen=True, slots=True)
class Costs:
    """J at every theta of the unit, how long that took, and why the cost could not be batched, if it could not."""

    worker: str
    unit: int
    costs: FloatVector
    seconds: float
    not_batched: str | None


Reply = Missing | Unimportable | Raised | Costs


def answer(token: str, unit: int, request: Request, recipe: Recipe | None, case: Packed | None) -> Reply:
    """Evaluate one unit of work.

    Parameters
    ----------
    token : str
        Names the problem: one precision of one check.
    unit : int
        Names the unit; it comes back with the reply.
    request : Request
        The thetas.
    recipe : Recipe or None
        None where the worker is expected to have the problem open.
    case : Packed or None
        With the recipe, the pickled ``(cost, params, args)``.
    """
    # Theta is addressed like memory: two threads of one worker (dask can have several) take turns.
    with _LOCK, HostRandomState(0):
        try:
            if token not in _OPEN:
                if recipe is None or case is None:
                    return Missing(worker_name(), unit)
                _make_room()
                with recipe.surroundings():
                    try:
                        given = unpack(case)
                    except ModuleNotFoundError as error:
                        return Unimportable(worker_name(), unit, error.name or str(error))
                    _OPEN[token] = _Opened(recipe, given)
            return _OPEN[token].costs(request, unit)
        except (Exception, SystemExit) as error:
            return _raised(error, unit)


def farewell(token: str) -> str:
    """Close a problem if this worker has it open; answers with the worker's name."""
    time.sleep(_FAREWELL)
    with _LOCK:
        if token in _OPEN:
            _OPEN.pop(token).problem.close()
    return worker_name()


def worker_name() -> str:
    """Host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


@final
class _Opened:
    """A problem that a worker has open, and how far, by rounding, its J is off the one of the check."""

    def __init__(self, recipe: Recipe, given: Given) -> None:
        random_state = HostRandomState(recipe.seed)
        backend = registry.load_backend(recipe.backend)
        self.problem: Problem = backend.open(*given, recipe.precision, recipe.seed)
        try:
            self._evaluator = Evaluator(
                self.problem, Contraction(recipe.seed), random_state, Limits(), on_evaluations=lambda count: None
            )
            random_state.fix()
            here = self._evaluator.cost().value
            random_state.watch()
            _require_same(recipe, here)
            self._evaluator.cost()  # as the preflight does: a backend learns from two what a random cost needs
            self._offset = here - recipe.cost
            self._surroundings = recipe.surroundings
            if recipe.batched_to is not None:
                self._evaluator.batch(*recipe.batched_to)
        except BaseException:
            self.problem.close()
            raise

    def costs(self, request: Request, unit: int) -> Costs:
        """Answer a request."""
        began = time.perf_counter()
        with self._surroundings():
            costs = request.costs(self._evaluator) - self._offset
        return Costs(worker_name(), unit, costs, time.perf_counter() - began, self._evaluator.not_batched)


_OPEN: dict[str, _Opened] = {}
_LOCK = threading.Lock()


def _make_room() -> None:
    while len(_OPEN) >= _MOST_OPEN:
        oldest = next(iter(_OPEN))
        _OPEN.pop(oldest).problem.close()


def _require_same(recipe: Recipe, here: float) -> None:
    if not same_within_rounding(recipe.cost, here, recipe.roundoff):
        msg = (
            f"`n_jobs`: at the given params the cost is {recipe.cost:.17g} in this process and {here:.17g} in a worker "
            "process, so it depends on something that is not sent along: a global or a class attribute changed at run "
            "time, a file, a switch of the framework, another version of a library. Pass it through `args=`, set the "
            "switch in the environment or in the cost itself, or use n_jobs=1"
        )
        raise InvalidInputError(msg)


def _raised(error: BaseException, unit: int) -> Raised:
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    error.add_note(f"gradcheck: raised in the worker process {worker_name()}:\n{frames}")
    described = "\n".join([f"{type(error).__name__}: {error}", *error.__notes__])
    pickled = None
    with contextlib.suppress(Exception):  # an exception with arguments of its own cannot always be made again
        attempt = cloudpickle.dumps(error)
        pickle.loads(attempt)
        pickled = attempt
    return Raised(worker_name(), unit, pickled, described)

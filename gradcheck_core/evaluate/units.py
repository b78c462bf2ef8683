"""The units of work of one request: which wait, which are under way, and what is sent along with each."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from joblib import delayed

from .parcel import Parcel
from .requests import Request, next_size, power_of_two
from .worker import Costs, Missing, Recipe, Unimportable, answer

Task = Any
"""What `joblib.delayed` makes of a call."""

_SECONDS_EACH = 0.25
"""What a unit takes, about: long beside the millisecond that sending it takes, short beside a sweep."""

_FIRST_SIZE = 4
"""Evaluations of the first units, before it is known how long they take."""


_SMALLEST = 8
"""How many times shorter than usual the last units of a request are."""


@final
@dataclass(frozen=True, slots=True)
class _Sent:
    """A unit under way: its range, and which edition of the parcel it was sent with, 0 for none."""

    start: int
    stop: int
    edition: int


@final
class Units:
    """Cuts a request into units as workers ask for them.

    joblib draws from `tasks` in threads of its own, one at a time, while the replies are dealt with in ours; what both
    touch are single operations on deques and dicts.

    Parameters
    ----------
    request : Request
        What is asked.
    token : str
        The problem's name.
    recipe : Recipe
        How it is opened.
    parcel : Parcel
        The case.
    workers : int
        How many there are.
    size : int
        Evaluations of a unit that took the right time in an earlier request; 0 where there was none.
    always : bool
        Whether the problem goes along with every unit; otherwise to the workers that lack it.
    """

    def __init__(
        self, request: Request, token: str, recipe: Recipe, parcel: Parcel, workers: int, size: int, always: bool
    ) -> None:
        self._request = request
        self._token = token
        self._recipe = recipe
        self._parcel = parcel
        self._workers = workers
        self._always = always
        self.size = size or _FIRST_SIZE
        self._waiting: deque[tuple[int, int]] = deque([(0, request.size)])
        self._under_way: dict[int, _Sent] = {}
        self._sent = 0
        self._lacking: deque[str] = deque()
        self._sent_to: dict[str, int] = {}
        self.left = request.size

    def tasks(self) -> Iterator[Task]:
        """Calls of `answer`, until nothing waits any more; what comes back later is for a further round."""
        while (cut := self._cut()) is not None:
            start, stop = cut
            unit = self._sent = self._sent + 1
            edition = self._parcel.editions if self._always or self._lacking else 0
            if self._lacking:
                # Meant for this worker; whoever takes it keeps it.
                self._sent_to[self._lacking.popleft()] = unit
            self._under_way[unit] = _Sent(start, stop, edition)
            recipe, case = (self._recipe, self._parcel.packed) if edition else (None, None)
            yield delayed(answer)(self._token, unit, self._request.part(start, stop), recipe, case)

    def _cut(self) -> tuple[int, int] | None:
        try:
            start, stop = self._waiting.popleft()
        except IndexError:
            return None
        # At the end the units become smaller, so that no worker waits long for another.
        fair = power_of_two((stop - start) // (2 * self._workers))
        middle = min(start + min(self.size, max(fair, self.size // _SMALLEST)), stop)
        if middle < stop:
            self._waiting.appendleft((middle, stop))
        return start, middle

    def answered(self, reply: Costs) -> int:
        """Take a unit off the list; gives where it starts."""
        sent = self._under_way.pop(reply.unit)
        self.left -= sent.stop - sent.start
        self.size = next_size(self.size, reply.seconds / (sent.stop - sent.start), _SECONDS_EACH)
        return sent.start

    def missing(self, reply: Missing) -> None:
        """A worker lacks the problem: have the unit sent again, and the problem to that worker unless it is under way.

        Units are taken in turn: where a unit that was sent after the problem is refused, another worker took that.
        """
        sent = self._under_way.pop(reply.unit)
        self._waiting.append((sent.start, sent.stop))
        if reply.worker not in self._lacking and self._sent_to.get(reply.worker, 0) < reply.unit:
            self._lacking.append(reply.worker)

    def unimportable(self, reply: Unimportable) -> None:
        """A worker cannot import a module: send what it defines along.

        Raises
        ------
        InvalidInputError
            If that does not help.
        """
        sent = self._under_way[reply.unit]
        if sent.edition == self._parcel.editions:
            self._parcel.by_value(reply.module)
        del self._under_way[reply.unit]
        self._waiting.append((sent.start, sent.stop))
        self._lacking.append(reply.worker)

    def given_up(self, unit: int) -> tuple[int, int]:
        """Have no more units sent after this one failed; gives its range."""
        self.stop()
        sent = self._under_way.pop(unit)
        return sent.start, sent.stop

    def stop(self) -> None:
        """Have no more units sent; those under way are still answered."""
        self._waiting.clear()

    def lost(self) -> None:
        """The workers are gone: what was under way waits again, and nobody has the problem."""
        self._waiting.extend((sent.start, sent.stop) for sent in self._under_way.values())
        self._under_way.clear()
        self._lacking.clear()
        self._sent_to.clear()

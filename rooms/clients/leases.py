"""Who has which of a few things, and who waits for one, first come, first served. Nothing here waits. Pure."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Leases(Generic[T]):
    """Each thing is idle or taken. It goes from hand to hand: nobody who comes later gets what was given back.

    Whoever waits holds a future, and says `leave(future)` when it was not awaited to its end.
    """

    def __init__(self) -> None:
        self.idle: list[T] = []
        """The one used last is the last, and the next to be taken: the others may then be spared."""
        self.taken: set[T] = set()
        self._line: deque[asyncio.Future[T]] = deque()

    def __repr__(self) -> str:
        return f"<Leases {len(self.idle)} idle, {len(self.taken)} taken, {self.waiting} waiting>"

    @property
    def size(self) -> int:
        return len(self.idle) + len(self.taken)

    @property
    def waiting(self) -> int:
        return sum(not each.done() for each in self._line)

    def take(self) -> T | None:
        """An idle one. Nobody waits where one is idle."""
        return self.take_this(self.idle[-1]) if self.idle else None

    def take_this(self, thing: T) -> T:
        self.idle.remove(thing)
        self.taken.add(thing)
        return thing

    def queue(self) -> asyncio.Future[T]:
        """Wait for one, behind whoever waits already."""
        place: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        return place

    def leave(self, place: asyncio.Future[T]) -> T | None:
        """Not wait any more. Returns what came in the same moment, which is taken."""
        if place in self._line:
            self._line.remove(place)
        if place.cancelled() or not place.done() or place.exception() is not None:
            place.cancel()
            return None
        return place.result()

    def give(self, thing: T) -> None:
        """A new one, or one that was taken: to whoever waits longest."""
        self.taken.discard(thing)
        while self._line:
            place = self._line.popleft()
            if not place.done():
                self.taken.add(thing)
                place.set_result(thing)
                return
        self.idle.append(thing)

    def remove(self, thing: T) -> None:
        self.taken.discard(thing)
        if thing in self.idle:
            self.idle.remove(thing)

    def refuse(self, why: Callable[[], Exception]) -> None:
        """Nobody waits any more."""
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_exception(why())

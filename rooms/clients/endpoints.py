"""All URLs of one LiveKit, the preferred one first: the first that answers is taken."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rooms.clients.endpoint import Endpoint
from rooms.clients.errors import NotReached
from rooms.clients.figures import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from rooms.performance.sections import ConnectionPool

SCHEMES = ("ws", "wss", "http", "https")
BEST_FIRST = (State.CONNECTED, State.CONNECTING, State.RECONNECTING, State.FAILED, State.DISCONNECTED)


class Endpoints:
    """`choose()` gives the first of `urls` that answers. They have to lead to the same rooms: nodes of one cluster,
    or regions of one project; a request that was lost on the one is sent to the other.

    Raises ValueError for a URL that is none, and for one that is there twice.
    """

    def __init__(self, urls: Sequence[str], look: Callable[[str], Awaitable[None]], settings: ConnectionPool) -> None:
        self.all = tuple(Endpoint(url, look, settings, self._changed) for url in checked(urls))
        self._change = asyncio.Event()

    @property
    def best(self) -> Endpoint | None:
        """The first that answers; None where none does."""
        return next((each for each in self.all if each.state is State.CONNECTED), None)

    @property
    def state(self) -> State:
        """That of the best one."""
        return min((each.state for each in self.all), key=BEST_FIRST.index)

    def in_words(self) -> str:
        return ", ".join(each.in_words() for each in self.all)

    async def open(self) -> None:
        """Look at each; returns when one answers, or when none has at first."""
        began_s = time.monotonic()
        for each in self.all:
            each.connect()
        while self.best is None and any(each.looked_at_s < began_s for each in self.all):
            await self._change.wait()

    async def choose(self, limit_s: float) -> Endpoint:
        """The best; where none answers, the first that does so within `limit_s`.

        Raises NotReached after it; if all have FAILED, after one more look at each.
        """
        if (best := self.best) is not None:
            return best
        asked_at_s = time.monotonic()
        with self._wanted():
            try:
                async with asyncio.timeout(limit_s):
                    while self._in_sight(asked_at_s):
                        await self._change.wait()
                        if (best := self.best) is not None:
                            return best
            except TimeoutError:
                pass
        raise NotReached(f"LiveKit does not answer: {self.in_words()}")

    async def aclose(self) -> None:
        """Whoever waits is told. Any number of times."""
        await asyncio.gather(*(each.aclose() for each in self.all))

    def _in_sight(self, asked_at_s: float) -> bool:
        """Whether there is something to wait for."""
        hopeful = (State.CONNECTING, State.RECONNECTING)
        return any(
            each.state in hopeful or (each.state is State.FAILED and each.looked_at_s < asked_at_s) for each in self.all
        )

    @contextmanager
    def _wanted(self) -> Generator[None]:
        for each in self.all:
            each.wanted += 1
        try:
            yield
        finally:
            for each in self.all:
                each.wanted -= 1

    def _changed(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()


def checked(urls: Sequence[str]) -> tuple[str, ...]:
    """Without the slash at the end. Raises ValueError."""
    found = [url.rstrip("/") for url in urls]
    if not found:
        raise ValueError("urls: got none, allowed: one or more URLs of LiveKit")
    for url in found:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise ValueError(f"urls: got {url!r}, allowed: a URL with {', '.join(SCHEMES)} and a host")
        if found.count(url) > 1:
            raise ValueError(f"urls: got {url!r} twice, allowed: each once")
    return tuple(found)

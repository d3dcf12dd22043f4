"""One LiveKit URL: whether it answers, and how it is found again by one who asks for all clients."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from rooms.clients.errors import in_words
from rooms.clients.figures import State, UrlStats
from rooms.clients.repetition import was_not_sent
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rooms.performance.sections import ConnectionPool

log = get_logger("rooms")

LOOK_LIMIT_S = 3.0
NO_ANSWER = (aiohttp.ClientError, TimeoutError)


class Endpoint:
    """`connect` at the start, `doubt` after each request that was not answered; `state` says what came of it.

    A connection that breaks may be the end of that one only: one look decides. While the URL does not answer, the
    pauses between looks double, with full jitter. In between, while a request waits for this URL, there is a look now
    and then within `base_delay_s`, so that a LiveKit that is back is not left alone for the rest of a long pause.
    After `max_attempts` it has FAILED, which ends the waiting; the looks go on, one each `health_interval_s`.

    `look(url)` asks LiveKit something small, and raises what aiohttp raises. `changed` is called after each look.
    """

    def __init__(
        self,
        url: str,
        look: Callable[[str], Awaitable[None]],
        settings: ConnectionPool,
        changed: Callable[[], None],
    ) -> None:
        self.url = url
        self.settings = settings
        self.state = State.DISCONNECTED
        self.wanted = 0
        """Requests that wait until it, or another one, answers."""
        self.looked_at_s = 0.0
        """When the last finished look began, `time.monotonic()`."""
        self.answered_at_s = 0.0
        self._look_at = look
        self._changed = changed
        self._looks = 0
        self._reconnects = 0
        self._error = ""
        self._up_since_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Endpoint {self.in_words()}>"

    def in_words(self) -> str:
        """Its URL and state, and after a failure the reason."""
        return f"{self.url} is {self.state.value}{f' ({self._error})' if self._error else ''}"

    def stats(self) -> UrlStats:
        return UrlStats(self.url, self.state, self._looks, self._reconnects, self._error)

    def connect(self) -> None:
        if self._idle:
            self.state = State.CONNECTING
            self._begin()

    def doubt(self, error: Exception, *, sent_at_s: float) -> None:
        """A request of this moment was not answered. Of requests from before it came back nothing follows."""
        if self.state is not State.CONNECTED or sent_at_s < self._up_since_s:
            return
        if was_not_sent(error):
            self._lost(error)
        if self._idle:
            self._begin()

    async def look(self) -> None:
        """Look once, of one's own accord."""
        if self._idle and self.state is State.CONNECTED:
            await asyncio.wait({self._begin()}, timeout=LOOK_LIMIT_S)

    async def aclose(self) -> None:
        """Any number of times."""
        self.state = State.DISCONNECTED
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._changed()

    @property
    def _idle(self) -> bool:
        return self._task is None or self._task.done()

    def _begin(self) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self._reach(), name=f"reach {self.url}")
        return self._task

    async def _reach(self) -> None:
        """Ends when it answers."""
        settings = self.settings
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(settings.max_attempts),
                wait=wait_random_exponential(multiplier=settings.base_delay_s, max=settings.max_delay_s),
                retry=retry_if_exception_type(NO_ANSWER),
                sleep=self._pause,
                reraise=True,
            ):
                with attempt:
                    # Unless a look in the pause has found it.
                    if attempt.retry_state.attempt_number == 1 or self.state is not State.CONNECTED:
                        await self._look()
        except NO_ANSWER:
            self.state = State.FAILED
            log.error("LiveKit does not answer", url=self.url, attempts=settings.max_attempts, reason=self._error)
            self._changed()
            while self.state is State.FAILED:
                await self._pause(self.settings.health_interval_s * random.uniform(0.5, 1.0))
                if self.state is State.FAILED:
                    await self._answers()

    async def _pause(self, pause_s: float) -> None:
        """Ends before its time when a look in between has found it."""
        until_s = time.monotonic() + pause_s
        while (left_s := until_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, random.uniform(0.0, self.settings.base_delay_s)))
            if self.wanted and time.monotonic() < until_s and await self._answers():
                return

    async def _answers(self) -> bool:
        try:
            await self._look()
        except NO_ANSWER:
            return False
        return True

    async def _look(self) -> None:
        begun_s = time.monotonic()
        self._looks += 1
        try:
            async with asyncio.timeout(LOOK_LIMIT_S):
                await self._look_at(self.url)
        except NO_ANSWER as error:
            self._error = in_words(error)
            if self.state is State.CONNECTED:
                self._lost(error)
            raise
        else:
            self._found()
        finally:
            self.looked_at_s = begun_s
            self._changed()

    def _lost(self, error: Exception) -> None:
        self._error = in_words(error)
        self.state = State.RECONNECTING
        log.warning("LiveKit does not answer, it is looked for", url=self.url, reason=self._error)

    def _found(self) -> None:
        if self.state is not State.CONNECTED:
            if self._up_since_s:
                self._reconnects += 1
                log.info("LiveKit answers again", url=self.url)
            self._up_since_s = time.monotonic()
        self.answered_at_s = time.monotonic()
        self.state, self._error = State.CONNECTED, ""

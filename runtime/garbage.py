"""What an ended call leaves behind, freed soon after.

A call is full of reference cycles (room, session, handlers). The stock worker ends its process instead; on a shared
loop Python's own collector comes late: 60 calls of a second each took the worker from 181 to 209 MB. Collected after
they end, it stays at 182 MB, for 4 ms a time (`gc.collect` over what was not frozen at start).

A timer that was cancelled holds its call too, until its time would have come: two minutes for CALLER_TIMEOUT. asyncio
drops such timers when they are more than half of all, and many: so they are made to be, for less than 1 ms a time.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc

CANCELLED_TIMERS = 256  # more than live ones; a worker that has more lets asyncio do it by itself
DELAY_S = 2.0  # the framework still holds a call that has just ended; and many ends need one collection


class CallGarbage:
    """Collects once, `delay_s` after the first call that ended since the last time."""

    def __init__(self, *, delay_s: float = DELAY_S) -> None:
        self._delay_s = delay_s
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def call_ended(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(self._delay_s, self._collect)

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _collect(self) -> None:
        self._timer = None
        loop, nobody = asyncio.get_running_loop(), contextvars.Context()
        for _ in range(CANCELLED_TIMERS):
            loop.call_later(DELAY_S, gc.collect, context=nobody).cancel()
        loop.call_soon(gc.collect, context=nobody)  # in the next round, when asyncio has dropped them

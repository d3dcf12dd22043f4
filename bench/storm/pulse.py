"""How late this process's own event loop was, and how busy the machine: whoever hears too late cannot say that
something was not said, and whoever gets no time cannot say it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Self

import psutil

from bench.busy import busy_share

BEAT_S = 0.02
WINDOW_S = 0.5
NOTED_MS = 50.0
KEPT = 10_000


class Pulse:
    """`async with Pulse() as pulse:` ... `pulse.worst_ms(since)`; times are seconds of `time.perf_counter()`."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=KEPT)  # when it was noted, by how many ms
        self._busy: deque[tuple[float, float]] = deque(maxlen=KEPT)  # until when, the share of all cores
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat(), name="pulse")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])

    def worst_ms(self, since: float) -> float:
        """The longest that the loop was late from then on; 0 if never by more than NOTED_MS."""
        return max((late_ms for at, late_ms in self._late if at >= since), default=0.0)

    def busiest(self, since: float) -> float:
        """The largest share of all cores that was taken in half a second from then on; 0 before the first."""
        return max((share for at, share in self._busy if at >= since), default=0.0)

    async def _beat(self) -> None:
        window, before = time.perf_counter(), psutil.cpu_times()
        while True:
            if time.perf_counter() - window >= WINDOW_S:
                now = psutil.cpu_times()
                self._busy.append((time.perf_counter(), busy_share(before, now)))
                window, before = time.perf_counter(), now
            due = time.perf_counter() + BEAT_S
            await asyncio.sleep(BEAT_S)
            late_ms = (time.perf_counter() - due) * 1000
            if late_ms > NOTED_MS:
                self._late.append((due + late_ms / 1000, late_ms))

"""Each time that the running event loop could not answer: how long, and how much of it the loop's own code took.

`bench.storm.pulse` tells whether a run can be judged at all; this one looks ten times as closely, at what a claim is
about. Who blocks the loop of a worker in production is told by `runtime.watchdog`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Self

BEAT_S = 0.002
NOTED_MS = 5.0
KEPT = 10_000


@dataclass(frozen=True)
class Block:
    """`at`: the end, in seconds of `time.perf_counter()`. `late_ms`: how late the loop answered, less up to a beat.

    `cpu_ms`: of that, what the loop's own thread computed. The rest went to other threads, to other processes, or to
    waiting in the system.
    """

    at: float
    late_ms: float
    cpu_ms: float


class LoopMonitor:
    """`async with LoopMonitor() as monitor:` ... `monitor.worst_ms`. Takes about 1 % of a core."""

    def __init__(self, *, beat_s: float = BEAT_S, noted_ms: float = NOTED_MS) -> None:
        if beat_s <= 0:
            raise ValueError(f"beat_s: got {beat_s:g}, allowed: more than 0")
        self.beats = 0
        self.worst_ms = 0.0
        self.worst_cpu_ms = 0.0
        self._beat_s = beat_s
        self._noted_ms = noted_ms
        self._blocks: deque[Block] = deque(maxlen=KEPT)
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat(), name="loop monitor")
        await asyncio.sleep(0)  # the first beat has begun: a block that comes at once is seen
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beating is not None:
            await asyncio.sleep(self._beat_s)  # one that lasts until now is seen too
            self._beating.cancel()
            await asyncio.wait([self._beating])

    def blocks(self, over_ms: float) -> list[Block]:
        """Those that were longer, the newest 10,000. ValueError below what is noted at all."""
        if over_ms < self._noted_ms:
            raise ValueError(f"over_ms: got {over_ms:g}, allowed: {self._noted_ms:g} or more, which is noted")
        return [block for block in self._blocks if block.late_ms > over_ms]

    async def _beat(self) -> None:
        while True:
            due, cpu_s = time.perf_counter() + self._beat_s, time.thread_time()
            await asyncio.sleep(self._beat_s)
            now = time.perf_counter()
            late_ms, cpu_ms = (now - due) * 1000, (time.thread_time() - cpu_s) * 1000
            self.beats += 1
            self.worst_ms = max(self.worst_ms, late_ms)
            self.worst_cpu_ms = max(self.worst_cpu_ms, cpu_ms)
            if late_ms > self._noted_ms:
                self._blocks.append(Block(now, late_ms, cpu_ms))

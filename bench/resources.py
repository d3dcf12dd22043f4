"""What a worker holds while no call is on: a number that grows from call to call is a leak."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from bench.counted_worker import TASKS_PREFIX
from bench.stats import growth
from bench.workers import Surroundings, Worker, tree

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWER_LIMIT_S = 5.0
# How much the median of the last third may lie above that of the first: an idle connection comes and goes.
ALLOWED_GROWTH = {
    "tasks": 0,
    "file_descriptors": 3,
    "sockets": 2,
    "threads": 2,
    "children": 0,
    "rooms": 0,
    "provider_streams": 1,
    "memory_mb": 30,
}


@dataclass(frozen=True)
class Resources:
    """Of the worker's process; `rooms` of LiveKit, `provider_streams` open at the simulated providers."""

    tasks: int
    file_descriptors: int
    sockets: int
    threads: int
    children: int
    memory_mb: float
    rooms: int
    provider_streams: int


@dataclass(frozen=True)
class Growth:
    """`by`: last third less first third, in the resource's own unit."""

    name: str
    first: float
    last: float
    by: float
    allowed: float

    @property
    def leaks(self) -> bool:
        return self.by > self.allowed


class CountedWorker(Worker):
    """This project's worker, which can be asked for its asyncio tasks."""

    def __init__(self, place: Surroundings) -> None:
        super().__init__(place, "firstword", timeline_to_room=True, arguments=["-m", "bench.counted_worker"])
        self._count: asyncio.Future[int] | None = None

    async def tasks(self) -> int:
        """Raises TimeoutError if the worker's loop does not answer."""
        self._count = asyncio.get_running_loop().create_future()
        os.kill(self.process.pid, signal.SIGUSR1)
        async with asyncio.timeout(ANSWER_LIMIT_S):
            return await self._count

    def _on_line(self, line: str) -> None:
        if line.startswith(TASKS_PREFIX) and self._count is not None and not self._count.done():
            self._count.set_result(int(line.removeprefix(TASKS_PREFIX)))
        super()._on_line(line)


async def sample_resources(place: Surroundings, worker: CountedWorker) -> Resources:
    rooms = await place.lk.room.list_rooms(api.ListRoomsRequest())
    tasks = await worker.tasks()
    process, *children = tree(worker.process.pid)
    with process.oneshot():
        return Resources(
            tasks=tasks,
            file_descriptors=process.num_fds(),
            sockets=len(process.net_connections(kind="all")),
            threads=process.num_threads(),
            children=len(children),
            memory_mb=process.memory_info().rss / 1e6,
            rooms=len(rooms.rooms),
            provider_streams=await _provider_streams(place),
        )


def growths(samples: Sequence[Resources]) -> list[Growth]:
    """One for each resource; none below three samples."""
    found: list[Growth] = []
    for name, allowed in ALLOWED_GROWTH.items():
        values = [float(getattr(sample, name)) for sample in samples]
        by = growth(values)
        if by is not None:
            found.append(Growth(name, values[0], values[-1], by, allowed))
    return found


async def _provider_streams(place: Surroundings) -> int:
    async with aiohttp.ClientSession() as session, session.get(place.providers.stats_url) as answer:
        stats = await answer.json()
    return int(stats["soniox"]["open_streams"] + stats["elevenlabs"]["contexts_open"] + stats["openai"]["active"])

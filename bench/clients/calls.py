"""The same calls three ways, in turns, in one process: the pool, one shared client, a new client a call."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from bench.clients.plan import SIDES, blocks
from bench.clients.results import Bounds, Side
from rooms.clients.errors import NoClient
from rooms.clients.pool import ClientPool
from rooms.clients.sockets import counted
from rooms.performance.sections import ConnectionPool
from rooms.tokens import ApiKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from bench.clients.plan import Options, SideName
    from sim.livekit_server import LocalLiveKit

SHORT_INTERVAL_S = 1.0
SHRINK_LIMIT_S = 60.0
NO_ANSWER = (aiohttp.ClientError, TimeoutError, api.ServerError, NoClient)


@dataclass
class _Way:
    call: Callable[[], Awaitable[None]]
    handshakes: Callable[[], int]
    calls_ms: list[float] = field(default_factory=list[float])
    seconds: float = 0.0
    cpu_s: float = 0.0
    failed: int = 0


async def measure_calls(livekit: LocalLiveKit, options: Options, told: Callable[[int], None]) -> tuple[Side, ...]:
    """`told` is called with the number of calls that were made."""
    async with AsyncExitStack() as stack:
        ways: dict[SideName, _Way] = {name: await stack.enter_async_context(WAYS[name](livekit)) for name in SIDES}
        for name, count in blocks(options):
            await _block(ways[name], count, options.at_once)
            told(count)
        return tuple(
            Side(name, tuple(way.calls_ms), way.seconds, way.cpu_s * 1000, way.handshakes(), way.failed)
            for name, way in ways.items()
        )


async def measure_bounds(livekit: LocalLiveKit, at_once: int) -> Bounds:
    """With an interval of SHORT_INTERVAL_S, so that it is seen to shrink."""
    settings = ConnectionPool(health_interval_s=SHORT_INTERVAL_S)
    async with ClientPool([livekit.url], key_of(livekit), settings) as pool:
        ready, largest = pool.stats().size, 0

        async def call() -> None:
            nonlocal largest
            async with pool.client() as lk:
                await lk.room.list_rooms(question())
                largest = max(largest, pool.stats().size)

        await asyncio.gather(*(call() for _ in range(10 * at_once)))
        began_s = time.monotonic()
        while pool.stats().size > settings.pool_size and time.monotonic() < began_s + SHRINK_LIMIT_S:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.05)  # a pool's figures give no event
        shrunk_ms = (time.monotonic() - began_s) * 1000
        return Bounds(ready, settings.most, largest, pool.stats().size, shrunk_ms)


def key_of(livekit: LocalLiveKit) -> ApiKey:
    return ApiKey(livekit.api_key, livekit.api_secret)


def question() -> api.ListRoomsRequest:
    return api.ListRoomsRequest(names=["-"])


async def _block(way: _Way, count: int, at_once: int) -> None:
    left = count

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            began_s = time.perf_counter()
            try:
                await way.call()
            except NO_ANSWER:
                way.failed += 1
            way.calls_ms.append((time.perf_counter() - began_s) * 1000)

    began_s, worked_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(at_once)))
    way.seconds += time.perf_counter() - began_s
    way.cpu_s += time.process_time() - worked_s


@asynccontextmanager
async def _pool(livekit: LocalLiveKit) -> AsyncGenerator[_Way]:
    async with ClientPool([livekit.url], key_of(livekit)) as pool:

        async def call() -> None:
            async with pool.client() as lk:
                await lk.room.list_rooms(question())

        yield _Way(call, lambda: pool.stats().handshakes)


@asynccontextmanager
async def _shared(livekit: LocalLiveKit) -> AsyncGenerator[_Way]:
    sockets = _Counter()
    async with _session(sockets) as session:
        lk = api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret, session=session)

        async def call() -> None:
            await lk.room.list_rooms(question())

        yield _Way(call, lambda: sockets.count)


@asynccontextmanager
async def _new(livekit: LocalLiveKit) -> AsyncGenerator[_Way]:
    sockets = _Counter()

    async def call() -> None:
        async with _session(sockets) as session:
            lk = api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret, session=session)
            await lk.room.list_rooms(question())

    yield _Way(call, lambda: sockets.count)


WAYS: dict[SideName, Callable[[LocalLiveKit], AbstractAsyncContextManager[_Way]]] = {
    "pool": _pool,
    "shared": _shared,
    "new": _new,
}


@dataclass
class _Counter:
    count: int = 0

    def add(self) -> None:
        self.count += 1


def _session(sockets: _Counter) -> aiohttp.ClientSession:
    """What LiveKitAPI makes for itself, with its sockets counted."""
    connector = aiohttp.TCPConnector(socket_factory=counted(sockets.add))
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10))

"""The control plane in one object: clients, rooms, limits and quality, for a program with or without an agent.

optimizer = await initialize_performance_optimizer("wss://...", key, secret, pool_size=5, room_limits=RoomLimits())
async with optimizer.get_connection() as lk:
    await lk.room.list_rooms(api.ListRoomsRequest())
room = await optimizer.create_optimized_room("desk-1", max_participants=4)
ticket = await optimizer.add_participant_to_room("desk-1", "ada")
await shutdown_performance_optimizer()
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Self, TypedDict

from rooms.clients.pool import ClientPool
from rooms.creation import create_optimized_room
from rooms.entrance import Ticket
from rooms.limits.keeper import LimitKeeper
from rooms.performance.sections import AudioConfig, ConnectionPool, Performance, RoomLimits
from rooms.performance.settings_file import load_performance
from rooms.quality.api_quality import connection_score
from rooms.quality.monitor import QualityMonitor
from rooms.quality.report import QualityStats, quality_stats
from rooms.tokens import DEFAULT_TTL_S, ApiKey, caller_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from livekit import api


class PerformanceStats(TypedDict):
    """JSON-able. `pool`: fields of `rooms.clients.figures.PoolStats`, each connection with its quality `score`, too;
    `limits`: of `rooms.limits.keeper.LimitStats`.
    """

    pool: dict[str, object]
    limits: dict[str, object]
    quality: QualityStats


class PerformanceOptimizer:
    """`async with PerformanceOptimizer([url], ApiKey(key, secret)) as optimizer:`, used by any number of tasks.

    `urls`: of one LiveKit, the preferred one first; `more_urls` of the settings come behind them. Opening works while
    LiveKit is away. Raises ValueError for `urls` that are none.
    """

    def __init__(self, urls: Sequence[str], key: ApiKey, settings: Performance | None = None) -> None:
        self._settings = settings or Performance()
        self._urls = (*urls, *(url for url in self._settings.connection_pool.more_urls if url not in urls))
        self._key = key
        self.pool = ClientPool(self._urls, key, self._settings.connection_pool)
        self.limits = LimitKeeper(self.pool, self._settings.room_limits)
        self.quality = QualityMonitor(self._settings.quality_monitoring, pool=self.pool.stats)
        self._open = AsyncExitStack()
        self._watching: asyncio.Task[None] | None = None

    @property
    def settings(self) -> Performance:
        return self._settings

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.pool)
            await stack.enter_async_context(self.limits)
            stack.push_async_callback(self.quality.aclose)
            self._watching = asyncio.create_task(self.quality.run(), name="quality of LiveKit's API")
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all of it, in the reverse order; the rooms stay. Any number of times."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._open.aclose()

    def get_connection(self, *, timeout_s: float | None = None) -> AbstractAsyncContextManager[api.LiveKitAPI]:
        """Lends a client: `async with optimizer.get_connection() as lk`. Raises rooms.clients.errors.NoClient."""
        return self.pool.client(timeout_s=timeout_s)

    async def create_optimized_room(
        self,
        name: str,
        *,
        max_participants: int | None = None,
        audio_config: AudioConfig | None = None,
        metadata: Mapping[str, object] | None = None,
        agents: Sequence[api.RoomAgentDispatch] = (),
    ) -> api.Room:
        """A room with this service's sound and limits, see `rooms.creation`. Raises LimitReached, ValueError."""
        return await create_optimized_room(
            self.pool,
            name,
            audio=audio_config or self._settings.audio_optimization,
            limits=self.limits,
            max_participants=max_participants,
            metadata=metadata,
            agents=agents,
        )

    async def add_participant_to_room(
        self, room: str, identity: str, *, name: str = "", ttl_s: float = DEFAULT_TTL_S
    ) -> Ticket:
        """What `identity` joins `room` with, within `ttl_s`; its seat is kept for as long. Raises LimitReached."""
        await self.limits.admit(room, identity, hold_s=ttl_s)
        try:
            token = caller_token(self._key, room=room, identity=identity, name=name, ttl_s=ttl_s)
        except ValueError:
            self.limits.give_up(room, identity)
            raise
        return Ticket(self._urls[0], token, room, identity)

    async def monitor_connection_quality(self) -> QualityStats:
        """Look now, besides each `interval_s`."""
        self.quality.look()
        return quality_stats(self.quality)

    def get_performance_stats(self) -> PerformanceStats:
        """Everything that is known, as of now; costs some microseconds a client."""
        stats = self.pool.stats()
        pool = asdict(stats)
        for each in (pool, *pool["connections"], *pool["urls"]):
            each["state"] = each["state"].value
        for each, client in zip(pool["connections"], stats.connections, strict=True):
            each["score"] = connection_score(client)
        return PerformanceStats(pool=pool, limits=asdict(self.limits.stats()), quality=quality_stats(self.quality))

    def follow(self, settings: Performance) -> None:
        """These hold from now on; what is lent, open or under way ends by the old ones."""
        self._settings = settings
        self.pool.reconfigure(settings.connection_pool)
        self.limits.change(settings.room_limits)
        self.quality.reconfigure(settings.quality_monitoring)


_current: PerformanceOptimizer | None = None


async def initialize_performance_optimizer(
    livekit_url: str | Sequence[str],
    api_key: str,
    api_secret: str,
    *,
    pool_size: int | None = None,
    room_limits: RoomLimits | None = None,
    audio_config: AudioConfig | None = None,
    settings: Performance | None = None,
) -> PerformanceOptimizer:
    """Open the process's optimizer. What is given here stands over `settings`: by default performance.yaml and the
    environment, see `rooms.performance.settings_file`.

    Raises RuntimeError if there is one already, ValueError for a setting that cannot be.
    """
    global _current
    if _current is not None:
        raise RuntimeError("the performance optimizer is there already; shutdown_performance_optimizer() ends it")
    base = settings or load_performance()
    pool = base.connection_pool
    if pool_size is not None:
        pool = ConnectionPool.model_validate({**pool.model_dump(), "pool_size": pool_size})
    changes = {
        "connection_pool": pool,
        "room_limits": room_limits or base.room_limits,
        "audio_optimization": audio_config or base.audio_optimization,
    }
    urls = [livekit_url] if isinstance(livekit_url, str) else livekit_url
    _current = optimizer = PerformanceOptimizer(urls, ApiKey(api_key, api_secret), base.model_copy(update=changes))
    try:
        return await optimizer.__aenter__()
    except BaseException:
        _current = None
        raise


def get_performance_optimizer() -> PerformanceOptimizer:
    """The process's optimizer. Raises RuntimeError before it is initialized."""
    if _current is None:
        raise RuntimeError("there is no performance optimizer; await initialize_performance_optimizer(...) first")
    return _current


async def shutdown_performance_optimizer() -> None:
    """Close it; without one, nothing happens."""
    global _current
    optimizer, _current = _current, None
    if optimizer is not None:
        await optimizer.__aexit__()

"""The monitor beside a real pool, whose livekit-server goes away and comes back."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from rooms.clients.pool import ClientPool
from rooms.performance.sections import ConnectionPool, QualityMonitoring
from rooms.quality.monitor import QualityMonitor
from rooms.tokens import ApiKey
from sim.livekit_server import LocalLiveKit, free_port

if TYPE_CHECKING:
    from rooms.quality.api_quality import ApiQuality

POOL = ConnectionPool(pool_size=2, base_delay_s=0.05, max_delay_s=0.2, health_interval_s=0.2, max_attempts=20)
LENIENT = QualityMonitoring(excellent=0.6, good=0.4, fair=0.2)
ASKED = 10


async def ask(pool: ClientPool, limit_s: float) -> None:
    """Some requests; what becomes of them is in the pool's figures."""

    async def one() -> None:
        async with pool.client() as lk:
            await lk.room.list_rooms(api.ListRoomsRequest())

    with suppress(TimeoutError, aiohttp.ClientError, api.ServerError):
        async with asyncio.timeout(limit_s):
            for _ in range(ASKED):
                await one()


async def looked(pool: ClientPool, monitor: QualityMonitor, limit_s: float) -> ApiQuality:
    await ask(pool, limit_s)
    quality = monitor.look()
    assert quality is not None
    return quality


async def test_the_score_follows_livekit() -> None:
    """Good, nothing within two looks of its end, good within two of its return; one alert for all of it."""
    livekit = LocalLiveKit(port=free_port(socket.SOCK_STREAM))
    async with livekit, ClientPool([livekit.url], ApiKey(livekit.api_key, livekit.api_secret), POOL) as pool:
        monitor = QualityMonitor(LENIENT, pool=pool.stats)
        monitor.look()
        before = await looked(pool, monitor, 10.0)
        assert before.success_rate == 1
        assert before.requests >= ASKED
        assert (before.latency_ms or 0) > 0
        await livekit.stop()
        away = [await looked(pool, monitor, 0.5) for _ in range(2)][-1]
        assert away.score is not None
        assert away.score < LENIENT.fair
        assert away.grade == "poor"
        await livekit.start()
        back = [await looked(pool, monitor, 10.0) for _ in range(2)][-1]
        assert back.success_rate == 1
        assert (back.score or 0) > away.score
        await looked(pool, monitor, 10.0)
        assert (monitor.alerts("api"), monitor.alerting("api")) == (1, 0)

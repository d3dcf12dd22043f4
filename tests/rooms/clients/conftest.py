"""A pool in front of the real livekit-server, with a relay between them that can be shut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from rooms.performance.sections import ConnectionPool
from rooms.tokens import ApiKey
from sim.counting_relay import CountingRelay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sim.livekit_server import LocalLiveKit


@pytest.fixture
def key(livekit: LocalLiveKit) -> ApiKey:
    return ApiKey(livekit.api_key, livekit.api_secret)


@pytest.fixture
def quick() -> ConnectionPool:
    """Short pauses, and patience, for a busy machine."""
    return ConnectionPool(
        pool_size=2, acquire_timeout_s=20.0, health_interval_s=0.2, max_attempts=5, base_delay_s=0.1, max_delay_s=0.5
    )


@pytest_asyncio.fixture
async def relay(livekit: LocalLiveKit) -> AsyncIterator[CountingRelay]:
    async with CountingRelay(livekit.ports.http) as relay:
        yield relay


@pytest_asyncio.fixture
async def other(livekit: LocalLiveKit) -> AsyncIterator[CountingRelay]:
    """A second way to the same rooms."""
    async with CountingRelay(livekit.ports.http) as relay:
        yield relay

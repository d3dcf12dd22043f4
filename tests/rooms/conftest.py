"""A real livekit-server for the tests of the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from livekit import api

from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="session")
async def livekit() -> AsyncIterator[LocalLiveKit]:
    async with LocalLiveKit() as server:
        yield server


@pytest_asyncio.fixture
async def lk(livekit: LocalLiveKit) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        yield client

"""The simplest who lends clients of LiveKit's API: one for all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit import api


class OneClient:
    """A `rooms.clients.protocol.Clients` that lends the same one to everybody at once."""

    def __init__(self, lk: api.LiveKitAPI, url: str = "") -> None:
        self.lk = lk
        self.url = url

    @asynccontextmanager
    async def client(self, *, timeout_s: float | None = None) -> AsyncGenerator[api.LiveKitAPI]:
        async with asyncio.timeout(timeout_s):
            yield self.lk

"""What the tests of the pool wait with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 30.0


async def until(true: Callable[[], bool]) -> None:
    """A pool's figures give no event."""
    async with asyncio.timeout(LIMIT_S):
        while not true():
            await asyncio.sleep(0.005)


def asks(mark: str = "mark-000000") -> api.ListRoomsRequest:
    return api.ListRoomsRequest(names=[mark])

"""Joins that are finished even when nobody waits for them any more.

The media library cannot take a join back. One whose waiter is cancelled goes on, for up to 45 s if the room was closed
meanwhile, and opens that room again. If nobody answers it then, the library panics 10 s later, and livekit-rtc ends the
process for it, with all calls in it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from livekit import api, rtc

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = get_logger("runtime")

LAST_LIMIT_S = 2.0
AWAY = (api.ServerError, aiohttp.ClientError, TimeoutError)


class Joins:
    """`joins.keep(room)` before the room's `connect`, `await joins.aclose()` when the worker ends.

    A connect that is cancelled then goes on in the background. When it is through, the room is left; if nobody else is
    in it, it is closed too: its call is over. `make_api` gives a client for that, of the worker's own LiveKit.
    """

    def __init__(self, make_api: Callable[[], api.LiveKitAPI] = api.LiveKitAPI) -> None:
        self._make_api = make_api
        self._late: set[asyncio.Task[None]] = set()

    @property
    def late(self) -> int:
        """Joins that go on without their call."""
        return len(self._late)

    def keep(self, room: rtc.Room) -> None:
        """Let no cancellation reach the join of `room`."""
        connect: Callable[..., Coroutine[Any, Any, None]] = room.connect

        async def connect_to_the_end(*args: Any, **options: Any) -> None:
            joining = asyncio.create_task(connect(*args, **options), name="join")
            try:
                await asyncio.shield(joining)
            except asyncio.CancelledError:
                late = asyncio.create_task(self._leave(room, joining), name="late join")
                self._late.add(late)
                late.add_done_callback(self._late.discard)
                raise

        cast("Any", room).connect = connect_to_the_end

    async def aclose(self) -> None:
        """Give late joins a moment. Any number of times."""
        if self._late:
            _, pending = await asyncio.wait(self._late, timeout=LAST_LIMIT_S)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _leave(self, room: rtc.Room, joining: asyncio.Task[None]) -> None:
        try:
            await joining
        except rtc.ConnectError as error:
            log.debug("a join that nobody waited for failed", reason=str(error))
            return
        try:
            if not room.remote_participants:
                async with self._make_api() as lk:
                    await lk.room.delete_room(api.DeleteRoomRequest(room=room.name))
        except AWAY as error:
            log.debug("a room was not closed after a late join", room=room.name, reason=str(error))
        finally:
            await room.disconnect()

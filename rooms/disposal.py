"""Rooms that nobody is to join any more: the agent is called back, the room closed, and kept closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api

from rooms.attendance import dispatches, exists, participants
from rooms.escort import AWAY, reason
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

log = get_logger("rooms")

POLL_S = 0.1
CALL_BACK_LIMIT_S = 1.0
CLOSE_LIMIT_S = 5.0
LAST_LIMIT_S = 1.0
# An agent that was on its way brings a closed room back, and so does a request that is cut off inside livekit-server.
LOOK_AGAIN_S = (1.0, 4.0, 10.0, 30.0)


class Disposal:
    """`disposal.discard(room)` at any time, `await disposal.aclose()` at the end. Only for rooms without a caller.

    Works in the background. While LiveKit is away it tries a few times; then livekit-server's own timeout closes the
    room.
    """

    def __init__(self, lk: api.LiveKitAPI, agent_name: str) -> None:
        self._lk = lk
        self._agent_name = agent_name
        self._open: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Disposal {len(self._open)} to close, {len(self._tasks)} looked after>"

    def discard(self, room: str) -> None:
        """Close a room that nobody can be handed any more, and look whether it stays closed."""
        self._open.add(room)
        task = asyncio.create_task(self._discard(room), name=f"close {room}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self, rooms: Iterable[str] = ()) -> None:
        """Close `rooms`, and once more what is not known to be closed; within about 2 s. Any number of times."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        last, self._open = {*rooms, *self._open}, set()
        await asyncio.gather(*(self._remove(room, LAST_LIMIT_S) for room in last))

    async def _discard(self, room: str) -> None:
        closed = await self._remove(room, CLOSE_LIMIT_S)
        for pause_s in LOOK_AGAIN_S:
            if closed:
                self._open.discard(room)
            await asyncio.sleep(pause_s)
            if await self._is_there(room):
                self._open.add(room)
                closed = await self._remove(room, CLOSE_LIMIT_S)
            else:
                closed = True
        self._open.discard(room)

    async def _remove(self, room: str, limit_s: float) -> bool:
        """Call the agent back and close the room; False if LiveKit did not say that it is closed."""
        try:
            async with asyncio.timeout(CALL_BACK_LIMIT_S):
                # A room that is closed over an agent's published track leaves a native thread in that worker.
                await self._call_agent_back(room)
        except AWAY as error:
            log.debug("the agent of an unused room did not leave", room=room, reason=reason(error))
        try:
            async with asyncio.timeout(limit_s):
                await self._lk.room.delete_room(api.DeleteRoomRequest(room=room))
        except AWAY as error:
            if isinstance(error, api.ServerError) and error.code == api.ServerErrorCode.NOT_FOUND:
                return True
            log.debug("an unused room was not closed", room=room, reason=reason(error))
            return False
        return True

    async def _call_agent_back(self, room: str) -> None:
        for dispatch in await dispatches(self._lk, room, self._agent_name):
            await self._lk.agent_dispatch.delete_dispatch(dispatch.id, room)
        while await participants(self._lk, room):  # noqa: ASYNC110  # LiveKit tells it nobody outside the room
            await asyncio.sleep(POLL_S)

    async def _is_there(self, room: str) -> bool:
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                return await exists(self._lk, room)
        except AWAY:
            return True

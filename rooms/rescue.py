"""No caller is left alone: whose worker died or was drained gets another agent.

Nothing is remembered here. LiveKit lists rooms, who is in them and what was dispatched to them; an agent that is
listed and does not answer belongs to a worker that was killed. A room is left alone if it has no caller, no dispatch
of this agent, or an agent that answers. An agent that leaves its caller on purpose closes the room, as the
orchestrator does, or deletes its own dispatch.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from livekit import api

from rooms.attendance import Attendance, State, dispatches, is_caller, look, participants
from rooms.dispatch import send_again
from rooms.escort import AWAY, attend, reason
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rooms.tokens import ApiKey

log = get_logger("rooms")

AT_ONCE = 8  # rooms that are looked at side by side: this must not be a burden for LiveKit
GOING_LIMIT_S = 2.0  # a worker that goes does not wait longer for LiveKit


class RoomRescue:
    """`async with RoomRescue(url, key, "firstword") as rescue:` ... `rescue.look()`. A `runtime.rescue.Rescue`.

    A room that is looked after already is not begun anew. Two processes that look at the same time send
    one agent: see `rooms.dispatch.send_again`.
    """

    def __init__(self, url: str, key: ApiKey, agent_name: str) -> None:
        self._url = url
        self._key = key
        self._agent_name = agent_name
        self._asked = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._attending: set[str] = set()

    async def __aenter__(self) -> Self:
        self._lk = api.LiveKitAPI(self._url, self._key.key, self._key.secret)
        self._looking = asyncio.create_task(self._run(), name="rescue")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()
        await asyncio.wait([self._looking])
        await self._lk.aclose()

    @property
    def attending(self) -> int:
        """Rooms that are looked after now."""
        return len(self._attending)

    def look(self) -> None:
        """Look soon for callers without an agent, in all rooms."""
        self._asked.set()

    async def release(self, rooms: Sequence[str]) -> None:
        """Send another agent into those of `rooms` in which no caller is yet. Waits at most GOING_LIMIT_S."""
        await self._before_going(self._release, rooms)

    async def hand_over(self, rooms: Sequence[str]) -> None:
        """Send another agent to the callers in `rooms` who have none any more. Waits at most GOING_LIMIT_S."""
        await self._before_going(self._hand_over, rooms)

    # ---- the look -----------------------------------------------------------------------------------------

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await self._asked.wait()
                self._asked.clear()
                try:
                    found = await self._lk.room.list_rooms(api.ListRoomsRequest())
                except AWAY as error:
                    log.warning("rooms could not be looked at", reason=reason(error))
                    continue
                for room in found.rooms:
                    if room.name not in self._attending:
                        self._attending.add(room.name)
                        group.create_task(self._attend(room.name), name=f"rescue in {room.name}")

    async def _attend(self, room: str) -> None:
        try:
            # Most rooms are none of its business: only the others get past the slots and are waited for.
            async with self._slots:
                if not any(is_caller(each) for each in await participants(self._lk, room)):
                    return
                found = await look(self._lk, room, self._agent_name)
            if found.dispatches:
                await attend(self._lk, room, self._agent_name, found=found)
        except AWAY as error:
            log.warning("a room could not be looked at", room=room, reason=reason(error))
        finally:
            self._attending.discard(room)

    # ---- a worker goes ------------------------------------------------------------------------------------

    async def _before_going(self, send: Callable[[str], Awaitable[None]], rooms: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(GOING_LIMIT_S):
                async with asyncio.TaskGroup() as group:
                    for room in rooms:
                        group.create_task(self._send(send, room), name=f"rescue in {room}")
        except TimeoutError:
            log.warning("rooms were not handed over in time", limit_s=GOING_LIMIT_S)

    async def _send(self, send: Callable[[str], Awaitable[None]], room: str) -> None:
        try:
            await send(room)
        except AWAY as error:
            log.warning("a room was not handed over", room=room, reason=reason(error))

    async def _release(self, room: str) -> None:
        there = await participants(self._lk, room)
        ours = await dispatches(self._lk, room, self._agent_name)
        if ours and not any(is_caller(each) for each in there):
            await send_again(self._lk, room, self._agent_name, Attendance(State.ATTENDED, dispatches=tuple(ours)))

    async def _hand_over(self, room: str) -> None:
        found = await look(self._lk, room, self._agent_name)
        if found.state is not State.ATTENDED and found.dispatches and found.callers:
            await send_again(self._lk, room, self._agent_name, found)

"""The limit of rooms: counted in this process before a room is made, and judged by LiveKit's own list after it.

In this process the count alone is exact: no more requests are under way than there are places. Other processes of the
service, and one that was killed, are seen by the list only. So a new room stays if a list that was asked for after it
was made has no more rooms than are allowed, which cannot be so of one room too many, whatever the clocks say: the room
that was stored last sees all others. If there are more, the newest give way (by LiveKit's time of creation), each
closed by the process that made it, and the older ones wait for that. For that moment there may be as many more rooms
as the other processes have places.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from livekit import api

from rooms.escort import reason
from rooms.limits.fresh_look import FreshLook
from rooms.limits.places import RoomPlaces
from rooms.limits.reached import LimitReached
from rooms.limits.turns import Turns
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from rooms.clients.protocol import Clients

T = TypeVar("T")

log = get_logger("limits")

GIVE_WAY_LIMIT_S = 2.0
GIVE_WAY_POLL_S = 0.05
# A request that was cut off may still be carried out inside livekit-server for so long.
UNCLEAR_S = 5.0


@dataclass(eq=False)
class RoomRequest:
    """How a room is asked for, and how far that is.

    `create` asks LiveKit, and `is_ours` tells whether it was this request that made the room: LiveKit answers with the
    room that is there already if there is one.
    """

    name: str
    create: Callable[[api.LiveKitAPI], Awaitable[api.Room]]
    is_ours: Callable[[api.Room], bool]
    sent: bool = False
    forsaken: bool = False
    unclear_since_s: float = 0.0


class RoomAdmission:
    """`room = await admission.open(RoomRequest(...))`: only as many as `most` (None: any), which may be changed.

    A room that is there already takes no new place and is never closed here.
    """

    def __init__(self, clients: Clients, most: int | None) -> None:
        self.most = most
        self.places = RoomPlaces()
        self.list_rooms = FreshLook(self._list_rooms)
        self.given: set[str] = set()
        """Sids of the rooms that this process made and answered for."""
        self._clients = clients
        self._looked = False
        self._turns = Turns()
        self._unclear: dict[str, RoomRequest] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<RoomAdmission {self.taken} of {'any number' if self.most is None else self.most}>"

    @property
    def taken(self) -> int:
        """Rooms that are open or on their way, as far as this process knows."""
        return self.places.taken(time.monotonic())

    async def open(self, request: RoomRequest) -> api.Room:
        """Have the room made, if there is a place for it. Of one name one is made at a time.

        A call that is cancelled leaves nothing: a room that is made all the same is closed in the background. So is
        what comes of a request that failed without an answer; its place is kept until that is known.
        Raises LimitReached, and what `create` raises.
        """
        task = self._own(self._in_turn(request))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            request.forsaken = True
            if not request.sent:
                task.cancel()
            elif task.done() and not task.cancelled() and task.exception() is None and request.is_ours(task.result()):
                self.places.hold(request.name, None, time.monotonic())
                self._own(self._clear_up(request))
            raise

    async def hold(self, name: str, for_s: float) -> None:
        """Keep a place for the room that a caller's join will make, for as long as the token is good.

        Raises LimitReached, and what LiveKitAPI raises.
        """
        await self._hold(name, for_s)

    def give_up(self, name: str) -> None:
        """Nobody will join with the token for which a place was held."""
        if name not in self._turns:
            self.places.release(name)

    async def settle(self) -> Sequence[api.Room]:
        """A fresh list of all rooms. What requests have made that had no answer is closed.

        Raises what LiveKitAPI raises.
        """
        now_s = time.monotonic()
        rooms = await self.list_rooms()
        for room in rooms:
            unclear = self._unclear.get(room.name)
            if unclear is not None and unclear.is_ours(room):
                await self._close(room.name)
        for name, unclear in list(self._unclear.items()):
            if unclear.unclear_since_s < now_s - UNCLEAR_S:
                self._clear(name)
        return rooms

    async def aclose(self) -> None:
        """Wait for what is under way: seconds at most. Any number of times."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.list_rooms.aclose()

    # ---- a place --------------------------------------------------------------------------------------------

    async def _hold(self, name: str, for_s: float = float("inf")) -> None:
        if not self._looked and self.most is not None:
            await self.list_rooms()  # what a process before this one has left
        if self.places.hold(name, self.most, time.monotonic(), for_s=for_s):
            return
        await self.settle()  # a room may have ended that nobody has told of
        if not self.places.hold(name, self.most, time.monotonic(), for_s=for_s):
            raise self._reached(self.taken)

    def _reached(self, count: int) -> LimitReached:
        return LimitReached("max_rooms", allowed=self.most or 0, count=count, what="rooms")

    # ---- a room ---------------------------------------------------------------------------------------------

    async def _in_turn(self, request: RoomRequest) -> api.Room:
        async with self._turns.of(request.name):
            await self._hold(request.name)
            try:
                async with self._clients.client() as lk:
                    request.sent = True
                    room = await request.create(lk)
                if self.most is not None and request.is_ours(room):
                    await self._judge(room)
            except LimitReached:
                self.places.release(request.name)
                raise
            except BaseException as error:
                if not request.sent or _certainly_nothing(error):
                    self.places.release(request.name)
                else:
                    await self._clear_up(request)
                raise
            if request.forsaken and request.is_ours(room):
                await self._clear_up(request)
                return room
            self.places.opened(room.name, room.sid, time.monotonic())
            self.given.add(room.sid)
            self._clear(room.name)
            return room

    async def _judge(self, mine: api.Room) -> None:
        """Return if the new room may stay; else it is closed, and LimitReached raised."""
        deadline = time.monotonic() + GIVE_WAY_LIMIT_S
        while True:
            rooms = {room.sid: room for room in [*await self.list_rooms(), mine]}
            if self.most is None or len(rooms) <= self.most:
                return
            oldest_first = sorted(rooms, key=lambda sid: (rooms[sid].creation_time_ms, sid))
            if oldest_first.index(mine.sid) >= self.most or time.monotonic() > deadline:
                await self._close(mine.name)
                raise self._reached(len(rooms) - 1)
            await asyncio.sleep(GIVE_WAY_POLL_S * random.uniform(0.5, 1.5))

    async def _clear_up(self, request: RoomRequest) -> None:
        """Close what the request has made, if it has. Its place is kept where that is not known, until `settle`."""
        name = request.name
        self._unclear[name] = request
        request.unclear_since_s = time.monotonic()
        try:
            async with self._clients.client() as lk:
                rooms = (await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))).rooms
            if any(request.is_ours(room) for room in rooms):
                await self._close(name)
                self._clear(name)
        except Exception as error:  # noqa: BLE001  # LiveKit is away, or no client is free: `settle` does it later
            log.debug("it is not known whether a room was made", room=name, reason=reason(error))

    def _clear(self, name: str) -> None:
        self._unclear.pop(name, None)
        self.places.release(name)

    async def _close(self, name: str) -> None:
        async with self._clients.client() as lk:
            try:
                await lk.room.delete_room(api.DeleteRoomRequest(room=name))
            except api.ServerError as error:
                if error.code != api.ServerErrorCode.NOT_FOUND:
                    raise
        self.places.gone(name)

    async def _list_rooms(self) -> Sequence[api.Room]:
        asked_at_s = time.monotonic()
        async with self._clients.client() as lk:
            rooms = (await lk.room.list_rooms(api.ListRoomsRequest())).rooms
        self.places.listed({room.name: room.sid for room in rooms}, asked_at_s)
        self.given &= self.places.sids()
        self._looked = True
        return rooms

    def _own(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name="a room and its place")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits has it; if nobody does, it is no news


def _certainly_nothing(error: BaseException) -> bool:
    """LiveKit has refused, or was never reached."""
    if isinstance(error, api.ServerError):
        return 400 <= error.status < 500
    return isinstance(error, aiohttp.ClientConnectorError)

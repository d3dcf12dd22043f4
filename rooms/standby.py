"""Standby rooms: open, with an agent in each whose voice is published, and handed out with a caller's token."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rooms.attendance import State, has_voice, is_agent, look, participants
from rooms.dispatch import DispatchError, open_room
from rooms.disposal import Disposal
from rooms.escort import AWAY, reason
from rooms.lifetime import empty_timeout_s
from rooms.tokens import new_name
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from livekit import api

log = get_logger("standby")

CHECK_S = 2.0
RENEW_AT = 0.75  # of the age limit: a room is replaced while it is still good
AGENT_LIMIT_S = 3.0
POLL_S = 0.1
# Whoever was just handed a room joins it now: to open the next one takes CPU from that call's first word.
YIELD_TO_CALLER_S = 0.5
SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 4.0
TELL_AFTER_S = 15.0  # a worker that starts or is restarted is there before
CLOSE_LIMIT_S = 1.0


@dataclass(eq=False)
class _Room:
    """`sure`: at the last look its agent was there."""

    name: str
    opened_at: float
    sure: bool = True

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.opened_at


class StandbyRooms:
    """`async with StandbyRooms(lk, "firstword", size=2, max_age_s=60) as standby:` ... `standby.take()`.

    Keeps `size` rooms ready and refills one at a time. A room is replaced before it is `max_age_s` old; one whose
    agent has left, or does not answer, is found every `check_s` and replaced too. While LiveKit or the worker is away
    it tries again, in growing pauses and with one warning. What it gives up is closed in the background. At the end it
    closes what it still holds: a room that was handed out never. With size 0 it does nothing. Raises ValueError for a
    negative size, and for times that are not above 0.
    """

    def __init__(
        self,
        lk: api.LiveKitAPI,
        agent_name: str,
        *,
        size: int,
        max_age_s: float,
        check_s: float = CHECK_S,
        room_metadata: str = "",
    ) -> None:
        if size < 0:
            raise ValueError(f"size: got {size}, must be 0 or more (rooms)")
        for field, value in (("max_age_s", max_age_s), ("check_s", check_s)):
            if value <= 0:
                raise ValueError(f"{field}: got {value:g}, must be above 0 (seconds)")
        self._lk = lk
        self._agent_name = agent_name
        self._disposal = Disposal(lk, agent_name)
        self._size = size
        self._max_age_s = max_age_s
        self._check_s = check_s
        self._room_metadata = room_metadata
        self._empty_timeout_s = empty_timeout_s(2 * max_age_s)  # who is handed the oldest one has as long again
        self._rooms: list[_Room] = []  # the oldest first
        self._opening: str | None = None
        self._taken_at = float("-inf")
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._failing_since = 0.0
        self._told = False

    def __repr__(self) -> str:
        return f"<StandbyRooms {self.waiting} of {self._size} waiting{', one opening' if self._opening else ''}>"

    @property
    def waiting(self) -> int:
        """Rooms that could be handed out now."""
        return sum(self._is_good(room) for room in self._rooms)

    def take(self) -> str | None:
        """The name of a room whose agent waits, which is the caller's from now on; None if there is none.

        Its agent may be lost at any time after the last look: `rooms.escort` looks after it until the caller is there.
        """
        room = next(filter(self._is_good, self._rooms), None)
        if room is None or self._closing.is_set():
            return None
        self._rooms.remove(room)
        self._taken_at = time.monotonic()
        self._changed.set()
        return room.name

    async def __aenter__(self) -> Self:
        if self._size:
            self._own(self._refill(), "refill")
            self._own(self._check(), "check")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the rooms that nobody took. Any number of times."""
        self._closing.set()
        self._changed.set()
        if self._tasks:
            # A room that is deleted while its agent is on the way comes back with the agent: let it arrive first.
            await asyncio.wait(self._tasks, timeout=CLOSE_LIMIT_S)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        names, self._rooms = [room.name for room in self._rooms], []
        if self._opening is not None:
            names.append(self._opening)
            self._opening = None
        await self._disposal.aclose(names)

    # ---- what is decided, without waiting -----------------------------------------------------------------

    def _is_good(self, room: _Room) -> bool:
        return room.sure and room.age_s < self._max_age_s

    @property
    def _lacks_one(self) -> bool:
        young = sum(room.sure and room.age_s < RENEW_AT * self._max_age_s for room in self._rooms)
        return young < self._size

    def _surplus(self) -> list[_Room]:
        """Take what is too old out of the list, and what is beyond the size: the doubtful, then the oldest."""
        worst_first = sorted(self._rooms, key=lambda room: (room.sure, room.opened_at))
        beyond = worst_first[: max(0, len(self._rooms) - self._size)]
        surplus = [room for room in self._rooms if room in beyond or room.age_s >= self._max_age_s]
        self._rooms = [room for room in self._rooms if room not in surplus]
        return surplus

    # ---- the two loops ------------------------------------------------------------------------------------

    async def _refill(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            pause_s = self._check_s
            if self._lacks_one:
                pause_s = self._taken_at + YIELD_TO_CALLER_S - time.monotonic()
                if pause_s <= 0:
                    pause_s = await self._open_one()
            self._drop_surplus()
            if pause_s > 0:
                await _until(self._closing if self._failures else self._changed, pause_s)

    async def _check(self) -> None:
        while not self._closing.is_set():
            await _until(self._closing, self._check_s)
            await asyncio.gather(*(self._check_one(room) for room in self._rooms))
            self._drop_surplus()

    async def _check_one(self, room: _Room) -> None:
        try:
            found = await look(self._lk, room.name, self._agent_name)
        except AWAY:
            room.sure = False  # LiveKit is away: the refill meets that too, and tells it
            self._changed.set()
            return
        room.sure = found.voice
        if found.voice:
            return
        self._changed.set()
        # One whose next agent is on its way may become good again; and it may have been handed out while we looked.
        if found.state is not State.COMING and room in self._rooms:
            self._rooms.remove(room)
            log.debug("the agent of a standby room has left", room=room.name)
            self._disposal.discard(room.name)

    async def _open_one(self) -> float:
        """Open a room and wait for its agent. Returns the seconds to pause after that."""
        self._opening = name = new_name("call")
        opened_at = time.monotonic()
        try:
            await open_room(
                self._lk,
                name,
                self._agent_name,
                fresh=True,
                empty_timeout_s=self._empty_timeout_s,
                room_metadata=self._room_metadata,
            )
            await self._wait_for_voice(name)
        except AWAY as error:
            self._disposal.discard(name)
            self._opening = None
            self._note_failure(error)
            return min(SHORTEST_PAUSE_S * self._failures, LONGEST_PAUSE_S)
        self._opening = None
        self._rooms.append(_Room(name, opened_at))
        if self._told:
            log.info("standby rooms are filled again")
        self._failures, self._told = 0, False
        return 0.0

    def _drop_surplus(self) -> None:
        for room in self._surplus():
            self._disposal.discard(room.name)

    # ---- LiveKit ------------------------------------------------------------------------------------------

    async def _wait_for_voice(self, name: str) -> None:
        try:
            async with asyncio.timeout(AGENT_LIMIT_S):
                while not await self._has_voice(name):  # noqa: ASYNC110  # LiveKit tells it nobody outside the room
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise DispatchError(
                f"agent '{self._agent_name}' was not ready within {AGENT_LIMIT_S:g} s; is a worker running with "
                f"AGENT_NAME={self._agent_name}, and below its limit of calls?"
            ) from None

    async def _has_voice(self, name: str) -> bool:
        """Whether the agent is in the room with its audio track published."""
        there = await participants(self._lk, name)
        return any(is_agent(each, self._agent_name) and has_voice(each) for each in there)

    # ---- helpers ------------------------------------------------------------------------------------------

    def _note_failure(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            self._failing_since = time.monotonic()
        if not self._told and time.monotonic() - self._failing_since >= TELL_AFTER_S:
            self._told = True
            log.warning("standby rooms cannot be filled, trying on", reason=reason(error))

    def _own(self, work: Coroutine[None, None, None], what: str) -> None:
        task = asyncio.create_task(work, name=f"standby rooms: {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _until(event: asyncio.Event, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return

"""The limits together: who asks is answered here, webhooks and LiveKit's lists keep the counts true."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rooms.attendance import participants
from rooms.escort import reason
from rooms.limits.admission import RoomAdmission, RoomRequest
from rooms.limits.quiet import QuietRooms, close_quiet, is_quiet
from rooms.limits.seats import Seats
from rooms.limits.tracks import TrackLimit
from rooms.tokens import DEFAULT_TTL_S
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from livekit import api

    from rooms.clients.protocol import Clients
    from rooms.performance.sections import RoomLimits

log = get_logger("limits")

AT_ONCE = 4  # rooms that are looked at side by side: this must not be a burden for LiveKit
# After the first look: a request of a process that was killed may still be under way inside livekit-server.
SECOND_LOOK_S = 1.0
# Longer than one that has to give way takes to do so by itself.
SURPLUS_S = 4.0
SHORTEST_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class LimitStats:
    """What this process knows; `rooms` has those on their way, `reconciled_s` ago it was compared with LiveKit."""

    rooms: int
    max_rooms: int | None
    reconciled_s: float | None
    closed_inactive: int
    closed_surplus: int


class LimitKeeper:
    """`async with LimitKeeper(clients, RoomLimits()) as keeper:`, one for the process and its LiveKit.

    `rooms.creation.create_optimized_room(clients, name, limits=keeper)` raises LimitReached, and so does
    `await keeper.admit(room, identity)` before a token is made. `on_event` takes LiveKit's webhooks, in any order and
    any number of times; what they do not tell is found by comparing with ListRooms, at once and every
    `reconcile_interval_s`: without webhooks a track too many, too.

    How exact: rooms and participants in this process, always. Between processes rooms are exact once each has answered
    (see `rooms.limits.admission`), and participants by LiveKit's own maximum. Rooms that joins make with tokens of
    another process, or of nobody who asked here, are counted, and never closed while somebody is in them. A process
    that is killed may leave rooms that nobody asked for: beyond the limit the newest are closed within seconds of the
    next look.
    """

    def __init__(self, clients: Clients, limits: RoomLimits) -> None:
        self._clients = clients
        self._limits = limits
        self._rooms = RoomAdmission(clients, limits.max_rooms)
        self._seats = Seats(clients)
        self._tracks = TrackLimit(clients, limits)
        self._quiet = QuietRooms()
        self._surplus_since_s: dict[str, float] = {}
        self._spared: set[str] = set()
        self._closing: set[str] = set()
        self._changed = asyncio.Event()
        self._looking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reconciled_at_s: float | None = None
        self._closed_inactive = 0
        self._closed_surplus = 0

    def __repr__(self) -> str:
        return f"<LimitKeeper {self._rooms} {self._seats} {self._tracks}>"

    @property
    def limits(self) -> RoomLimits:
        return self._limits

    def change(self, limits: RoomLimits) -> None:
        """From now on. Rooms that are there stay, even if there are more of them than there may be now."""
        self._spared = self._rooms.places.sids()
        self._limits = self._tracks.limits = limits
        self._rooms.most = limits.max_rooms
        self._changed.set()

    def stats(self) -> LimitStats:
        at_s = self._reconciled_at_s
        return LimitStats(
            rooms=self._rooms.taken,
            max_rooms=self._limits.max_rooms,
            reconciled_s=None if at_s is None else time.monotonic() - at_s,
            closed_inactive=self._closed_inactive,
            closed_surplus=self._closed_surplus,
        )

    async def __aenter__(self) -> Self:
        self._own(self._run(), "compare limits with LiveKit")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop looking; the rooms stay as they are. Any number of times."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._tracks.aclose()
        await self._seats.aclose()
        await self._rooms.aclose()

    # ---- who asks -------------------------------------------------------------------------------------------

    async def open_room(self, request: RoomRequest) -> api.Room:
        """See `rooms.limits.admission.RoomAdmission.open`."""
        return await self._rooms.open(request)

    async def admit(self, room: str, identity: str, *, hold_s: float = DEFAULT_TTL_S) -> None:
        """Keep a seat in `room` for somebody who gets a token that is good for `hold_s`, before it is made.

        A room that is not there yet, and that their join will make, takes a place of the rooms for as long.
        Raises LimitReached, and what LiveKitAPI raises.
        """
        most = self._limits.max_participants_per_room
        if await self._seats.take(room, identity, most=most, hold_s=hold_s):
            return
        try:
            await self._rooms.hold(room, hold_s)
        except BaseException:
            self._seats.give_up(room, identity)
            raise

    def give_up(self, room: str, identity: str) -> None:
        """The token of whom `admit` let in was not handed out: seat and place are free again."""
        self._seats.give_up(room, identity)
        if not self._seats.held(room):
            self._rooms.give_up(room)

    # ---- what LiveKit says ----------------------------------------------------------------------------------

    async def on_event(self, event: api.WebhookEvent) -> None:
        """A webhook that was verified. Never waits for LiveKit."""
        room = event.room
        match event.event:
            case "room_started":
                self._rooms.places.opened(room.name, room.sid, time.monotonic())
                most = self._limits.max_rooms
                if most is not None and self._rooms.taken > most:
                    self._changed.set()
            case "room_finished":
                if self._rooms.places.closed(room.name, room.sid):
                    self._tracks.forget(room.name)
            case "participant_joined":
                if not is_quiet([event.participant]):
                    self._quiet.seen(room.sid, quiet=False, now_s=time.monotonic())
            case "track_published":
                self._tracks.published(room.name, event.track)
            case "track_unpublished":
                self._tracks.unpublished(room.name, event.track.sid)
            case _:
                pass

    async def reconcile(self) -> None:
        """Compare with what LiveKit lists, now. Raises what LiveKitAPI raises."""
        async with self._looking:
            rooms = await self._rooms.settle()
            self._seats.clean()
            self._tracks.keep_only({room.name for room in rooms})
            self._quiet.keep_only(room.sid for room in rooms)
            slots = asyncio.Semaphore(AT_ONCE)
            quiet_s = await asyncio.gather(*(self._look_into(room, slots) for room in rooms))
            idle = [(room, age_s) for room, age_s in zip(rooms, quiet_s, strict=True) if self._is_idle(room, age_s)]
            for room, age_s in idle:
                if age_s is not None and age_s >= self._limits.inactive_after_s:
                    self._close(room, surplus=False)
            self._look_at_surplus(rooms, [room for room, _ in idle])
            self._reconciled_at_s = time.monotonic()

    # ---- the looks ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause_s, failing = SECOND_LOOK_S, False
        while True:
            self._changed.clear()
            try:
                await self.reconcile()
            except Exception as error:  # noqa: BLE001  # LiveKit is away, or no client is free: the next look follows
                if not failing:
                    log.warning("limits could not be compared with LiveKit, trying on", reason=reason(error))
                failing = True
            else:
                failing = False
            try:
                async with asyncio.timeout(min(pause_s, self._limits.reconcile_interval_s)):
                    await self._changed.wait()
                await asyncio.sleep(SHORTEST_PAUSE_S)
            except TimeoutError:
                pass
            pause_s = SECOND_LOOK_S if failing or self._surplus_since_s else self._limits.reconcile_interval_s

    async def _look_into(self, room: api.Room, slots: asyncio.Semaphore) -> float | None:
        """How long nobody but agents has been in the room, s; None if somebody is."""
        async with slots:
            async with self._clients.client() as lk:
                present = await participants(lk, room.name)
            await self._tracks.judge(room.name, present)
        quiet = is_quiet(present)
        age_s = self._quiet.seen(room.sid, quiet=quiet, now_s=time.monotonic())
        return age_s if quiet else None

    def _is_idle(self, room: api.Room, quiet_s: float | None) -> bool:
        """Nobody is in it, and nobody is on the way to it."""
        on_the_way = self._seats.held(room.name) or self._rooms.places.is_held(room.name)
        return quiet_s is not None and not on_the_way and room.name not in self._closing

    def _look_at_surplus(self, rooms: Sequence[api.Room], idle: Sequence[api.Room]) -> None:
        """Beyond the limit the newest rooms go in which nobody is: no process of the service has answered for them."""
        most, now_s = self._limits.max_rooms, time.monotonic()
        staying = sum(room.name not in self._closing for room in rooms)
        beyond = 0 if most is None else staying - most
        spared = self._spared | self._rooms.given
        candidates = [room for room in idle if room.sid not in spared and room.name not in self._closing]
        candidates.sort(key=lambda room: (room.creation_time_ms, room.sid), reverse=True)
        surplus = candidates[: max(0, beyond)]
        self._surplus_since_s = {room.sid: self._surplus_since_s.get(room.sid, now_s) for room in surplus}
        for room in surplus:
            if now_s - self._surplus_since_s[room.sid] >= SURPLUS_S:
                self._close(room, surplus=True)

    def _close(self, room: api.Room, *, surplus: bool) -> None:
        self._closing.add(room.name)
        self._own(self._close_now(room, surplus=surplus), f"close {room.name}")

    async def _close_now(self, room: api.Room, *, surplus: bool) -> None:
        try:
            closed = await close_quiet(self._clients, room.name)
        except Exception as error:  # noqa: BLE001  # as above
            log.warning("a room that nobody uses was not closed", room=room.name, reason=reason(error))
            return
        finally:
            self._closing.discard(room.name)
        if not closed:
            log.info("a room that nobody used has somebody in it again, or an agent that stays", room=room.name)
            return
        self._rooms.places.closed(room.name, room.sid)
        self._closed_surplus += surplus
        self._closed_inactive += not surplus
        log.info("a room was closed", room=room.name, reason="beyond max_rooms" if surplus else "inactive")

    def _own(self, work: Coroutine[None, None, None], what: str) -> None:
        task = asyncio.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

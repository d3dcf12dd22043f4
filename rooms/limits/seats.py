"""The limit of participants, at the token: those who are in the room, and those who were given a token for it.

LiveKit's own `max_participants` is the last judge, at the join. It does not count agents, this limit does.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit import api
from livekit.protocol.models import ParticipantInfo

from rooms.attendance import participants
from rooms.limits.fresh_look import FreshLook
from rooms.limits.reached import LimitReached

if TYPE_CHECKING:
    from rooms.clients.protocol import Clients

NOT_CALLERS = (ParticipantInfo.AGENT, ParticipantInfo.EGRESS)


@dataclass
class _Room:
    """`held`: identity to the moment when its token is worth nothing. The rest is LiveKit's last answer."""

    held: dict[str, float] = field(default_factory=dict[str, float])
    present: dict[str, bool] = field(default_factory=dict[str, bool])
    """Identity to whether LiveKit's own maximum counts it."""
    own_most: int | None = None
    exists: bool = False
    asking: int = 0
    look: FreshLook[None] | None = None


class Seats:
    """`await seats.take("call-1", "ada", most=50, hold_s=120)`, before the token is made.

    In this process it is exact under any number at once. Tokens of another process are seen when they are used.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._rooms: dict[str, _Room] = {}

    def __repr__(self) -> str:
        return f"<Seats {sum(len(room.held) for room in self._rooms.values())} held in {len(self._rooms)} rooms>"

    def held(self, room: str) -> int:
        """Tokens that are good and not used, as far as is known."""
        known = self._rooms.get(room)
        return len(_held(known)) if known is not None else 0

    async def take(self, room: str, identity: str, *, most: int | None, hold_s: float) -> bool:
        """Keep a seat for as long as the token is good; False if there is no such room yet, where it is kept, too.

        Whoever has one, or is in the room, keeps it. A seat is free again when its caller has come and gone.
        Raises LimitReached, and what LiveKitAPI raises.
        """
        known = self._rooms.setdefault(room, _Room())
        if known.look is None:
            known.look = FreshLook(lambda: self._look(room, known))
        known.asking += 1
        try:
            await known.look()
        finally:
            known.asking -= 1
        known.held = _held(known)
        if identity not in known.present and identity not in known.held:
            callers = sum(known.present.values()) + len(known.held)
            _check("max_participants_per_room", most, len(known.present) + len(known.held), room)
            _check("max_participants", known.own_most, callers, room)
        if identity not in known.present:
            known.held[identity] = max(time.monotonic() + hold_s, known.held.get(identity, 0.0))
        return known.exists

    def give_up(self, room: str, identity: str) -> None:
        """The token was not handed out."""
        known = self._rooms.get(room)
        if known is not None:
            known.held.pop(identity, None)

    def clean(self) -> None:
        """Forget rooms for which no token is good any more."""
        for name, known in list(self._rooms.items()):
            known.held = _held(known)
            if not known.held and not known.asking and (known.look is None or known.look.idle):
                del self._rooms[name]

    async def aclose(self) -> None:
        await asyncio.gather(*(known.look.aclose() for known in self._rooms.values() if known.look is not None))

    async def _look(self, room: str, known: _Room) -> None:
        async with self._clients.client() as lk:
            listed = (await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
            present = await participants(lk, room) if listed else ()
        known.exists = bool(listed)
        known.own_most = listed[0].max_participants or None if listed else None
        known.present = {
            each.identity: each.kind not in NOT_CALLERS
            for each in present
            if each.kind != ParticipantInfo.EGRESS and each.state != ParticipantInfo.DISCONNECTED
        }
        for identity in known.present:
            known.held.pop(identity, None)  # the seat is used; when it is empty again it is free


def _held(known: _Room) -> dict[str, float]:
    now_s = time.monotonic()
    return {each: until_s for each, until_s in known.held.items() if until_s > now_s}


def _check(limit: str, most: int | None, count: int, room: str) -> None:
    if most is not None and count >= most:
        raise LimitReached(limit, allowed=most, count=count, what="participants", room=room)

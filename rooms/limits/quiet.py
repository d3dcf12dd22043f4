"""Rooms with nobody but agents in them: since when, and how they are closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api
from livekit.protocol.models import ParticipantInfo

from rooms.attendance import GONE, PENDING_S, age_s, answers, participants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rooms.clients.protocol import Clients

NOBODY = (ParticipantInfo.AGENT, ParticipantInfo.EGRESS)
AGENT_LEAVES_LIMIT_S = 10.0
POLL_S = 0.1


class QuietRooms:
    """Since when nobody but agents is in a room, by its sid. Times are of one monotonic clock, s."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<QuietRooms {len(self._since_s)}>"

    def seen(self, sid: str, *, quiet: bool, now_s: float) -> float:
        """How long it has been quiet, s: 0 if it is not, and at the first look."""
        if not quiet:
            self._since_s.pop(sid, None)
            return 0.0
        return now_s - self._since_s.setdefault(sid, now_s)

    def keep_only(self, sids: Iterable[str]) -> None:
        """All other rooms have ended."""
        kept = {*sids}
        self._since_s = {sid: since_s for sid, since_s in self._since_s.items() if sid in kept}


def is_quiet(present: Sequence[ParticipantInfo]) -> bool:
    return all(each.kind in NOBODY or each.state == ParticipantInfo.DISCONNECTED for each in present)


async def close_quiet(clients: Clients, room: str) -> bool:
    """Call the agents back, wait until they have left, and close the room; False if it has to stay.

    It stays while an agent may be on its way, if somebody else has come, and if an agent that answers does not leave: a
    room that is closed over an agent's published track leaves a native thread in that worker. Raises what LiveKitAPI
    raises.
    """
    if not await _call_agents_back(clients, room):
        return False
    try:
        async with asyncio.timeout(AGENT_LEAVES_LIMIT_S):
            while await _somebody(clients, room):  # noqa: ASYNC110  # LiveKit tells it nobody outside the room
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        await _remove_dead(clients, room)
    async with clients.client() as lk:
        if await participants(lk, room):
            return False
        try:
            await lk.room.delete_room(api.DeleteRoomRequest(room=room))
        except api.ServerError as error:
            if error.code not in GONE:
                raise
    return True


async def _somebody(clients: Clients, room: str) -> bool:
    async with clients.client() as lk:
        present = await participants(lk, room)
    # Who is no agent stays, and there is nothing to wait for.
    return bool(present) and is_quiet(present)


async def _call_agents_back(clients: Clients, room: str) -> bool:
    """False if one may be on its way: its join would open the room again, and LiveKit does not know its job yet."""
    async with clients.client() as lk:
        try:
            found = await lk.agent_dispatch.list_dispatch(room)
            # Each room has one without a name, for workers that take any room: it brings nobody by itself.
            if any(age_s(dispatch) < PENDING_S and (dispatch.agent_name or dispatch.state.jobs) for dispatch in found):
                return False
            for dispatch in found:
                await lk.agent_dispatch.delete_dispatch(dispatch.id, room)
        except api.ServerError as error:
            if error.code not in GONE:
                raise
    return True


async def _remove_dead(clients: Clients, room: str) -> None:
    """LiveKit lists the agent of a worker that was killed for 20 s more."""
    async with clients.client() as lk:
        for each in await participants(lk, room):
            if each.kind == ParticipantInfo.AGENT and await answers(lk, room, each.identity) is False:
                await lk.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=each.identity))

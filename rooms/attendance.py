"""Who is in a room, and whether its agent is there, on its way, or lost."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import aiohttp
from livekit import api
from livekit.protocol.models import ParticipantInfo, TrackType
from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

# A dispatch this young may still be on its way to a worker; an older one whose agent is not in the room is dead.
PENDING_S = 10.0
# livekit-server puts the first into the token of an agent; the second is the SDK's own name for it.
AGENT_NAME_ATTRIBUTES = ("lk.agent_name", "lk.agent.name")
CALLER_KINDS = (ParticipantInfo.STANDARD, ParticipantInfo.SIP, ParticipantInfo.CONNECTOR)
PROBE_S = 1.5
ANSWER_LIMIT_S = 5.0  # about somebody who has left livekit-server says so after 3 s
PROBE_METHOD = "firstword.there"  # nobody has it: "not supported" is the answer of the living
SILENT = {1501, 1502}  # of the RPC: nothing was acknowledged, nothing was answered
# "Unavailable" is what livekit-server says after 3 s about a room that has just been closed.
GONE = (api.ServerErrorCode.NOT_FOUND, api.ServerErrorCode.UNAVAILABLE)
LOST = "firstword.lost"
"""Attribute of a dispatch: how many agents this call has lost before it."""


class State(Enum):
    ATTENDED = "an agent is there and answers"
    COMING = "a dispatch is young enough to be on its way, or an agent comes or goes just now"
    ALONE = "no agent is there, and none will come by itself"
    NO_ROOM = "there is no such room"


@dataclass(frozen=True)
class Attendance:
    """One look at a room.

    `voice`: an agent that answers has published audio. `silent` are agents that LiveKit still lists and that do not
    answer. `dispatches` of this agent, oldest first; empty when ATTENDED, for then they are not asked for.
    """

    state: State
    callers: tuple[str, ...] = ()
    voice: bool = False
    silent: tuple[str, ...] = ()
    dispatches: tuple[api.AgentDispatch, ...] = ()

    @property
    def lost(self) -> int:
        """How many agents this room has lost, by what its dispatches say."""
        return max((_lost(dispatch) for dispatch in self.dispatches), default=0)


async def look(lk: api.LiveKitAPI, room: str, agent_name: str) -> Attendance:
    """How it stands with `agent_name` in a room.

    Takes PROBE_S where an agent is listed that does not answer: livekit-server lists the agent of a worker that was
    killed for 20 s more. Raises what LiveKitAPI raises.
    """
    found = await participants(lk, room)
    callers = tuple(each.identity for each in found if is_caller(each))
    silent: list[str] = []
    unclear = False
    for each in found:
        if is_agent(each, agent_name):
            answer = await answers(lk, room, each.identity)
            if answer:
                return Attendance(State.ATTENDED, callers, has_voice(each))
            if answer is None:
                unclear = True
            else:
                silent.append(each.identity)
    if not found and not await exists(lk, room):
        return Attendance(State.NO_ROOM)
    ours = await dispatches(lk, room, agent_name)
    # One whose agent has come and fallen silent is not on its way any more.
    coming = unclear or any(age_s(each) < PENDING_S and not _brought(each) & {*silent} for each in ours)
    return Attendance(State.COMING if coming else State.ALONE, callers, silent=tuple(silent), dispatches=tuple(ours))


async def participants(lk: api.LiveKitAPI, room: str) -> Sequence[ParticipantInfo]:
    """Whoever is in the room; nobody if there is no such room."""
    return (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants


async def exists(lk: api.LiveKitAPI, room: str) -> bool:
    return bool((await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms)


async def dispatches(lk: api.LiveKitAPI, room: str, agent_name: str) -> list[api.AgentDispatch]:
    """The room's dispatches of this agent, oldest first."""
    try:
        found = await lk.agent_dispatch.list_dispatch(room)
    except api.ServerError as error:
        if error.code in GONE:
            return []
        raise
    mine = [dispatch for dispatch in found if dispatch.agent_name == agent_name]
    return sorted(mine, key=lambda dispatch: (dispatch.state.created_at, dispatch.id))


def is_agent(participant: ParticipantInfo, agent_name: str) -> bool:
    return any(participant.attributes.get(key) == agent_name for key in AGENT_NAME_ATTRIBUTES)


def is_caller(participant: ParticipantInfo) -> bool:
    """Someone whom an agent serves: a browser, a telephone; no recorder and no other agent."""
    return participant.kind in CALLER_KINDS and participant.state != ParticipantInfo.DISCONNECTED


def has_voice(participant: ParticipantInfo) -> bool:
    return any(track.type == TrackType.AUDIO for track in participant.tracks)


def age_s(dispatch: api.AgentDispatch) -> float:
    return time.time() - dispatch.state.created_at / 1e9


async def answers(lk: api.LiveKitAPI, room: str, identity: str) -> bool | None:
    """Whether a participant's process is alive: its media library answers by itself, even while Python is busy.

    False only for silence of PROBE_S, or by LiveKit's word that it is gone. None where that is open: it joins or leaves
    just now, or LiveKit is slow. A server that has no such request is believed in what it lists: True.
    """
    grants = api.VideoGrants(room_admin=True, room=room)
    token = api.AccessToken(lk.room.api_key, lk.room.api_secret).with_grants(grants).to_jwt()
    request = PerformRpcRequest(
        room=room, destination_identity=identity, method=PROBE_METHOD, response_timeout_ms=round(PROBE_S * 1000)
    )
    client = lk.room._client  # pyright: ignore[reportPrivateUsage]  # the SDK has no method for PerformRpc yet
    try:
        await client.request(
            "RoomService",
            "PerformRpc",
            request,
            {"authorization": f"Bearer {token}"},
            PerformRpcResponse,
            timeout=aiohttp.ClientTimeout(total=ANSWER_LIMIT_S),
        )
    except TimeoutError:
        return None
    except api.ServerError as error:
        code = re.search(r"RpcError (\d+)", error.message)
        if error.code in GONE or (code and int(code[1]) in SILENT):
            return False
        return None if error.code == api.ServerErrorCode.INTERNAL else True
    return True


def _brought(dispatch: api.AgentDispatch) -> set[str]:
    return {job.state.participant_identity for job in dispatch.state.jobs}


def _lost(dispatch: api.AgentDispatch) -> int:
    before = dispatch.attributes.get(LOST, "0")
    # One that no worker took has lost nobody: full workers are no reason to give a caller up.
    return (int(before) if before.isdecimal() else 0) + bool(dispatch.state.jobs)

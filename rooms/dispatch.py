"""Sending the agent into a room: in the call that creates the room, and never twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

if TYPE_CHECKING:
    from collections.abc import Generator

# A dispatch this young may still be on its way to a worker; an older one whose agent is not in the room is dead.
PENDING_S = 10.0
POLL_S = 0.05
# livekit-server puts the first into the token of an agent; the second is the SDK's own name for it.
AGENT_NAME_ATTRIBUTES = ("lk.agent_name", "lk.agent.name")


class DispatchError(Exception):
    """LiveKit would not do it. The message is one sentence: what failed, and what to do about it."""


async def open_room(lk: api.LiveKitAPI, room: str, agent_name: str, metadata: str = "", *, fresh: bool = False) -> None:
    """Create `room` with `agent_name` dispatched to it, or send the agent into the room if it exists already.

    `metadata` reaches the agent's job as it is. `fresh` says that the name was just made up: then one request does
    it all. Otherwise a second request looks whether the room was there before, because livekit-server ignores the
    agents of a CreateRoom for a room that exists. Calling it again for a room with a live agent changes nothing.

    Returns when livekit-server has the dispatch, which is before a worker has taken it: see `wait_for_agent`.
    Raises DispatchError if LiveKit cannot be reached, or refuses the key or the request.
    """
    request = api.CreateRoomRequest(name=room, agents=[api.RoomAgentDispatch(agent_name=agent_name, metadata=metadata)])
    with _readable_errors():
        await lk.room.create_room(request)
        if not fresh:
            await _ensure_agent(lk, room, agent_name, metadata)


async def wait_for_agent(lk: api.LiveKitAPI, room: str, agent_name: str, *, timeout_s: float = 5.0) -> str:
    """Wait until the agent is in `room`; returns its identity.

    Raises DispatchError after timeout_s: no worker took the call, or the one that did never arrived.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with _readable_errors():
            present = await _agents(lk, room, agent_name)
        if present:
            return present[0]
        await asyncio.sleep(POLL_S)
    raise DispatchError(
        f"agent '{agent_name}' did not come within {timeout_s:g} s; is a worker running with "
        f"AGENT_NAME={agent_name}, and below its limit of calls? If it took the call, its log says why it failed"
    )


async def _ensure_agent(lk: api.LiveKitAPI, room: str, agent_name: str, metadata: str) -> None:
    """Leave exactly one live dispatch of `agent_name` in a room that exists."""
    if await _agents(lk, room, agent_name):
        return
    dispatches = await _dispatches(lk, room, agent_name)
    if any(time.time() - dispatch.state.created_at / 1e9 < PENDING_S for dispatch in dispatches):
        return
    for dead in dispatches:
        # Otherwise a worker that comes back late would bring a second agent.
        await _delete(lk, room, dead)
    mine = await lk.agent_dispatch.create_dispatch(
        api.CreateAgentDispatchRequest(agent_name=agent_name, room=room, metadata=metadata)
    )
    # Two openers may both have found the room without an agent: the older dispatch stays.
    dispatches = await _dispatches(lk, room, agent_name)
    if dispatches and dispatches[0].id != mine.id:
        await _delete(lk, room, mine)


async def _delete(lk: api.LiveKitAPI, room: str, dispatch: api.AgentDispatch) -> None:
    try:
        await lk.agent_dispatch.delete_dispatch(dispatch.id, room)
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise


async def _dispatches(lk: api.LiveKitAPI, room: str, agent_name: str) -> list[api.AgentDispatch]:
    """The room's dispatches of this agent, oldest first."""
    dispatches = await lk.agent_dispatch.list_dispatch(room)
    mine = [dispatch for dispatch in dispatches if dispatch.agent_name == agent_name]
    return sorted(mine, key=lambda dispatch: (dispatch.state.created_at, dispatch.id))


async def _agents(lk: api.LiveKitAPI, room: str, agent_name: str) -> list[str]:
    """Identities of this agent's participants; a dispatch lists its jobs up to 5 s late, the room does not."""
    found = await lk.room.list_participants(api.ListParticipantsRequest(room=room))
    return [
        participant.identity
        for participant in found.participants
        if any(participant.attributes.get(key) == agent_name for key in AGENT_NAME_ATTRIBUTES)
    ]


@contextmanager
def _readable_errors() -> Generator[None]:
    try:
        yield
    except api.ServerError as error:
        if error.status in (401, 403):
            raise DispatchError(
                "LiveKit refuses the key; LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be those "
                "of the server at LIVEKIT_URL"
            ) from error
        raise DispatchError(f"LiveKit refuses the room: {error.message or error.code} ({error.code})") from error
    except aiohttp.ClientConnectorError as error:
        raise DispatchError(
            f"LiveKit does not answer at {error.host}:{error.port}; start livekit-server or correct LIVEKIT_URL"
        ) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DispatchError(
            f"LiveKit did not answer the request ({type(error).__name__}); check LIVEKIT_URL and the server's health"
        ) from error

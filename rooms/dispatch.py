"""Sending the agent into a room: in the call that creates the room, and never twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from rooms.attendance import GONE, LOST, Attendance, State, dispatches, is_agent, look, participants

if TYPE_CHECKING:
    from collections.abc import Generator

POLL_S = 0.05


class DispatchError(Exception):
    """LiveKit would not do it. The message is one sentence: what failed, and what to do about it."""


async def open_room(
    lk: api.LiveKitAPI,
    room: str,
    agent_name: str,
    metadata: str = "",
    *,
    fresh: bool = False,
    empty_timeout_s: int | None = None,
    room_metadata: str = "",
) -> None:
    """Create `room` with `agent_name` dispatched to it, or send the agent into the room if it exists already.

    `metadata` reaches the agent's job as it is. `fresh` says that the name was just made up: then one request does
    it all. Otherwise a second request looks whether the room was there before, because livekit-server ignores the
    agents of a CreateRoom for a room that exists. Calling it again for a room with a live agent changes nothing.

    `room_metadata` is a new room's own. One that no caller joins is closed after `empty_timeout_s`, see
    `rooms.lifetime`; None takes the server's.

    Returns when livekit-server has the dispatch, which is before a worker has taken it: see `wait_for_agent`.
    Raises DispatchError if LiveKit cannot be reached, or refuses the key or the request.
    """
    request = api.CreateRoomRequest(
        name=room,
        metadata=room_metadata,
        empty_timeout=empty_timeout_s or 0,
        agents=[api.RoomAgentDispatch(agent_name=agent_name, metadata=metadata)],
    )
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
            present = await participants(lk, room)
        for participant in present:
            # A dispatch lists its jobs up to 5 s late, the room does not.
            if is_agent(participant, agent_name):
                return participant.identity
        await asyncio.sleep(POLL_S)
    raise DispatchError(
        f"agent '{agent_name}' did not come within {timeout_s:g} s; is a worker running with "
        f"AGENT_NAME={agent_name}, and below its limit of calls? If it took the call, its log says why it failed"
    )


async def send_again(
    lk: api.LiveKitAPI, room: str, agent_name: str, found: Attendance, metadata: str | None = None
) -> None:
    """Put one new dispatch in the place of all that `found` has; its agents end, those that do not answer are removed.

    `metadata` None takes that of the newest one. Of many who do this at the same moment one brings its agent. A room
    that is closed by now stays closed. Raises what LiveKitAPI raises.
    """
    if await _keep(lk, room):
        await _send(lk, room, agent_name, found, metadata)


async def _send(lk: api.LiveKitAPI, room: str, agent_name: str, found: Attendance, metadata: str | None) -> None:
    if metadata is None:
        metadata = found.dispatches[-1].metadata if found.dispatches else ""
    for identity in found.silent:
        await _remove(lk, room, identity)
    mine = await lk.agent_dispatch.create_dispatch(
        api.CreateAgentDispatchRequest(
            agent_name=agent_name, room=room, metadata=metadata, attributes={LOST: str(found.lost)}
        )
    )
    dead = {dispatch.id for dispatch in found.dispatches}
    for each in dead:
        # Otherwise a worker that comes back late would bring a second agent.
        await _delete(lk, room, each)
    # Two may have found the room without an agent: the older of their dispatches stays.
    rivals = [dispatch.id for dispatch in await dispatches(lk, room, agent_name) if dispatch.id not in dead]
    if rivals and rivals[0] != mine.id:
        await _delete(lk, room, mine.id)


async def _ensure_agent(lk: api.LiveKitAPI, room: str, agent_name: str, metadata: str) -> None:
    """Leave exactly one live dispatch of `agent_name` in a room that exists."""
    found = await look(lk, room, agent_name)
    if found.state in (State.ALONE, State.NO_ROOM):
        await _send(lk, room, agent_name, found, metadata)


async def _keep(lk: api.LiveKitAPI, room: str) -> bool:
    """False if there is no such room any more."""
    there = (await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
    if not there:
        return False
    # A dispatch opens a room again that is closed just now, and as an empty one it would stay for the server's 300 s.
    # This changes nothing in a room that is open, and opens one again with the time that it had before.
    await lk.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=there[0].empty_timeout))
    return True


async def _remove(lk: api.LiveKitAPI, room: str, identity: str) -> None:
    with _already_gone():
        await lk.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))


async def _delete(lk: api.LiveKitAPI, room: str, dispatch_id: str) -> None:
    with _already_gone():
        await lk.agent_dispatch.delete_dispatch(dispatch_id, room)


@contextmanager
def _already_gone() -> Generator[None]:
    try:
        yield
    except api.ServerError as error:
        if error.code not in GONE:
            raise


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

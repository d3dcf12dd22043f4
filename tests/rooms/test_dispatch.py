"""Rooms and the agents that are sent into them, against a real livekit-server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc

from rooms.attendance import look
from rooms.dispatch import DispatchError, open_room, send_again, wait_for_agent
from rooms.tokens import new_name
from tests.rooms.wire_worker import WireWorker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.protocol import agent

    from sim.livekit_server import LocalLiveKit

AGENT = "dispatch-test"


@asynccontextmanager
async def worker(livekit: LocalLiveKit, agent_name: str = AGENT) -> AsyncGenerator[tuple[WireWorker, list[rtc.Room]]]:
    """A worker whose jobs join their room and stay; the rooms are left at the end."""
    joined: list[rtc.Room] = []

    async def join(assignment: agent.JobAssignment) -> None:
        room = rtc.Room()
        joined.append(room)
        await room.connect(livekit.url, assignment.token)

    async with WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent_name, join) as wire:
        try:
            yield wire, joined
        finally:
            # A connect that is cancelled half-way leaves a room behind in the media library.
            await asyncio.gather(*wire.tasks)
            await asyncio.gather(*(room.disconnect() for room in joined))


async def test_one_request_opens_the_room_and_brings_the_agent(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A fresh room's agent gets the metadata as it was given, and is in the room soon after."""
    room = new_name("call")
    async with worker(livekit) as (wire, _):
        await open_room(lk, room, AGENT, '{"who": "Ada"}', fresh=True)
        identity = await wait_for_agent(lk, room, AGENT, timeout_s=10)
    assert [(job.room.name, job.agent_name, job.metadata) for job in wire.taken] == [(room, AGENT, '{"who": "Ada"}')]
    assert identity == f"agent-{wire.taken[0].id}"


async def test_an_agent_is_sent_into_a_room_that_exists(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """livekit-server ignores the agents of CreateRoom for such a room, and the agent comes all the same."""
    room = new_name("call")
    await lk.room.create_room(api.CreateRoomRequest(name=room))
    async with worker(livekit) as (wire, _):
        await open_room(lk, room, AGENT, "second")
        await wait_for_agent(lk, room, AGENT, timeout_s=10)
    assert [job.metadata for job in wire.taken] == ["second"]


async def test_opening_a_room_again_does_not_bring_a_second_agent(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither while the agent is on its way, nor once it is there, nor from many openers at once."""
    room = new_name("call")
    async with worker(livekit) as (wire, _):
        await asyncio.gather(*(open_room(lk, room, AGENT) for _ in range(5)))
        await wait_for_agent(lk, room, AGENT, timeout_s=10)
        monkeypatch.setattr("rooms.attendance.PENDING_S", 0.0)
        await open_room(lk, room, AGENT)
        dispatches = await lk.agent_dispatch.list_dispatch(room)
    assert len(wire.taken) == 1
    assert [dispatch.agent_name for dispatch in dispatches] == [AGENT]


async def nobody_is_in(lk: api.LiveKitAPI, room: str) -> None:
    """The server lists whoever left for a moment more."""
    async with asyncio.timeout(10):
        while (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants:
            await asyncio.sleep(0.05)


async def test_an_agent_that_left_is_replaced(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dispatch whose agent is gone is deleted and a new one made: one dispatch, one agent, a new identity."""
    room = new_name("call")
    async with worker(livekit) as (wire, joined):
        await open_room(lk, room, AGENT, fresh=True)
        first = await wait_for_agent(lk, room, AGENT, timeout_s=10)
        async with asyncio.timeout(10):
            # The server lists the agent before its own connect returns, and a room that connects cannot be left.
            while not joined[0].isconnected():
                await asyncio.sleep(0.02)
        await joined[0].disconnect()
        await nobody_is_in(lk, room)
        monkeypatch.setattr("rooms.attendance.PENDING_S", 0.0)
        await open_room(lk, room, AGENT)
        second = await wait_for_agent(lk, room, AGENT, timeout_s=10)
        dispatches = await lk.agent_dispatch.list_dispatch(room)
    assert first != second
    assert len(wire.taken) == 2
    assert [dispatch.agent_name for dispatch in dispatches] == [AGENT]


async def test_no_agent_is_sent_into_a_room_that_is_closed_by_now(lk: api.LiveKitAPI) -> None:
    """A dispatch would open it anew, for nobody."""
    room = new_name("call")
    await open_room(lk, room, AGENT, fresh=True)
    found = await look(lk, room, AGENT)
    await lk.room.delete_room(api.DeleteRoomRequest(room=room))
    await send_again(lk, room, AGENT, found)
    assert not (await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms


async def test_a_room_that_is_closed_in_that_moment_comes_back_with_its_own_time(
    lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with the 300 s of the server, for which nobody would be in it."""
    room = new_name("call")
    await open_room(lk, room, AGENT, fresh=True, empty_timeout_s=77)
    found, list_rooms = await look(lk, room, AGENT), lk.room.list_rooms

    async def closed_meanwhile(request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        listed = await list_rooms(request)
        await lk.room.delete_room(api.DeleteRoomRequest(room=room))
        return listed

    monkeypatch.setattr(lk.room, "list_rooms", closed_meanwhile)
    await send_again(lk, room, AGENT, found)
    (back,) = (await list_rooms(api.ListRoomsRequest(names=[room]))).rooms
    assert back.empty_timeout == 77


async def test_nobody_took_the_call(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """With no worker for that name, waiting says so and names the setting to look at."""
    room = new_name("call")
    async with worker(livekit, "somebody-else") as (wire, _):
        await open_room(lk, room, AGENT, fresh=True)
        with pytest.raises(DispatchError, match=f"agent '{AGENT}' did not come within 0.5 s.*AGENT_NAME={AGENT}"):
            await wait_for_agent(lk, room, AGENT, timeout_s=0.5)
    assert wire.taken == []


async def test_a_wrong_key_is_one_sentence(livekit: LocalLiveKit) -> None:
    """A key that the server does not know names the two settings, not a stack of HTTP."""
    async with api.LiveKitAPI(livekit.url, "nobody", "a-wrong-secret-of-more-than-32-characters") as wrong:
        with pytest.raises(DispatchError, match="LiveKit refuses the key; LIVEKIT_API_KEY and LIVEKIT_API_SECRET"):
            await open_room(wrong, "room", AGENT)


async def test_a_server_that_is_not_there_is_one_sentence(unused_tcp_port: int) -> None:
    """The address that does not answer is named."""
    async with api.LiveKitAPI(
        f"ws://127.0.0.1:{unused_tcp_port}", "key", "secret-of-more-than-32-characters--"
    ) as none:
        with pytest.raises(DispatchError, match=f"LiveKit does not answer at 127.0.0.1:{unused_tcp_port}"):
            await open_room(none, "room", AGENT)

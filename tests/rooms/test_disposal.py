"""Rooms that are given up, against a real livekit-server: closed, and closed again if they come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc

from rooms import disposal as module
from rooms.attendance import State
from rooms.dispatch import open_room
from rooms.disposal import Disposal
from rooms.tokens import new_name
from tests.rooms.lonely_room import agents, attended_room, until_state
from tests.rooms.wire_worker import WireWorker

if TYPE_CHECKING:
    from livekit.protocol import agent

    from sim.livekit_server import LocalLiveKit


@pytest.fixture
def agent_name() -> str:
    return new_name("disposal")


async def until_closed(lk: api.LiveKitAPI, room: str) -> None:
    async with asyncio.timeout(30):
        while (await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms:
            await asyncio.sleep(0.02)


async def test_the_agent_leaves_before_its_room_is_closed(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own disconnect, not by the end of the room."""
    monkeypatch.setattr(module, "CALL_BACK_LIMIT_S", 20.0)
    async with agents(livekit, agent_name) as worker:
        room = await attended_room(lk, agent_name)
        async with asyncio.timeout(20):
            # Before livekit-server lists the job, it does not end it with its dispatch.
            while not (await lk.agent_dispatch.list_dispatch(room))[0].state.jobs:
                await asyncio.sleep(0.05)
        left: list[int] = []
        worker.rooms[room].on("disconnected", left.append)
        disposal = Disposal(lk, agent_name)
        disposal.discard(room)
        await until_closed(lk, room)
        assert left == [rtc.DisconnectReason.CLIENT_INITIATED]
        await disposal.aclose()


async def test_a_room_that_its_agent_brings_back_is_closed_again(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent was on its way when the room was closed, and its join opened the room anew."""
    monkeypatch.setattr(module, "LOOK_AGAIN_S", (0.5,) * 20)
    closed, back = asyncio.Event(), rtc.Room()

    async def join_late(assignment: agent.JobAssignment) -> None:
        await closed.wait()
        await back.connect(livekit.url, assignment.token)

    async with WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent_name, join_late) as worker:
        room = new_name("call")
        await open_room(lk, room, agent_name, fresh=True)
        await worker.jobs.get()
        disposal = Disposal(lk, agent_name)
        disposal.discard(room)
        await until_closed(lk, room)
        closed.set()
        await asyncio.gather(*worker.tasks)
        await until_closed(lk, room)
        await disposal.aclose()
        await back.disconnect()


async def test_a_request_that_failed_is_made_again(
    lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiveKit did not answer the first two times."""
    monkeypatch.setattr(module, "LOOK_AGAIN_S", (0.1, 0.1, 0.1))
    delete, asked = lk.room.delete_room, 0

    async def slow(request: api.DeleteRoomRequest) -> api.DeleteRoomResponse:
        nonlocal asked
        asked += 1
        if asked <= 2:
            raise TimeoutError
        return await delete(request)

    monkeypatch.setattr(lk.room, "delete_room", slow)
    room = new_name("call")
    await lk.room.create_room(api.CreateRoomRequest(name=room))
    disposal = Disposal(lk, agent_name)
    disposal.discard(room)
    await until_closed(lk, room)
    assert asked == 3
    await disposal.aclose()


async def test_the_end_closes_what_is_still_open(livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str) -> None:
    """What is given to it, what was begun, and nothing else; a second time changes nothing."""
    async with agents(livekit, agent_name):
        given, begun, other = [await attended_room(lk, agent_name) for _ in range(3)]
        disposal = Disposal(lk, agent_name)
        disposal.discard(begun)
        await disposal.aclose([given])
        await disposal.aclose()
        await until_closed(lk, given)
        await until_closed(lk, begun)
        await until_state(lk, other, agent_name, State.ATTENDED)

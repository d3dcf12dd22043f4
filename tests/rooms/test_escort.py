"""Looking after a room until its caller has an agent that answers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from livekit import api

from rooms import attendance, escort
from rooms.attendance import State
from rooms.escort import Escorts, attend
from rooms.tokens import new_name
from tests.rooms.lonely_room import agents, agents_in, attended_room, caller, until, until_empty, until_state

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

AGENT = "escort-test"
LONG_S = 60.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that follow each other fast."""
    monkeypatch.setattr(escort, "CHECK_S", 0.1)
    monkeypatch.setattr(escort, "CONFIRM_S", 0.3)


async def test_an_escort_ends_when_the_caller_is_served(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """Not before the caller is there, and the agent stays the one that it was."""
    async with agents(livekit, AGENT) as worker, Escorts(lk, AGENT, limit_s=LONG_S) as escorts:
        room = await attended_room(lk, AGENT)
        escorts.go(room)
        first = await agents_in(lk, room)
        assert escorts.on_the_way == 1
        async with caller(livekit, room):
            await until(lambda: escorts.on_the_way == 0)
            assert await agents_in(lk, room) == first
        assert len(worker.taken) == 1


async def test_an_agent_that_leaves_before_the_caller_comes_is_replaced(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: the room has one agent and one dispatch again, and waits on."""
    monkeypatch.setattr(attendance, "PENDING_S", 2.0)
    async with agents(livekit, AGENT) as worker, Escorts(lk, AGENT, limit_s=LONG_S) as escorts:
        room = await attended_room(lk, AGENT, "who calls")
        await worker.leave(room)
        await until_empty(lk, room)
        escorts.go(room)
        await until(lambda: len(worker.taken) == 2)
        await until_state(lk, room, AGENT, State.ATTENDED)
        assert [job.metadata for job in worker.taken] == ["who calls", "who calls"]
        assert len(await lk.agent_dispatch.list_dispatch(room)) == 1
        assert escorts.on_the_way == 1


async def test_an_escort_ends_with_the_room_and_with_its_time(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A room that was closed is not opened again for nobody; a caller who does not come is not waited for for ever."""
    async with agents(livekit, AGENT) as worker:
        room = await attended_room(lk, AGENT)
        async with Escorts(lk, AGENT, limit_s=LONG_S) as escorts:
            escorts.go(room)
            await lk.room.delete_room(api.DeleteRoomRequest(room=room))
            await until(lambda: escorts.on_the_way == 0)
        assert (await attend(lk, room, AGENT)).state is State.NO_ROOM
        waiting = await attended_room(lk, AGENT)
        assert (await attend(lk, waiting, AGENT, caller_in_s=0.5)).state is State.ATTENDED
        assert len(worker.taken) == 2


async def test_a_room_of_another_agent_is_none_of_its_business(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A caller without an agent of this name, and no dispatch of it: nothing is sent."""
    room = new_name("call")
    async with caller(livekit, room):
        assert (await attend(lk, room, AGENT, caller_in_s=LONG_S)).state is State.ALONE
        assert [each.agent_name for each in await lk.agent_dispatch.list_dispatch(room)] == [""]


async def test_closing_leaves_no_task(lk: api.LiveKitAPI) -> None:
    """Any number of times, and with callers on the way."""
    async with AsyncExitStack() as stack:
        escorts = await stack.enter_async_context(Escorts(lk, AGENT, limit_s=LONG_S))
        room = new_name("call")
        await lk.room.create_room(api.CreateRoomRequest(name=room))
        escorts.go(room)
        await escorts.aclose()
        assert repr(escorts) == "<Escorts 0 on the way>"

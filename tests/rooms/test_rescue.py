"""Callers whose worker is gone, against a real livekit-server; workers that are killed are real processes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from livekit import api

from rooms import attendance, escort
from rooms.attendance import State, look
from rooms.rescue import RoomRescue
from rooms.tokens import ApiKey, new_name
from tests.rooms.agent_process import agent_process
from tests.rooms.lonely_room import agents, agents_in, attended_room, caller, key_of, kill, until, until_state

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.livekit_server import LocalLiveKit
    from tests.rooms.lonely_room import Agents


@pytest.fixture
def agent_name() -> str:
    """One for each test: a rescue looks at all rooms of its agent, those of the tests before too."""
    return new_name("rescue")


@asynccontextmanager
async def rescue_of(livekit: LocalLiveKit, agent_name: str) -> AsyncGenerator[RoomRescue]:
    async with RoomRescue(livekit.url, key_of(livekit), agent_name) as rescue:
        yield rescue


async def looked(rescue: RoomRescue) -> None:
    """Look, and wait until every room is left."""
    rescue.look()
    async with asyncio.timeout(30):
        await asyncio.sleep(0.3)
        while rescue.attending:
            await asyncio.sleep(0.05)


async def test_the_caller_of_a_killed_worker_gets_one_other_agent(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes look at once; one agent comes, with the call's metadata; the dead one is not listed any more.

    A caller of another agent's room, a room without a caller and a call that is well are left alone.
    """
    monkeypatch.setattr(attendance, "PENDING_S", 3.0)
    monkeypatch.setattr(escort, "CONFIRM_S", 0.3)
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(agent_process(livekit, agent_name))
        room = await attended_room(lk, agent_name, "who calls")
        waiting = await attended_room(lk, agent_name)
        dead = await agents_in(lk, room)
        await stack.enter_async_context(caller(livekit, room))
        foreign = new_name("call")
        await stack.enter_async_context(caller(livekit, foreign))
        await kill(process)
        other = await stack.enter_async_context(agents(livekit, agent_name))
        well = await attended_room(lk, agent_name)
        await stack.enter_async_context(caller(livekit, well))
        rescues = [await stack.enter_async_context(rescue_of(livekit, agent_name)) for _ in range(2)]
        await asyncio.gather(*(looked(rescue) for rescue in rescues))
        await until_state(lk, room, agent_name, State.ATTENDED)
        assert {job.metadata for job in other.taken if job.room.name == room} == {"who calls"}
        # One that was sent at the very same moment has been called back.
        async with asyncio.timeout(10):
            while len(now := await agents_in(lk, room)) > 1:
                await asyncio.sleep(0.1)
        assert now
        assert now != dead
        assert len((await look(lk, room, agent_name)).callers) == 1
        assert {job.room.name for job in other.taken} == {room, well}
        assert [job.room.name for job in other.taken].count(well) == 1
        assert waiting not in {job.room.name for job in other.taken}
        assert await agents_in(lk, foreign) == []


async def test_an_agent_that_left_without_closing_the_room_is_replaced(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker does whose drain is over; also while all workers are full or away: it is tried until one takes it."""
    monkeypatch.setattr(attendance, "PENDING_S", 0.5)
    async with rescue_of(livekit, agent_name) as rescue:
        async with agents(livekit, agent_name) as first:
            room = await attended_room(lk, agent_name)
        assert [job.room.name for job in first.taken] == [room]
        async with caller(livekit, room):
            rescue.look()
            await asyncio.sleep(2.0)
            assert rescue.attending
            async with agents(livekit, agent_name) as second:
                await until(lambda: room in second.rooms)
                await until(lambda: not rescue.attending)
                assert len(await agents_in(lk, room)) == 1


async def test_a_call_that_ends_on_purpose_is_let_end(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent has left and the room is closed only then: the look in between is not believed."""
    monkeypatch.setattr(attendance, "PENDING_S", 0.0)
    monkeypatch.setattr(escort, "CONFIRM_S", 2.0)
    async with agents(livekit, agent_name) as worker, rescue_of(livekit, agent_name) as rescue:
        room = await attended_room(lk, agent_name)
        async with caller(livekit, room):
            await worker.leave(room)
            await until_state(lk, room, agent_name, State.ALONE)
            rescue.look()
            await until(lambda: rescue.attending > 0)
            await asyncio.sleep(0.3)
            await lk.room.delete_room(api.DeleteRoomRequest(room=room))
            await until(lambda: not rescue.attending)
        assert len(worker.taken) == 1


async def test_a_call_that_loses_agent_after_agent_is_given_up(
    livekit: LocalLiveKit,
    lk: api.LiveKitAPI,
    agent_name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may be what kills the workers: the agent that came after so many lost ones is the last, and a line says so."""
    monkeypatch.setattr(attendance, "PENDING_S", 0.0)
    room = new_name("call")
    async with agents(livekit, agent_name) as worker, caller(livekit, room):
        await lk.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(
                agent_name=agent_name, room=room, attributes={attendance.LOST: str(escort.MAX_LOST - 1)}
            )
        )
        await until_state(lk, room, agent_name, State.ATTENDED)
        await jobs_are_listed(lk, room)
        await agent_leaves(worker, lk, room)
        async with rescue_of(livekit, agent_name) as rescue:
            await looked(rescue)
        assert len(worker.taken) == 1
    assert [record.levelname for record in caplog.records if "again and again" in record.getMessage()] == ["ERROR"]


async def agent_leaves(worker: Agents, lk: api.LiveKitAPI, room: str) -> None:
    """And LiveKit knows it."""
    await worker.leave(room)
    async with asyncio.timeout(30):
        while await agents_in(lk, room):
            await asyncio.sleep(0.05)


async def jobs_are_listed(lk: api.LiveKitAPI, room: str) -> None:
    """A dispatch lists its jobs up to 5 s late."""
    async with asyncio.timeout(30):
        while not any(each.state.jobs for each in await lk.agent_dispatch.list_dispatch(room)):
            await asyncio.sleep(0.05)


async def test_a_worker_that_drains_gives_away_who_waits(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str
) -> None:
    """`release`: a room without a caller gets another agent and the first is told to go; one with a caller does not."""
    async with agents(livekit, agent_name) as worker, rescue_of(livekit, agent_name) as rescue:
        waiting, talking = await attended_room(lk, agent_name, "for whom"), await attended_room(lk, agent_name)
        async with caller(livekit, talking):
            await rescue.release([waiting, talking, new_name("gone")])
            await until(lambda: [job.room.name for job in worker.taken].count(waiting) == 2)
            assert [job.metadata for job in worker.taken if job.room.name == waiting] == ["for whom", "for whom"]
            assert [job.room.name for job in worker.taken].count(talking) == 1
            assert len(await lk.agent_dispatch.list_dispatch(waiting)) == 1


async def test_a_worker_that_cannot_wait_hands_its_callers_over(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str
) -> None:
    """`hand_over`: whoever is still in a room gets an agent of another worker, and an empty room none."""
    async with agents(livekit, agent_name):
        left, empty = await attended_room(lk, agent_name), await attended_room(lk, agent_name)
    async with agents(livekit, agent_name) as other, caller(livekit, left):
        async with rescue_of(livekit, agent_name) as rescue:
            await rescue.hand_over([left, empty])
        await until_state(lk, left, agent_name, State.ATTENDED)
        assert [job.room.name for job in other.taken] == [left]


async def test_livekit_away_is_a_line_and_no_more(unused_tcp_port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a look nor a worker that goes fails with it; the next look is tried."""
    nowhere = RoomRescue(
        f"ws://127.0.0.1:{unused_tcp_port}", ApiKey("key", "secret-of-more-than-32-characters--"), "nobody"
    )
    async with nowhere as rescue:
        await rescue.release(["a"])
        await rescue.hand_over(["b"])
        for count in (1, 2):
            rescue.look()
            await until(lambda expected=count: messages(caplog).count("rooms could not be looked at") == expected)
    assert messages(caplog).count("a room was not handed over") == 2


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]

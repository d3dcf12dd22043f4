"""How it stands with a room's agent, by what a real livekit-server says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit import api

from rooms import attendance
from rooms.attendance import State, answers, look
from rooms.dispatch import open_room
from rooms.tokens import new_name
from tests.rooms.agent_process import agent_process
from tests.rooms.lonely_room import agents, agents_in, attended_room, caller, kill, until_empty, until_state

if TYPE_CHECKING:
    import pytest

    from sim.livekit_server import LocalLiveKit

AGENT = "attendance-test"


async def test_an_agent_that_answers_attends(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """Its caller is known by identity; it has no voice before it publishes; another name's agent is not there."""
    async with agents(livekit, AGENT):
        room = await attended_room(lk, AGENT)
        async with caller(livekit, room):
            found = await look(lk, room, AGENT)
            other = await look(lk, room, "somebody-else")
    assert (found.state, found.callers, found.voice, found.silent) == (State.ATTENDED, ("ada",), False, ())
    assert (other.state, other.callers, other.dispatches) == (State.ALONE, ("ada",), ())


async def test_a_young_dispatch_is_on_its_way_and_an_old_one_is_dead(
    lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker is there to take it; PENDING_S later nobody will."""
    room = new_name("call")
    await open_room(lk, room, AGENT, fresh=True)
    young = await look(lk, room, AGENT)
    monkeypatch.setattr(attendance, "PENDING_S", 0.0)
    old = await look(lk, room, AGENT)
    assert (young.state, old.state) == (State.COMING, State.ALONE)
    assert [len(found.dispatches) for found in (young, old)] == [1, 1]


async def test_a_room_that_does_not_exist(lk: api.LiveKitAPI) -> None:
    """It is told apart from one in which nobody is."""
    assert (await look(lk, new_name("call"), AGENT)).state is State.NO_ROOM


async def test_the_agent_of_a_killed_worker_is_listed_and_does_not_answer(
    livekit: LocalLiveKit, lk: api.LiveKitAPI
) -> None:
    """LiveKit lists it for 20 s more; the look does not believe it, nor that its young dispatch is on its way."""
    async with agent_process(livekit, AGENT) as process:
        room = await attended_room(lk, AGENT)
        (identity,) = await agents_in(lk, room)
        assert await answers(lk, room, identity)
        await kill(process)
        await until_state(lk, room, AGENT, State.ALONE)
        found = await look(lk, room, AGENT)
    assert found.silent == (identity,)
    assert found.lost == 1
    assert await agents_in(lk, room) == [identity]


async def test_who_has_left_does_not_answer(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """LiveKit's own word that nobody of that name is there counts."""
    async with agents(livekit, AGENT) as worker:
        room = await attended_room(lk, AGENT)
        (identity,) = await agents_in(lk, room)
        await worker.leave(room)
        await until_empty(lk, room)
        assert await answers(lk, room, identity) is False


async def test_a_server_that_cannot_ask_is_no_proof(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A key that is refused says nothing about the agent: it is not taken for dead."""
    async with agents(livekit, AGENT):
        room = await attended_room(lk, AGENT)
        (identity,) = await agents_in(lk, room)
        async with api.LiveKitAPI(livekit.url, "nobody", "a-wrong-secret-of-more-than-32-characters") as wrong:
            assert await answers(wrong, room, identity)

"""Tickets: who gets which room, and that each caller finds an agent, however late and whatever has died meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from livekit.agents import Agent

from rooms import attendance, escort
from rooms.attendance import State
from rooms.entrance import Entrance, Ticket
from rooms.tokens import new_name
from service import Service
from sim.providers import SimulatedProviders
from tests.harness import KEY, quick_profile, run_worker, settings_for
from tests.rooms.agent_process import agent_process
from tests.rooms.lonely_room import agents, agents_in, caller, key_of, kill, until, until_state

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


@pytest.fixture
def agent_name() -> str:
    return new_name("entrance")


@asynccontextmanager
async def entrance_of(livekit: LocalLiveKit, agent_name: str, **options: Any) -> AsyncGenerator[Entrance]:
    async with Entrance(livekit.url, key_of(livekit), agent_name, **options) as entrance:
        yield entrance


async def exists(lk: api.LiveKitAPI, room: str) -> bool:
    return bool((await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms)


async def test_dispatch_at_token_has_the_agent_there_first(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str
) -> None:
    """And the token, which could bring an agent too, brings no second one into a room that exists."""
    async with agents(livekit, agent_name) as worker, entrance_of(livekit, agent_name) as entrance:
        ticket = await entrance.admit("Ada")
        await until_state(lk, ticket.room, agent_name, State.ATTENDED)
        async with caller(livekit, ticket.room, ticket.token):
            # The job of a second one would be on the same worker by the time that a later call is.
            later = await entrance.admit()
            await until_state(lk, later.room, agent_name, State.ATTENDED)
            assert len(await agents_in(lk, ticket.room)) == 1
        assert [job.room.name for job in worker.taken] == [ticket.room, later.room]


async def test_dispatch_at_join_makes_the_room_by_the_join(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str
) -> None:
    """Before it there is neither room nor job; the agent knows who the caller is all the same."""
    async with (
        agents(livekit, agent_name) as worker,
        entrance_of(livekit, agent_name, dispatch_at="join") as entrance,
    ):
        ticket = await entrance.admit("Ada")
        assert not await exists(lk, ticket.room)
        async with caller(livekit, ticket.room, ticket.token):
            await until_state(lk, ticket.room, agent_name, State.ATTENDED)
        (job,) = worker.taken
        assert job.metadata == f'{{"identity": "{ticket.identity}", "name": "Ada"}}'


async def test_an_agent_that_dies_before_the_caller_comes_is_replaced(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, agent_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker is killed while the standby room is being handed out: another worker's agent is there instead."""
    monkeypatch.setattr(escort, "CHECK_S", 0.2)
    monkeypatch.setattr(escort, "CONFIRM_S", 0.2)
    monkeypatch.setattr(attendance, "PENDING_S", 3.0)
    async with (
        agent_process(livekit, agent_name) as process,
        entrance_of(livekit, agent_name, standby_rooms=1) as entrance,
    ):
        await until(lambda: entrance.waiting == 1)
        ticket = await entrance.admit()
        dead = await agents_in(lk, ticket.room)
        await kill(process)
        async with agents(livekit, agent_name) as other:
            await until(lambda: ticket.room in other.rooms)
            await until_state(lk, ticket.room, agent_name, State.ATTENDED)
            assert not {*dead} & {*await agents_in(lk, ticket.room)}


async def test_nothing_is_left_of_a_caller_who_does_not_come_and_a_late_one_is_greeted(
    livekit: LocalLiveKit, make_settings: MakeSettings
) -> None:
    """CALLER_TIMEOUT: the agent leaves, its slot is free and the room closed; the token then brings another agent."""
    async with SimulatedProviders(profile=quick_profile(), api_key=KEY) as sim:
        settings = settings_for(make_settings, livekit, sim, caller_timeout=1.0, agent_name=new_name("entrance"))
        service = Service(agent=lambda: Agent(instructions="Be brief."), greeting="Hello there.")
        async with (
            run_worker(service, settings, livekit) as worker,
            entrance_of(livekit, settings.agent_name) as entrance,
        ):
            ticket = await entrance.admit()
            await until(lambda: bool(worker.calls))
            await worker.idle()
            async with asyncio.timeout(10):
                while await exists(worker.api, ticket.room):
                    await asyncio.sleep(0.05)
            assert worker.calls[0].record.ended_by == "no caller"
            async with caller(livekit, ticket.room, ticket.token):
                await until_state(worker.api, ticket.room, settings.agent_name, State.ATTENDED)
            await worker.idle()
            assert len(worker.calls) == 2


async def test_a_wrong_value_is_named(livekit: LocalLiveKit) -> None:
    """The error says field, value and what is allowed."""
    with pytest.raises(ValueError, match="dispatch_at: got 'late', must be 'token' or 'join'"):
        async with entrance_of(livekit, "a", dispatch_at="late"):
            pass


def test_the_token_does_not_show() -> None:
    """Whoever logs a ticket gives away nobody's call."""
    assert "secret" not in repr(Ticket("ws://here", "secret", "room", "ada"))

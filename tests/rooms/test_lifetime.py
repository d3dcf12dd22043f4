"""How long a room waits for its caller, beside what a real livekit-server makes of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from livekit import api

from rooms import lifetime
from rooms.dispatch import open_room, wait_for_agent
from rooms.entrance import Entrance
from rooms.lifetime import age_limit_s, empty_timeout_s
from rooms.tokens import new_name
from tests.rooms.lonely_room import agents, caller, key_of

if TYPE_CHECKING:
    from rooms.entrance import DispatchAt
    from sim.livekit_server import LocalLiveKit


async def room_named(lk: api.LiveKitAPI, name: str) -> api.Room | None:
    return next(iter((await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))).rooms), None)


async def seconds_until_closed(lk: api.LiveKitAPI, name: str, since: float) -> float:
    async with asyncio.timeout(30):
        while await room_named(lk, name) is not None:
            await asyncio.sleep(0.05)
    return time.monotonic() - since


@pytest.mark.parametrize("caller_timeout_s", [1.0, 120.0, 3600.0, 29.5])
def test_a_room_outlives_whoever_may_still_come(caller_timeout_s: float) -> None:
    """Handed out at its oldest, its caller has as long again, and its agent leaves before livekit-server closes it."""
    assert 2 * age_limit_s(caller_timeout_s) == caller_timeout_s
    assert caller_timeout_s + lifetime.CLOSE_MARGIN_S <= empty_timeout_s(caller_timeout_s)
    assert empty_timeout_s(caller_timeout_s) < caller_timeout_s + lifetime.CLOSE_MARGIN_S + 1


async def test_an_abandoned_room_is_closed(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """Though an agent is in it; a room of the same age with more time stays."""
    agent_name = new_name("lifetime")
    async with agents(livekit, agent_name):
        rooms = new_name("short"), new_name("long")
        opened_at = time.monotonic()
        for room, limit_s in zip(rooms, (2, 60), strict=True):
            await open_room(lk, room, agent_name, fresh=True, empty_timeout_s=limit_s)
            await wait_for_agent(lk, room, agent_name, timeout_s=20)
        # livekit-server counts in whole seconds.
        assert await seconds_until_closed(lk, rooms[0], opened_at) > 1
        assert await room_named(lk, rooms[1]) is not None


async def test_a_room_without_a_word_about_it_has_the_servers_time(lk: api.LiveKitAPI) -> None:
    """300 s: what is not ours to decide stays as it is."""
    room = new_name("call")
    await open_room(lk, room, "nobody", fresh=True)
    found = await room_named(lk, room)
    assert found is not None
    assert found.empty_timeout == 300


@pytest.mark.parametrize("dispatch_at", ["token", "join"])
async def test_the_rooms_of_an_entrance_have_their_agents_time(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, dispatch_at: DispatchAt
) -> None:
    """Whether the ticket or the join makes the room."""
    agent_name = new_name("lifetime")
    async with (
        Entrance(livekit.url, key_of(livekit), agent_name, caller_timeout_s=33.0, dispatch_at=dispatch_at) as entrance,
        agents(livekit, agent_name),
    ):
        ticket = await entrance.admit()
        async with caller(livekit, ticket.room, ticket.token):
            found = await room_named(lk, ticket.room)
            assert found is not None
            assert found.empty_timeout == empty_timeout_s(33.0)

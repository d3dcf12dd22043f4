"""Requests whose connection breaks: what is sent again reaches LiveKit, what must not be is sent once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from livekit import api

from rooms.clients.errors import NotReached
from rooms.clients.figures import State
from rooms.clients.pool import ClientPool
from rooms.performance.sections import ConnectionPool
from rooms.tokens import ApiKey, new_name
from tests.rooms.clients.waiting import asks, until

if TYPE_CHECKING:
    from sim.counting_relay import CountingRelay


async def test_a_read_whose_answer_was_lost_is_sent_again(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """It has reached LiveKit more than once, and its caller has one answer."""
    async with ClientPool([relay.url], key, quick) as pool, pool.client() as lk:
        relay.swallowed.add("mark-000007")
        asking = asyncio.ensure_future(lk.room.list_rooms(asks("mark-000007")))
        await until(lambda: relay.marks["mark-000007"] > 0)
        relay.swallowed.clear()
        assert (await asking).rooms == []
        assert relay.marks["mark-000007"] > 1


async def test_a_room_whose_making_was_lost_is_made_once(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """A second CreateRoom with the same name finds the room of the first."""
    name = new_name("mark-000008")
    async with ClientPool([relay.url], key, quick) as pool, pool.client() as lk:
        relay.swallowed.add("mark-000008")
        making = asyncio.ensure_future(lk.room.create_room(api.CreateRoomRequest(name=name)))
        await until(lambda: relay.marks["mark-000008"] > 1)
        relay.swallowed.clear()
        made = await making
        assert [room.sid for room in (await lk.room.list_rooms(asks(name))).rooms] == [made.sid]


async def test_a_delete_that_was_done_already_is_answered_so(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """The room is gone; whoever deletes knows "not found"."""
    name = new_name("mark-000014")
    async with ClientPool([relay.url], key, quick) as pool, pool.client() as lk:
        await lk.room.create_room(api.CreateRoomRequest(name=name))
        relay.swallowed.add("mark-000014")
        deleting = asyncio.ensure_future(lk.room.delete_room(api.DeleteRoomRequest(room=name)))
        await until(lambda: relay.marks["mark-000014"] > 1)
        relay.swallowed.clear()
        with pytest.raises(api.ServerError) as answer:
            await deleting
        assert answer.value.code == api.ServerErrorCode.NOT_FOUND


async def test_a_dispatch_whose_answer_was_lost_is_not_sent_again(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """Its caller is told; LiveKit has one. Nor data, which would be heard twice."""
    name = new_name("pool")
    async with ClientPool([relay.url], key, quick) as pool, pool.client() as lk:
        await lk.room.create_room(api.CreateRoomRequest(name=name))
        relay.swallowed |= {"mark-000009", "mark-000010"}
        with pytest.raises(aiohttp.ClientError):
            await lk.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name="nobody", room=name, metadata="mark-000009")
            )
        with pytest.raises(aiohttp.ClientError):
            await lk.room.send_data(api.SendDataRequest(room=name, data=b"mark-000010"))
        found = await lk.agent_dispatch.list_dispatch(name)
        assert [each.metadata for each in found if each.agent_name == "nobody"] == ["mark-000009"]
        assert (relay.marks["mark-000009"], relay.marks["mark-000010"]) == (1, 1)


async def test_a_dispatch_that_could_not_leave_is_sent_when_livekit_is_back(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """There was no connection, so it is certain; it arrives once."""
    name = new_name("pool")
    patient = quick.model_copy(update={"max_attempts": 20})
    async with ClientPool([relay.url], key, patient) as pool, pool.client() as lk:
        await lk.room.create_room(api.CreateRoomRequest(name=name))
        relay.shut()
        await until(lambda: pool.stats().state is State.RECONNECTING)
        request = api.CreateAgentDispatchRequest(agent_name="nobody", room=name, metadata="mark-000011")
        sending = asyncio.ensure_future(lk.agent_dispatch.create_dispatch(request))
        await until(lambda: pool.stats().urls[0].looks > 1)
        assert not sending.done()
        await relay.open()
        assert (await sending).metadata == "mark-000011"
        assert relay.marks["mark-000011"] == 1


async def test_after_the_attempts_a_request_fails_with_the_reason(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """It names the URL and what the system said; in the pool's state it is seen, and in its figures."""
    async with ClientPool([relay.url], key, quick) as pool, pool.client() as lk:
        relay.shut()
        with pytest.raises(NotReached, match=rf"{relay.url} is failed \(.*Connect call failed"):
            await lk.room.list_rooms(asks())
        told = pool.stats()
        assert (told.state, told.urls[0].state) == (State.FAILED, State.FAILED)
        assert State.FAILED in {each.state for each in told.connections}
        assert told.failures > 0
        await relay.open()
        # A failed URL is looked at once more for whoever asks.
        assert (await lk.room.list_rooms(asks())).rooms == []
        assert pool.stats().state is State.CONNECTED
        assert pool.stats().urls[0].reconnects == 1


async def test_a_request_that_kills_is_not_repeated_for_ever(relay: CountingRelay, key: ApiKey) -> None:
    """LiveKit is there each time it is looked at, and gone each time that it is asked: `max_attempts` in all."""
    settings = ConnectionPool(pool_size=1, max_attempts=3, base_delay_s=0.05)
    async with ClientPool([relay.url], key, settings) as pool, pool.client() as lk:
        relay.swallowed.add("mark-000012")
        with pytest.raises(aiohttp.ClientError):
            await lk.room.list_rooms(asks("mark-000012"))
        assert relay.marks["mark-000012"] == 3
        assert (await lk.room.list_rooms(asks())).rooms == []


async def test_without_attempts_nothing_is_sent_again(relay: CountingRelay, key: ApiKey) -> None:
    """max_attempts 1."""
    settings = ConnectionPool(pool_size=1, max_attempts=1)
    async with ClientPool([relay.url], key, settings) as pool, pool.client() as lk:
        relay.swallowed.add("mark-000013")
        with pytest.raises(aiohttp.ClientError):
            await lk.room.list_rooms(asks("mark-000013"))
        assert relay.marks["mark-000013"] == 1

"""The limit of rooms, against a real livekit-server that has no other rooms."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from livekit import api

from bench.limits.lender import OneClient
from bench.limits.place import own_livekit, room_names
from rooms.creation import create_optimized_room
from rooms.limits.keeper import LimitKeeper
from rooms.limits.reached import LimitReached
from rooms.performance.sections import RoomLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALLOWED = 10


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncIterator[OneClient]:
    async with own_livekit() as (livekit, lk):
        yield OneClient(lk, livekit.url)


@pytest_asyncio.fixture
async def clients(server: OneClient) -> AsyncIterator[OneClient]:
    yield server
    for name in await room_names(server.lk):
        await server.lk.room.delete_room(api.DeleteRoomRequest(room=name))


async def create(clients: OneClient, keeper: LimitKeeper, name: str) -> api.Room | LimitReached:
    try:
        return await create_optimized_room(clients, name, limits=keeper)
    except LimitReached as reached:
        return reached


def made(answers: list[api.Room | LimitReached]) -> list[str]:
    return sorted(each.name for each in answers if isinstance(each, api.Room))


async def test_two_hundred_at_once_get_ten_rooms(clients: OneClient) -> None:
    """Exactly the limit is made, and each of the others gets an answer with the limit's name and figures."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=ALLOWED))
    answers = await asyncio.gather(*(create(clients, keeper, f"many-{number}") for number in range(200)))
    assert len(made(answers)) == ALLOWED
    assert await room_names(clients.lk) == made(answers)
    refused = [each for each in answers if isinstance(each, LimitReached)]
    assert len(refused) == 190
    assert {(each.limit, each.allowed, each.count) for each in refused} == {("max_rooms", 10, 10)}
    assert str(refused[0]) == "max_rooms: there are 10 rooms and the most is 10; try again when one ends"
    await keeper.aclose()


async def test_several_processes_share_the_limit(clients: OneClient) -> None:
    """Four keepers that know nothing of each other: the rooms made late give way, and exactly the limit stays."""
    keepers = [LimitKeeper(clients, RoomLimits(max_rooms=ALLOWED)) for _ in range(4)]
    names = [f"shared-{number}" for number in range(200)]
    answers = await asyncio.gather(*(create(clients, random.choice(keepers), name) for name in names))
    assert len(made(answers)) == ALLOWED
    assert await room_names(clients.lk) == made(answers)
    for keeper in keepers:
        await keeper.aclose()


async def test_a_room_that_ended_unheard_makes_place_at_once(clients: OneClient) -> None:
    """No webhook told of it: whoever would be refused has the rooms counted anew."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=2))
    await create(clients, keeper, "one")
    await create(clients, keeper, "two")
    assert isinstance(await create(clients, keeper, "three"), LimitReached)
    await clients.lk.room.delete_room(api.DeleteRoomRequest(room="one"))
    assert isinstance(await create(clients, keeper, "three"), api.Room)
    await keeper.aclose()


async def test_a_room_that_is_there_takes_no_place(clients: OneClient) -> None:
    """Asked for twice, and made by somebody else: it is given, and stays when the limit is reached."""
    await clients.lk.room.create_room(api.CreateRoomRequest(name="theirs"))
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=2))
    first = await create(clients, keeper, "ours")
    again = await create(clients, keeper, "ours")
    assert isinstance(first, api.Room)
    assert isinstance(again, api.Room)
    assert first.sid == again.sid
    assert isinstance(await create(clients, keeper, "theirs"), api.Room)
    assert isinstance(await create(clients, keeper, "more"), LimitReached)
    assert await room_names(clients.lk) == ["ours", "theirs"]
    await keeper.aclose()


async def test_a_room_of_another_process_is_never_withdrawn(clients: OneClient) -> None:
    """A limit that is more than reached: who asks for a room that is there gets it, and it stays."""
    for name in ("a", "b", "c"):
        await clients.lk.room.create_room(api.CreateRoomRequest(name=name))
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=2))
    assert isinstance(await create(clients, keeper, "c"), api.Room)
    assert await room_names(clients.lk) == ["a", "b", "c"]
    await keeper.aclose()


async def test_who_is_cancelled_leaves_nothing(clients: OneClient) -> None:
    """At random moments: places and rooms are all free again, and the limit is as exact as before."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=ALLOWED))
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    for turn in range(5):
        tasks = [asyncio.create_task(create(clients, keeper, f"cancel-{turn}-{number}")) for number in range(20)]
        for task in tasks:
            await asyncio.sleep(moments.choice([0.0, 0.0, 0.002]))
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        stayed = sorted(each.name for each in answers if isinstance(each, api.Room))
        await keeper.aclose()
        assert await room_names(clients.lk) == stayed, seed
        assert keeper.stats().rooms == len(stayed), seed
        for name in stayed:
            await clients.lk.room.delete_room(api.DeleteRoomRequest(room=name))
    answers = await asyncio.gather(*(create(clients, keeper, f"after-{number}") for number in range(50)))
    assert len(made(answers)) == ALLOWED
    await keeper.aclose()


async def test_a_request_without_an_answer_keeps_its_place_until_it_is_clear(
    clients: OneClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room was made, the answer lost: it is closed, and the place is free. The failure reaches the caller."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=1))
    really = clients.lk.room.create_room

    async def lost(request: api.CreateRoomRequest) -> api.Room:
        await really(request)
        raise TimeoutError

    monkeypatch.setattr(clients.lk.room, "create_room", lost)
    with pytest.raises(TimeoutError):
        await create_optimized_room(clients, "lost", limits=keeper)
    monkeypatch.undo()
    assert await room_names(clients.lk) == []
    assert isinstance(await create(clients, keeper, "next"), api.Room)
    await keeper.aclose()


async def test_a_place_is_kept_while_livekit_is_away(clients: OneClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the request nor the look after it had an answer: the next look closes what was made."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=1))
    await keeper.reconcile()
    really = clients.lk.room.create_room

    async def lost(request: api.CreateRoomRequest) -> api.Room:
        await really(request)
        raise TimeoutError

    async def away(request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        raise TimeoutError

    monkeypatch.setattr(clients.lk.room, "create_room", lost)
    monkeypatch.setattr(clients.lk.room, "list_rooms", away)
    with pytest.raises(TimeoutError):
        await create_optimized_room(clients, "lost", limits=keeper)
    monkeypatch.undo()
    assert keeper.stats().rooms == 1
    assert await room_names(clients.lk) == ["lost"]
    await keeper.reconcile()
    assert await room_names(clients.lk) == []
    await keeper.aclose()


async def test_a_refused_request_frees_its_place(clients: OneClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit does not take the key, or is not there: no room can come of it, and nothing is counted."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=1))
    await keeper.reconcile()
    for url, error in (("ws://127.0.0.1:9", aiohttp.ClientConnectorError), (clients.url, api.ServerError)):
        async with api.LiveKitAPI(url, "key", "a-secret-that-is-long-enough-for-a-key") as stranger:
            with monkeypatch.context() as patch:
                patch.setattr(clients.lk.room, "create_room", stranger.room.create_room)
                with pytest.raises(error):
                    await create_optimized_room(clients, "refused", limits=keeper)
        assert keeper.stats().rooms == 0
    await keeper.aclose()


async def test_a_limit_that_is_changed_holds_from_then_on(clients: OneClient) -> None:
    """Lowered: what is there stays, and there is no more. Raised: there is more at once. None: any number."""
    keeper = LimitKeeper(clients, RoomLimits(max_rooms=3))
    for name in ("a", "b", "c"):
        await create(clients, keeper, name)
    keeper.change(RoomLimits(max_rooms=2))
    assert isinstance(await create(clients, keeper, "d"), LimitReached)
    assert len(await room_names(clients.lk)) == 3
    keeper.change(RoomLimits(max_rooms=4))
    assert isinstance(await create(clients, keeper, "d"), api.Room)
    keeper.change(RoomLimits(max_rooms=None))
    assert isinstance(await create(clients, keeper, "e"), api.Room)
    await keeper.aclose()

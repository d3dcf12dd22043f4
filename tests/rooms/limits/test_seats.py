"""The limit of participants, at the token and at the join, against a real livekit-server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc

from bench.limits.lender import OneClient
from bench.limits.place import own_livekit
from rooms.creation import create_optimized_room
from rooms.limits.keeper import LimitKeeper
from rooms.limits.reached import LimitReached
from rooms.limits.seats import Seats
from rooms.performance.sections import RoomLimits
from rooms.tokens import ApiKey, caller_token, new_name
from tests.rooms.lonely_room import caller, until_empty

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

ALLOWED = 50
HOLD_S = 60.0


async def takes(seats: Seats, room: str, identity: str, most: int = ALLOWED) -> LimitReached | None:
    try:
        await seats.take(room, identity, most=most, hold_s=HOLD_S)
    except LimitReached as reached:
        return reached
    return None


def token(livekit: LocalLiveKit, room: str, identity: str) -> str:
    return caller_token(ApiKey(livekit.api_key, livekit.api_secret), room=room, identity=identity)


async def test_the_fifty_first_gets_a_clear_answer(lk: api.LiveKitAPI) -> None:
    """Of a hundred who ask at once exactly fifty get a seat; the others hear which limit, how many, and where."""
    seats, room = Seats(OneClient(lk)), new_name("seats")
    answers = await asyncio.gather(*(takes(seats, room, f"caller-{number}") for number in range(100)))
    refused = [answer for answer in answers if answer is not None]
    assert len(refused) == 50
    assert {(each.limit, each.allowed, each.count, each.room) for each in refused} == {
        ("max_participants_per_room", 50, 50, room)
    }
    assert "there are 50 participants in room" in str(refused[0])
    await seats.aclose()


async def test_who_has_a_seat_keeps_it(lk: api.LiveKitAPI) -> None:
    """A second token for the same identity, and what is given up, take nothing from the others."""
    seats, room = Seats(OneClient(lk)), new_name("seats")
    assert await takes(seats, room, "ada", 1) is None
    assert await takes(seats, room, "ada", 1) is None
    assert await takes(seats, room, "bob", 1) is not None
    seats.give_up(room, "ada")
    assert await takes(seats, room, "bob", 1) is None
    await seats.aclose()


async def test_a_token_that_nobody_uses_frees_its_seat(lk: api.LiveKitAPI) -> None:
    """When it is worth nothing any more; then the room is forgotten as well."""
    seats, room = Seats(OneClient(lk)), new_name("seats")
    await seats.take(room, "ada", most=1, hold_s=0.01)
    await asyncio.sleep(0.02)
    assert await takes(seats, room, "bob", 1) is None
    seats.give_up(room, "bob")
    seats.clean()
    assert repr(seats) == "<Seats 0 held in 0 rooms>"
    await seats.aclose()


async def test_who_is_in_the_room_counts_once_and_until_they_leave(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A seat that was taken with a token is the participant's; when they have left it is free at once."""
    seats, room = Seats(OneClient(lk)), new_name("seats")
    await lk.room.create_room(api.CreateRoomRequest(name=room))
    assert await takes(seats, room, "ada", 2) is None
    async with caller(livekit, room):  # as ada
        assert await takes(seats, room, "bob", 2) is None
        assert await takes(seats, room, "eve", 2) is not None
        assert seats.held(room) == 1
    await until_empty(lk, room)
    assert await takes(seats, room, "eve", 2) is None
    await seats.aclose()


async def test_the_agent_has_a_seat_too(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """This limit counts it, LiveKit's own does not: the room is made for one caller less, and so is the answer."""
    clients = OneClient(lk)
    room = new_name("seats")
    async with LimitKeeper(clients, RoomLimits(max_rooms=None, max_participants_per_room=2)) as keeper:
        agents = [api.RoomAgentDispatch(agent_name="nobody")]
        made = await create_optimized_room(clients, room, limits=keeper, agents=agents)
        assert made.max_participants == 1
        await keeper.admit(room, "ada")
        with pytest.raises(LimitReached) as refused:
            await keeper.admit(room, "bob")
        assert (refused.value.limit, refused.value.allowed, refused.value.count) == ("max_participants", 1, 1)
        grants = api.VideoGrants(room_join=True, room=room, agent=True)
        key = api.AccessToken(livekit.api_key, livekit.api_secret)
        agent = key.with_identity("agent").with_kind("agent").with_grants(grants).to_jwt()
        async with caller(livekit, room, agent), caller(livekit, room):
            present = await lk.room.list_participants(api.ListParticipantsRequest(room=room))
            assert {each.identity for each in present.participants} == {"agent", "ada"}


async def test_livekit_is_the_last_judge(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A token that nobody asked the limits for does not open the room when it is full."""
    room = new_name("seats")
    await create_optimized_room(OneClient(lk), room, max_participants=1)
    async with caller(livekit, room):
        late = rtc.Room()
        with pytest.raises(rtc.ConnectError):
            await late.connect(livekit.url, token(livekit, room, "bob"), rtc.RoomOptions(connect_timeout=5.0))
        present = await lk.room.list_participants(api.ListParticipantsRequest(room=room))
        assert [each.identity for each in present.participants] == ["ada"]


async def test_a_join_that_would_make_a_room_too_many_is_refused_at_the_token() -> None:
    """A token opens a room that is not there: it takes a place of the rooms, and gives it back with the token."""
    async with own_livekit() as (_, lk), LimitKeeper(OneClient(lk), RoomLimits(max_rooms=1)) as keeper:
        await keeper.admit("first", "ada")
        await keeper.admit("first", "bob")
        with pytest.raises(LimitReached, match="max_rooms"):
            await keeper.admit("second", "eve")
        keeper.give_up("first", "ada")
        with pytest.raises(LimitReached, match="max_rooms"):
            await keeper.admit("second", "eve")
        keeper.give_up("first", "bob")
        await keeper.admit("second", "eve")

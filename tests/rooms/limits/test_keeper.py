"""The limits together: what webhooks and LiveKit's lists do to them, and LiveKit that is away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from livekit import api

from bench.limits.lender import OneClient
from bench.limits.place import own_livekit, room_names, telling_livekit
from rooms.creation import create_optimized_room
from rooms.limits import keeper as module
from rooms.limits.keeper import LimitKeeper
from rooms.performance.sections import RoomLimits
from tests.rooms.lonely_room import until

if TYPE_CHECKING:
    import pytest

SELDOM = 3600.0


async def test_webhooks_keep_the_count() -> None:
    """A room that somebody else opens, and one that is closed, are known without a look."""
    keepers: list[LimitKeeper] = []

    async def hear(event: api.WebhookEvent) -> None:
        for keeper in keepers:
            await keeper.on_event(event)

    async with telling_livekit(hear) as (_, lk):
        keeper = LimitKeeper(OneClient(lk), RoomLimits(max_rooms=5, reconcile_interval_s=SELDOM))
        keepers.append(keeper)
        await lk.room.create_room(api.CreateRoomRequest(name="theirs"))
        await until(lambda: keeper.stats().rooms == 1)
        await create_optimized_room(OneClient(lk), "ours", limits=keeper)
        assert keeper.stats().rooms == 2
        for name in ("theirs", "ours"):
            await lk.room.delete_room(api.DeleteRoomRequest(room=name))
        await until(lambda: keeper.stats().rooms == 0)
        await keeper.aclose()


async def test_what_was_counted_and_is_not_there_is_found() -> None:
    """No webhook came: the comparison with ListRooms, each interval, brings the count down; and up."""
    async with own_livekit() as (_, lk):
        limits = RoomLimits(max_rooms=5, reconcile_interval_s=0.2)
        async with LimitKeeper(OneClient(lk), limits) as keeper:
            await create_optimized_room(OneClient(lk), "ours", limits=keeper)
            await lk.room.create_room(api.CreateRoomRequest(name="theirs"))
            await until(lambda: keeper.stats().rooms == 2)
            for name in ("theirs", "ours"):
                await lk.room.delete_room(api.DeleteRoomRequest(room=name))
            await until(lambda: keeper.stats().rooms == 0)
            reconciled_s = keeper.stats().reconciled_s
            assert reconciled_s is not None
            assert reconciled_s >= 0


async def test_livekit_that_is_away_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on trying, and counts again when LiveKit is back."""
    async with own_livekit() as (_, lk):
        await lk.room.create_room(api.CreateRoomRequest(name="theirs"))
        asked = 0
        really = lk.room.list_rooms

        async def away(_: api.ListRoomsRequest) -> api.ListRoomsResponse:
            nonlocal asked
            asked += 1
            raise TimeoutError

        monkeypatch.setattr(lk.room, "list_rooms", away)
        with caplog.at_level(logging.WARNING):
            async with LimitKeeper(OneClient(lk), RoomLimits(reconcile_interval_s=0.05)) as keeper:
                await until(lambda: asked >= 4)
                monkeypatch.setattr(lk.room, "list_rooms", really)
                await until(lambda: keeper.stats().rooms == 1)
        assert caplog.text.count("could not be compared") == 1


async def test_a_lowered_limit_closes_no_room_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody is in them, and this process has not made them; one that comes after the change is beyond it."""
    monkeypatch.setattr(module, "SURPLUS_S", 0.0)
    async with own_livekit() as (_, lk):
        for name in ("a", "b", "c"):
            await lk.room.create_room(api.CreateRoomRequest(name=name))
            await asyncio.sleep(0.005)  # LiveKit's time of creation is in ms
        async with LimitKeeper(OneClient(lk), RoomLimits(max_rooms=3, reconcile_interval_s=SELDOM)) as keeper:
            await keeper.reconcile()
            keeper.change(RoomLimits(max_rooms=2, reconcile_interval_s=SELDOM))
            for _ in range(3):
                await keeper.reconcile()
            await lk.room.create_room(api.CreateRoomRequest(name="d"))
            await keeper.reconcile()
            await until(lambda: keeper.stats().closed_surplus == 1)
            assert await room_names(lk) == ["a", "b", "c"]


async def test_closing_twice_is_allowed() -> None:
    """And leaves no task."""
    async with own_livekit() as (_, lk):
        keeper = LimitKeeper(OneClient(lk), RoomLimits())
        async with keeper:
            await asyncio.sleep(0)
        await keeper.aclose()

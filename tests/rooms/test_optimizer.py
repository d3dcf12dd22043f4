"""The control plane as a library: opened once, used by many tasks, changed meanwhile, closed without a trace."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from livekit import api

import rooms
from rooms import (
    AudioConfig,
    PerformanceOptimizer,
    RoomLimits,
    get_performance_optimizer,
    initialize_performance_optimizer,
    shutdown_performance_optimizer,
)
from rooms.creation import read_audio_config
from rooms.limits.reached import LimitReached
from rooms.performance.sections import Performance
from rooms.tokens import ApiKey
from sim.caller import Caller
from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import MakeSettings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def livekit() -> AsyncIterator[LocalLiveKit]:
    """One of its own: the limits count all of its rooms."""
    async with LocalLiveKit() as server:
        yield server


@pytest_asyncio.fixture
async def optimizer(livekit: LocalLiveKit, make_settings: MakeSettings) -> AsyncIterator[PerformanceOptimizer]:
    make_settings()  # a working directory without a file
    opened = await initialize_performance_optimizer(
        livekit.url,
        livekit.api_key,
        livekit.api_secret,
        pool_size=2,
        room_limits=RoomLimits(max_rooms=3, max_participants_per_room=2),
        audio_config=AudioConfig(jitter_buffer_ms=120),
    )
    yield opened
    async with get_performance_optimizer().get_connection() as lk:
        for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms:
            await lk.room.delete_room(api.DeleteRoomRequest(room=room.name))
    await shutdown_performance_optimizer()


def new_room() -> str:
    return f"room-{uuid4().hex[:8]}"


async def test_it_is_one_for_the_process(optimizer: PerformanceOptimizer, livekit: LocalLiveKit) -> None:
    """Whoever asks gets the same; a second one is refused, and one that was ended is not there any more."""
    assert get_performance_optimizer() is optimizer
    with pytest.raises(RuntimeError, match="is there already"):
        await initialize_performance_optimizer(livekit.url, livekit.api_key, livekit.api_secret)
    await shutdown_performance_optimizer()
    await shutdown_performance_optimizer()
    with pytest.raises(RuntimeError, match="initialize_performance_optimizer"):
        get_performance_optimizer()
    await initialize_performance_optimizer(livekit.url, livekit.api_key, livekit.api_secret)


async def test_a_setting_that_cannot_be_leaves_none(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """The next attempt may succeed."""
    make_settings()
    for url, pool_size, told in ((livekit.url, 0, "pool_size"), ("ftp://livekit", 2, "ftp://livekit")):
        with pytest.raises(ValueError, match=told):
            await initialize_performance_optimizer(url, livekit.api_key, livekit.api_secret, pool_size=pool_size)
        with pytest.raises(RuntimeError):
            get_performance_optimizer()


async def test_many_tasks_share_it(optimizer: PerformanceOptimizer) -> None:
    """50 at once over a pool of 2 to 4: each is answered, and nothing is left taken."""

    async def ask() -> int:
        async with optimizer.get_connection() as lk:
            return len((await lk.room.list_rooms(api.ListRoomsRequest())).rooms)

    assert await asyncio.gather(*(ask() for _ in range(50))) == [0] * 50
    pool = optimizer.get_performance_stats()["pool"]
    assert (pool["in_use"], pool["waiting"], pool["failures"]) == (0, 0, 0)
    assert pool["state"] == "connected"


async def test_a_room_has_the_services_sound_and_limits(optimizer: PerformanceOptimizer) -> None:
    """Its own where they are given; one room too many and one caller too many get a clear answer."""
    first = await optimizer.create_optimized_room(new_room())
    assert read_audio_config(first.metadata).jitter_buffer_ms == 120
    own = await optimizer.create_optimized_room(new_room(), max_participants=1, audio_config=AudioConfig())
    assert (own.max_participants, read_audio_config(own.metadata)) == (1, AudioConfig())
    await optimizer.create_optimized_room(new_room())
    with pytest.raises(LimitReached, match="max_rooms"):
        await optimizer.create_optimized_room(new_room())
    for identity in ("ada", "alan"):
        await optimizer.add_participant_to_room(first.name, identity)
    with pytest.raises(LimitReached, match="max_participants_per_room"):
        await optimizer.add_participant_to_room(first.name, "grace")


async def test_a_participant_joins_with_the_ticket(optimizer: PerformanceOptimizer, livekit: LocalLiveKit) -> None:
    """The token opens this room under this name; an input that cannot be keeps no seat."""
    room = await optimizer.create_optimized_room(new_room())
    for identity in ("ada", "alan"):
        with pytest.raises(ValueError, match="ttl_s"):
            await optimizer.add_participant_to_room(room.name, identity, ttl_s=-1)
    ticket = await optimizer.add_participant_to_room(room.name, "grace")
    assert (ticket.url, ticket.room, ticket.identity) == (livekit.url, room.name, "grace")
    async with Caller(ticket.url, ticket.token, name="grace"), optimizer.get_connection() as lk:
        there = await lk.room.list_participants(api.ListParticipantsRequest(room=room.name))
        assert [each.identity for each in there.participants] == ["grace"]


async def test_its_figures_are_json(optimizer: PerformanceOptimizer) -> None:
    """Pool, limits and quality; a look at the quality counts what was asked since the last."""
    await optimizer.create_optimized_room(new_room())
    first = await optimizer.monitor_connection_quality()
    assert first["api"] is not None
    async with optimizer.get_connection() as lk:
        await lk.room.list_rooms(api.ListRoomsRequest())
    second = await optimizer.monitor_connection_quality()
    assert second["api"] is not None
    assert second["api"]["success_rate"] == 1.0
    told = json.loads(json.dumps(optimizer.get_performance_stats()))
    assert (told["limits"]["rooms"], told["limits"]["max_rooms"]) == (1, 3)
    assert told["quality"] == second
    scores = [each["score"] for each in told["pool"]["connections"] if each["requests"]]
    assert scores
    assert all(0 < score <= 1 for score in scores)


async def test_changed_settings_hold_from_then_on(optimizer: PerformanceOptimizer) -> None:
    """Limits, sound and pool, without opening anything anew."""
    changed = Performance.model_validate(
        {
            "connection_pool": {"pool_size": 3},
            "room_limits": {"max_rooms": 1},
            "audio_optimization": {"jitter_buffer_ms": 300},
        }
    )
    optimizer.follow(changed)
    assert optimizer.settings == changed
    room = await optimizer.create_optimized_room(new_room())
    assert read_audio_config(room.metadata).jitter_buffer_ms == 300
    with pytest.raises(LimitReached, match="the most is 1"):
        await optimizer.create_optimized_room(new_room())
    assert optimizer.get_performance_stats()["pool"]["size"] == 3


async def test_the_files_other_urls_stand_behind_the_first(livekit: LocalLiveKit) -> None:
    """One that does not answer is passed over; one that is there twice counts once."""
    away = "ws://127.0.0.1:1"
    settings = Performance.model_validate({"connection_pool": {"more_urls": [livekit.url, away]}})
    key = ApiKey(livekit.api_key, livekit.api_secret)
    async with PerformanceOptimizer([away], key, settings) as optimizer:
        async with optimizer.get_connection() as lk:
            await lk.room.list_rooms(api.ListRoomsRequest())
        assert [each.url for each in optimizer.pool.stats().urls] == [away, livekit.url]
    with pytest.raises(ValueError, match="more_urls"):
        Performance.model_validate({"connection_pool": {"more_urls": ["livekit.example"]}})


def test_only_what_is_promised_is_there() -> None:
    """By name, and a misspelt one is an error as of any module."""
    assert all(hasattr(rooms, name) for name in rooms.__all__)
    with pytest.raises(AttributeError, match="RoomLimit"):
        _ = rooms.RoomLimit  # pyright: ignore[reportAttributeAccessIssue]  # the misspelt name

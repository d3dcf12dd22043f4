"""Rooms with nobody but agents in them, against a real livekit-server: closed when it is time, and never too early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api, rtc

from bench.limits.lender import OneClient
from bench.limits.place import own_livekit, room_names, telling_livekit
from rooms.dispatch import open_room
from rooms.limits import quiet as module
from rooms.limits.keeper import LimitKeeper
from rooms.limits.quiet import QuietRooms, close_quiet
from rooms.performance.sections import RoomLimits
from rooms.tokens import new_name
from tests.rooms.lonely_room import agents, attended_room, caller, until

if TYPE_CHECKING:
    import pytest

    from sim.livekit_server import LocalLiveKit

LIMIT_S = 30.0


async def until_rooms(lk: api.LiveKitAPI, names: list[str]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while await room_names(lk) != names:
            await asyncio.sleep(0.05)


async def until_job_is_listed(lk: api.LiveKitAPI, room: str) -> None:
    """Before livekit-server lists the job, it does not end it with its dispatch."""
    async with asyncio.timeout(LIMIT_S):
        while not (await lk.agent_dispatch.list_dispatch(room))[0].state.jobs:
            await asyncio.sleep(0.05)


def test_since_when_a_room_is_quiet() -> None:
    """From the first look at which it was; somebody in between begins it anew, and what has ended is forgotten."""
    rooms = QuietRooms()
    assert rooms.seen("RM_1", quiet=True, now_s=10.0) == 0.0
    assert rooms.seen("RM_1", quiet=True, now_s=14.0) == 4.0
    assert rooms.seen("RM_1", quiet=False, now_s=15.0) == 0.0
    assert rooms.seen("RM_1", quiet=True, now_s=16.0) == 0.0
    rooms.keep_only(["RM_2"])
    assert rooms.seen("RM_1", quiet=True, now_s=20.0) == 0.0


async def test_only_rooms_that_nobody_uses_are_closed() -> None:
    """An empty one is; one with a caller, and one for which a token is good, are not."""
    limits = RoomLimits(max_rooms=None, inactive_after_s=0.5, reconcile_interval_s=0.2)
    async with own_livekit() as (livekit, lk):
        for name in ("called", "empty", "expected"):
            await lk.room.create_room(api.CreateRoomRequest(name=name))
        async with caller(livekit, "called"), LimitKeeper(OneClient(lk), limits) as keeper:
            await keeper.admit("expected", "ada")
            await until_rooms(lk, ["called", "expected"])
            await until(lambda: keeper.stats().closed_inactive == 1)
            keeper.give_up("expected", "ada")
            await until_rooms(lk, ["called"])
            assert [each.identity for each in (await present(lk, "called"))] == ["ada"]


async def present(lk: api.LiveKitAPI, room: str) -> list[api.ParticipantInfo]:
    return list((await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants)


async def test_a_caller_who_comes_meanwhile_keeps_the_room(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """The agents were called back, and before the room was closed somebody came."""
    room = new_name("quiet")
    await lk.room.create_room(api.CreateRoomRequest(name=room))
    async with caller(livekit, room):
        assert not await close_quiet(OneClient(lk), room)
        assert len(await present(lk, room)) == 1


async def test_a_room_is_not_closed_over_an_agent_that_stays(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers and does not leave: closing would leave a thread in its worker."""
    monkeypatch.setattr(module, "AGENT_LEAVES_LIMIT_S", 0.2)
    room = new_name("quiet")
    await lk.room.create_room(api.CreateRoomRequest(name=room))
    grants = api.VideoGrants(room_join=True, room=room, agent=True)
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity("agent").with_kind("agent")
    async with caller(livekit, room, token.with_grants(grants).to_jwt()):
        assert not await close_quiet(OneClient(lk), room)
        assert len(await present(lk, room)) == 1


async def test_an_agent_may_be_on_its_way(lk: api.LiveKitAPI) -> None:
    """It was sent for just now: the room stays, and so does the dispatch."""
    room = new_name("quiet")
    await open_room(lk, room, "nobody", fresh=True)
    assert not await close_quiet(OneClient(lk), room)
    assert len(await lk.agent_dispatch.list_dispatch(room)) == 1


async def test_an_agent_of_any_name_is_called_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves by itself, and only then the room is closed; a room that is gone is closed, too."""
    monkeypatch.setattr(module, "PENDING_S", 0.0)
    monkeypatch.setattr(module, "AGENT_LEAVES_LIMIT_S", 30.0)
    told: list[tuple[str, int]] = []

    async def hear(event: api.WebhookEvent) -> None:
        told.append((event.event, event.participant.disconnect_reason))

    async with telling_livekit(hear) as (livekit, lk), agents(livekit, "any"):
        room = await attended_room(lk, "any")
        await until_job_is_listed(lk, room)
        assert await close_quiet(OneClient(lk), room)
        assert await close_quiet(OneClient(lk), room)
        await until(lambda: ("room_finished", 0) in told)
    left = ("participant_left", rtc.DisconnectReason.CLIENT_INITIATED)
    assert told.index(left) < told.index(("room_finished", 0))

"""Joins whose waiter is cancelled, against a real livekit-server."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc

from runtime.joining import Joins
from sim.caller import mint_caller_token
from tests.runtime.serving import serving, unused_name

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


@pytest.fixture
def joins(livekit: LocalLiveKit) -> Joins:
    return Joins(lambda: api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret))


async def cancelled_join(livekit: LocalLiveKit, joins: Joins, name: str) -> rtc.Room:
    """The room, when its late join is through and left again."""
    room = rtc.Room()
    joins.keep(room)
    token = mint_caller_token(livekit.api_key, livekit.api_secret, name, "late")
    waiting = asyncio.create_task(room.connect(livekit.url, token))
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert joins.late == 1
    async with asyncio.timeout(30):
        while joins.late:
            await asyncio.sleep(0.02)
    return room


async def names(lk: api.LiveKitAPI) -> set[str]:
    return {room.name for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms}


async def test_the_room_of_a_cancelled_join_is_left_and_closed(livekit: LocalLiveKit, joins: Joins) -> None:
    """The library has joined all the same, and opened the room for it."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        name = unused_name("late")
        room = await cancelled_join(livekit, joins, name)
        assert await room.sid
        assert not room.isconnected()
        assert name not in await names(lk)


async def test_a_room_with_somebody_in_it_is_only_left(livekit: LocalLiveKit, joins: Joins) -> None:
    """The call of the others goes on."""
    name, other = unused_name("late"), rtc.Room()
    await other.connect(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, name, "other"))
    room = await cancelled_join(livekit, joins, name)
    assert await room.sid == await other.sid
    assert not room.isconnected()
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        assert name in await names(lk)
    assert other.isconnected()
    await other.disconnect()


async def test_a_late_join_that_fails_is_nobodys_error(joins: Joins, unused_tcp_port: int) -> None:
    """There is no server any more."""
    room = rtc.Room()
    joins.keep(room)
    waiting = asyncio.create_task(room.connect(f"ws://127.0.0.1:{unused_tcp_port}", "token"))
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(30):
        while joins.late or not waiting.done():
            await asyncio.sleep(0.02)
    assert waiting.cancelled()


async def test_a_join_that_nobody_cancels_is_as_ever(livekit: LocalLiveKit, joins: Joins) -> None:
    """It ends with the room joined, or with the library's own error."""
    room = rtc.Room()
    joins.keep(room)
    await room.connect(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, unused_name("join"), "ada"))
    assert room.isconnected()
    await room.disconnect()
    wrong = rtc.Room()
    joins.keep(wrong)
    with pytest.raises(rtc.ConnectError):
        await wrong.connect(livekit.url, "no token")
    assert joins.late == 0


async def test_a_call_that_ends_while_it_joins_leaves_nothing(
    livekit: LocalLiveKit, make_settings: MakeSettings
) -> None:
    """A worker's calls are kept so: neither the agent nor the room stays."""
    ended = asyncio.Event()

    async def entrypoint(context: JobContext) -> None:
        joining = asyncio.create_task(context.connect())
        await asyncio.sleep(0)
        joining.cancel()
        with suppress(asyncio.CancelledError):
            await joining
        ended.set()
        context.shutdown("over")

    async with serving(make_settings, entrypoint, livekit=livekit) as it, it.api() as lk:
        room = unused_name("over")
        await it.dispatch(room)
        await ended.wait()
        await it.ended.get()
        async with asyncio.timeout(30):
            while room in await names(lk):
                await asyncio.sleep(0.05)

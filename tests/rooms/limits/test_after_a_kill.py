"""What a process of the service leaves behind that was killed in the middle of its work."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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

    from sim.livekit_server import LocalLiveKit

ROOT = Path(__file__).parents[3]
ALLOWED = 10
LIMIT_S = 30.0


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncIterator[tuple[LocalLiveKit, OneClient]]:
    async with own_livekit() as (livekit, lk):
        yield livekit, OneClient(lk)


async def killed_creator(livekit: LocalLiveKit, prefix: str, after_s: float) -> None:
    """200 rooms are asked for at once, and with the first one's answer, or shortly after it, nobody is there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.limits.creator"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asked = {"url": livekit.url, "api_key": livekit.api_key, "api_secret": livekit.api_secret}
    process.stdin.write(json.dumps({**asked, "prefix": prefix, "rooms": 200, "max_rooms": ALLOWED}).encode() + b"\n")
    async with asyncio.timeout(LIMIT_S):
        assert await process.stdout.readline() == b"ready\n"
        process.stdin.write(b"go\n")
        assert (await process.stdout.readline()).startswith(prefix.encode())
    await asyncio.sleep(after_s)
    process.kill()
    await process.communicate()


async def creates(clients: OneClient, keeper: LimitKeeper, name: str) -> bool:
    try:
        await create_optimized_room(clients, name, limits=keeper)
    except LimitReached:
        return False
    return True


async def test_after_a_kill_in_the_middle_the_limit_is_exact(server: tuple[LocalLiveKit, OneClient]) -> None:
    """The next process counts what was left, fills up to the limit and not beyond it."""
    livekit, clients = server
    for turn in range(2):
        prefix = f"killed-{turn}"
        await killed_creator(livekit, prefix, random.choice([0.0, 0.001, 0.005]))
        left = [name for name in await room_names(clients.lk) if name.startswith(prefix)]
        assert 1 <= len(left) <= ALLOWED
        for name in left[::2]:
            await clients.lk.room.delete_room(api.DeleteRoomRequest(room=name))
        async with LimitKeeper(clients, RoomLimits(max_rooms=ALLOWED)) as keeper:
            await asyncio.gather(*(creates(clients, keeper, f"next-{turn}-{number}") for number in range(200)))
            async with asyncio.timeout(LIMIT_S):
                # What the killed one had just sent may arrive now, and is then closed as beyond the limit.
                while len(await room_names(clients.lk)) != ALLOWED:
                    await asyncio.sleep(0.1)
            assert keeper.stats().rooms == ALLOWED
        for name in await room_names(clients.lk):
            await clients.lk.room.delete_room(api.DeleteRoomRequest(room=name))


async def test_rooms_beyond_the_limit_for_which_nobody_answers_are_closed(
    server: tuple[LocalLiveKit, OneClient],
) -> None:
    """A killed process had three rooms too many, not yet withdrawn: the newest go, the others stay."""
    _, clients = server
    older = [f"older-{number}" for number in range(ALLOWED)]
    for name in [*older, "newer-1", "newer-2", "newer-3"]:
        await clients.lk.room.create_room(api.CreateRoomRequest(name=name))
        await asyncio.sleep(0.005)  # LiveKit's time of creation is in ms
    async with LimitKeeper(clients, RoomLimits(max_rooms=ALLOWED)) as keeper, asyncio.timeout(LIMIT_S):
        while keeper.stats().closed_surplus < 3:
            await asyncio.sleep(0.05)
        assert await room_names(clients.lk) == older
        assert keeper.stats().rooms == ALLOWED

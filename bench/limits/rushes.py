"""Many who ask for a room at once: of one process, of several, and after one was killed in the middle."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from livekit import api

from bench.limits.lender import OneClient
from bench.limits.place import own_livekit, room_names
from bench.limits.results import Rush
from bench.workers import BenchError
from rooms.creation import create_optimized_room
from rooms.limits.keeper import LimitKeeper
from rooms.limits.reached import LimitReached
from rooms.performance.sections import RoomLimits

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from random import Random

    from bench.limits.plan import Options
    from sim.livekit_server import LocalLiveKit

ROOT = Path(__file__).parents[2]
SAMPLE_S = 0.005
ANSWER_LIMIT_S = 60.0
EXACT_LIMIT_S = 30.0


async def rush_of_one(options: Options) -> Rush:
    async with own_livekit() as (_, lk), LimitKeeper(OneClient(lk), limits_of(options)) as keeper, sampled(lk) as most:
        begun_s = time.monotonic()
        given = await fill(lk, keeper, options.creations, "one")
        took_s = time.monotonic() - begun_s
        listed = len(await room_names(lk))
        return Rush("one process", options.creations, given, options.creations - given, listed, max(most), took_s)


async def rush_of_many(options: Options) -> Rush:
    """As many are asked for in all; each process counts for itself, and LiveKit's list judges."""
    each = -(-options.creations // options.processes)
    async with own_livekit() as (livekit, lk), sampled(lk) as most:
        processes = await asyncio.gather(
            *(_started(livekit, options, f"process-{number}", each) for number in range(options.processes))
        )
        begun_s = time.monotonic()
        for process in processes:
            _go(process)
        answers = await asyncio.gather(*(_given(process) for process in processes))
        took_s = time.monotonic() - begun_s
        given, asked = sum(answers), each * options.processes
        listed = len(await room_names(lk))
        return Rush(f"{options.processes} processes", asked, given, asked - given, listed, max(most), took_s)


async def rush_after_kill(options: Options, number: int, moments: Random) -> Rush:
    """A process is killed while its requests are under way, some of its rooms end, and another one fills up."""
    async with own_livekit() as (livekit, lk), sampled(lk) as most:
        await _killed(livekit, options, moments.choice((0.0, 0.0, 0.001, 0.002, 0.005)))
        for name in await room_names(lk):
            if moments.random() < 0.5:
                await lk.room.delete_room(api.DeleteRoomRequest(room=name))
        async with LimitKeeper(OneClient(lk), limits_of(options)) as keeper:
            begun_s = time.monotonic()
            given = await fill(lk, keeper, options.creations, "next")
            took_s = time.monotonic() - begun_s
            exact_s = await _until_exact(lk, options.most_rooms)
            listed = len(await room_names(lk))
            name = f"after kill {number + 1}"
            return Rush(name, options.creations, given, options.creations - given, listed, max(most), took_s, exact_s)


def limits_of(options: Options) -> RoomLimits:
    return RoomLimits(max_rooms=options.most_rooms)


async def fill(lk: api.LiveKitAPI, keeper: LimitKeeper, count: int, prefix: str) -> int:
    """Ask for `count` rooms at once; how many were given."""

    async def create(number: int) -> bool:
        try:
            await create_optimized_room(OneClient(lk), f"{prefix}-{number}", limits=keeper)
        except LimitReached:
            return False
        return True

    return sum(await asyncio.gather(*(create(number) for number in range(count))))


@asynccontextmanager
async def sampled(lk: api.LiveKitAPI) -> AsyncGenerator[list[int]]:
    """How many rooms LiveKit lists, again and again."""
    counts = [0]

    async def sample() -> None:
        while True:
            counts.append(len(await room_names(lk)))
            await asyncio.sleep(SAMPLE_S)

    task = asyncio.create_task(sample())
    try:
        yield counts
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _started(livekit: LocalLiveKit, options: Options, prefix: str, rooms: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.limits.creator"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    asked = {"url": livekit.url, "api_key": livekit.api_key, "api_secret": livekit.api_secret}
    asked |= {"prefix": prefix, "rooms": rooms, "max_rooms": options.most_rooms}
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    async with asyncio.timeout(ANSWER_LIMIT_S):
        if await process.stdout.readline() != b"ready\n":
            raise BenchError("a process that is to ask for rooms did not begin")
    return process


def _go(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")


async def _given(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(ANSWER_LIMIT_S):
        said, _ = await process.communicate()
    lines = said.decode().splitlines()
    if process.returncode or not lines or not lines[-1].startswith("refused "):
        raise BenchError(f"a process that asks for rooms ended with exit code {process.returncode}")
    return len(lines) - 1


async def _killed(livekit: LocalLiveKit, options: Options, after_s: float) -> None:
    """When it has been given its first room, or shortly after."""
    process = await _started(livekit, options, "killed", options.creations)
    _go(process)
    assert process.stdout is not None
    async with asyncio.timeout(ANSWER_LIMIT_S):
        first = await process.stdout.readline()
    await asyncio.sleep(after_s)
    process.kill()
    await process.communicate()
    if not first.startswith(b"killed"):
        raise BenchError("a process that was to be killed was given no room")


async def _until_exact(lk: api.LiveKitAPI, rooms: int) -> float | None:
    begun_s = time.monotonic()
    looked = 0
    while time.monotonic() - begun_s < EXACT_LIMIT_S:
        if len(await room_names(lk)) == rooms:
            return 0.0 if not looked else time.monotonic() - begun_s
        looked += 1
        await asyncio.sleep(SAMPLE_S)
    return None

"""A process that asks for many rooms at once, to be killed in the middle of it.

    python -m bench.limits.creator

Reads a line of JSON with url, api_key, api_secret, prefix, rooms and max_rooms, prints `ready`, and begins at the next
line. Prints the name of each room that it was given, one a line, and at the end `refused N`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from livekit import api

from bench.limits.lender import OneClient
from rooms.creation import create_optimized_room
from rooms.limits.keeper import LimitKeeper
from rooms.limits.reached import LimitReached
from rooms.performance.sections import RoomLimits


async def create_many(asked: dict[str, Any]) -> int:
    """How many were refused."""
    async with api.LiveKitAPI(asked["url"], asked["api_key"], asked["api_secret"]) as lk:
        clients = OneClient(lk)
        async with LimitKeeper(clients, RoomLimits(max_rooms=asked["max_rooms"])) as keeper:

            async def create(name: str) -> bool:
                try:
                    room = await create_optimized_room(clients, name, limits=keeper)
                except LimitReached:
                    return False
                print(room.name, flush=True)
                return True

            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            names = [f"{asked['prefix']}-{number}" for number in range(asked["rooms"])]
            given = await asyncio.gather(*(create(name) for name in names))
    return given.count(False)


if __name__ == "__main__":
    print("refused", asyncio.run(create_many(json.loads(sys.stdin.readline()))), flush=True)

"""STANDBY_ROOMS in `dev`: the page's token leads to an agent that waits already."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp
from livekit import api
from program import new_project, program

from sim.caller import Caller

if TYPE_CHECKING:
    from pathlib import Path

    from sim.livekit_server import LocalLiveKit


async def agents_waiting(lk: api.LiveKitAPI, agent_name: str) -> set[str]:
    """Rooms in which that agent has published its voice."""
    found: set[str] = set()
    for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms:
        there = await lk.room.list_participants(api.ListParticipantsRequest(room=room.name))
        if any(each.tracks and each.attributes.get("lk.agent_name") == agent_name for each in there.participants):
            found.add(room.name)
    return found


async def test_dev_keeps_standby_rooms(livekit: LocalLiveKit, tmp_path: Path) -> None:
    """Before anybody asks, one agent waits; the first token is for its room; Ctrl-C deletes the next one."""
    name = f"standby-{uuid4().hex[:8]}"
    environment = {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "AGENT_NAME": name,
        "STANDBY_ROOMS": "1",
    }
    async with (
        api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk,
        aiohttp.ClientSession() as http,
        program(new_project(tmp_path), "dev", "--page-port", "0", **environment) as dev,
    ):
        address = (await dev.says(r"(http://127\.0\.0\.1:\d+)"))[1]
        async with asyncio.timeout(20):
            while not (waiting := await agents_waiting(lk, name)):
                await asyncio.sleep(0.1)
        tickets = await _tickets(http, address, waiting)
        ticket, handed_out = tickets[-1], {each["room"] for each in tickets}
        async with Caller(ticket["url"], ticket["token"], name="ada") as caller:
            await caller.first_word(timeout_s=10)
            async with asyncio.timeout(20):
                while not (next_one := await agents_waiting(lk, name) - handed_out):
                    await asyncio.sleep(0.1)
        dev.signal(signal.SIGINT)
        assert await dev.ends() == 0
        assert next_one & {room.name for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms} == set()
        assert "standby" not in dev.output


async def _tickets(http: aiohttp.ClientSession, address: str, waiting: set[str]) -> list[dict[str, str]]:
    """Asks until a ticket is for the waiting room; all tickets, that one last."""
    tickets: list[dict[str, str]] = []
    # It is ready for `dev` a moment later than it is seen here, so the first may be for a room of its own.
    async with asyncio.timeout(10):
        while not tickets or tickets[-1]["room"] not in waiting:
            await asyncio.sleep(0.3)
            async with http.post(f"{address}/api/token") as response:
                tickets.append(await response.json())
    return tickets

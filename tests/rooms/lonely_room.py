"""Rooms with callers and agents that come and go: what the tests of the rescue stand on."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from livekit import api, rtc

from rooms.attendance import State, look
from rooms.dispatch import open_room
from rooms.tokens import ApiKey, caller_token, new_name
from tests.rooms.wire_worker import WireWorker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from livekit.protocol import agent

    from sim.livekit_server import LocalLiveKit
    from utils.child_process import ChildProcess


def key_of(livekit: LocalLiveKit) -> ApiKey:
    return ApiKey(livekit.api_key, livekit.api_secret)


class Agents:
    """A worker in this process whose jobs join; `rooms` has the newest agent's side of each, by room name."""

    def __init__(self, livekit: LocalLiveKit, agent_name: str) -> None:
        self.rooms: dict[str, rtc.Room] = {}
        self.joined: dict[str, asyncio.Task[rtc.Room]] = {}
        self._url = livekit.url
        self.wire = WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent_name, self._join, self._end)

    @property
    def taken(self) -> list[agent.Job]:
        return self.wire.taken

    async def leave(self, name: str) -> None:
        """The agent goes, and the room stays."""
        await self.rooms[name].disconnect()

    async def _join(self, assignment: agent.JobAssignment) -> None:
        job = assignment.job
        self.joined[job.id] = asyncio.ensure_future(self._connected(assignment.token))
        # A connect that is cancelled half-way leaves a room behind in the media library.
        self.rooms[job.room.name] = await asyncio.shield(self.joined[job.id])

    async def _connected(self, token: str) -> rtc.Room:
        room = rtc.Room()
        await room.connect(self._url, token)
        return room

    async def _end(self, job_id: str) -> None:
        await (await self.joined[job_id]).disconnect()


@asynccontextmanager
async def agents(livekit: LocalLiveKit, agent_name: str) -> AsyncGenerator[Agents]:
    worker = Agents(livekit, agent_name)
    async with worker.wire:
        try:
            yield worker
        finally:
            rooms = await asyncio.gather(*worker.joined.values())
            await asyncio.gather(*(room.disconnect() for room in rooms))


@asynccontextmanager
async def caller(livekit: LocalLiveKit, room: str, token: str | None = None) -> AsyncGenerator[rtc.Room]:
    """Somebody in `room`, who waits."""
    there = rtc.Room()
    await there.connect(livekit.url, token or caller_token(key_of(livekit), room=room, identity="ada"))
    try:
        yield there
    finally:
        await there.disconnect()


async def attended_room(lk: api.LiveKitAPI, agent_name: str, metadata: str = "") -> str:
    """A new room with an agent in it that answers."""
    room = new_name("call")
    await open_room(lk, room, agent_name, metadata, fresh=True)
    await until_state(lk, room, agent_name, State.ATTENDED)
    return room


async def until_state(lk: api.LiveKitAPI, room: str, agent_name: str, *states: State) -> None:
    async with asyncio.timeout(30):
        while (await look(lk, room, agent_name)).state not in states:
            await asyncio.sleep(0.05)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


async def agents_in(lk: api.LiveKitAPI, room: str) -> list[str]:
    """Identities of all agents, of whatever name."""
    found = (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants
    return [each.identity for each in found if each.kind == api.ParticipantInfo.AGENT]


async def until_empty(lk: api.LiveKitAPI, room: str) -> None:
    """The server lists whoever left for a moment more."""
    async with asyncio.timeout(30):
        while (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants:
            await asyncio.sleep(0.05)


async def kill(process: ChildProcess) -> None:
    """As a native crash or the kernel's memory killer does it."""
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()

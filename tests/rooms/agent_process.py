"""Agents in a process of their own, which can be killed: `-m tests.rooms.agent_process <url> <key> <secret> <name>`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from livekit import rtc

from tests.rooms.wire_worker import WireWorker
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.protocol import agent

    from sim.livekit_server import LocalLiveKit

ROOT = Path(__file__).parents[2]


async def main(url: str, api_key: str, api_secret: str, agent_name: str) -> None:
    rooms: list[rtc.Room] = []

    async def join(assignment: agent.JobAssignment) -> None:
        room = rtc.Room()
        rooms.append(room)
        await room.connect(url, assignment.token)
        track = rtc.LocalAudioTrack.create_audio_track("voice", rtc.AudioSource(24_000, 1))
        await room.local_participant.publish_track(track, rtc.TrackPublishOptions())

    async with WireWorker(url, api_key, api_secret, agent_name, join):
        print("ready", flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def agent_process(livekit: LocalLiveKit, agent_name: str) -> AsyncGenerator[ChildProcess]:
    """A registered worker; its agents join and publish a voice."""
    ready = asyncio.Event()
    arguments = (livekit.url, livekit.api_key, livekit.api_secret, agent_name)
    process = ChildProcess(
        [sys.executable, "-m", "tests.rooms.agent_process", *arguments],
        name="agents",
        cwd=ROOT,
        on_line=lambda line: ready.set() if line == "ready" else None,
    )
    async with process:
        await ready.wait()
        yield process


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""The page as a video track: a frame for each picture, and a picture for whoever comes late."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest_asyncio
from livekit import rtc
from PIL import Image

from examples.browsing_agent.page_video import PageVideo
from sim.caller import mint_caller_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sim.livekit_server import LocalLiveKit

RED, BLUE = (200, 20, 20), (20, 20, 200)
WAIT_S = 30


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (640, 360)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


class Viewer:
    """Somebody in the room who looks at the video that comes."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.tasks = list[asyncio.Task[None]]()
        self.frames = list[tuple[tuple[int, int], list[int]]]()
        self.ended = asyncio.Event()
        self._news = asyncio.Event()
        self.room.on("track_subscribed", lambda track, *_: self._begin(track))  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
        self.room.on("track_unsubscribed", lambda *_: self.ended.set())  # pyright: ignore[reportUnknownLambdaType] - as above

    def _begin(self, track: rtc.Track) -> None:
        self.tasks.append(asyncio.create_task(self._look(track)))

    async def _look(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.RGBA)
        try:
            async for event in stream:
                frame = event.frame
                pixels = np.frombuffer(frame.data, np.uint8).reshape(frame.height, frame.width, 4)
                self.frames.append(
                    ((frame.width, frame.height), pixels[frame.height // 2, frame.width // 2, :3].tolist())
                )
                self._news.set()
        finally:
            await stream.aclose()

    async def sees(self, colour: tuple[int, int, int]) -> tuple[int, int]:
        """Waits for a frame of that colour; returns its size."""
        async with asyncio.timeout(WAIT_S):
            while not (self.frames and np.abs(np.subtract(self.frames[-1][1], colour)).max() < 40):
                self._news.clear()
                await self._news.wait()
        return self.frames[-1][0]

    async def leave(self) -> None:
        await self.room.disconnect()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest_asyncio.fixture
async def place(livekit: LocalLiveKit) -> AsyncIterator[tuple[rtc.Room, list[Viewer], str]]:
    """A room with the one who shows, and the viewers, who leave at the end."""
    name = f"page-{uuid4().hex[:8]}"
    room = rtc.Room()
    await room.connect(livekit.url, token(livekit, name, "agent"))
    viewers = list[Viewer]()
    yield room, viewers, name
    for viewer in viewers:
        await viewer.leave()
    await room.disconnect()


def token(livekit: LocalLiveKit, room: str, who: str) -> str:
    return mint_caller_token(livekit.api_key, livekit.api_secret, room, who)


async def test_who_comes_late_sees_the_picture_too(
    livekit: LocalLiveKit, place: tuple[rtc.Room, list[Viewer], str]
) -> None:
    """No track before the first picture; then it is seen, also by one who comes when nothing has changed for long."""
    room, viewers, name = place

    async def viewer(who: str) -> Viewer:
        viewers.append(Viewer())
        await viewers[-1].room.connect(livekit.url, token(livekit, name, who))
        return viewers[-1]

    video = PageVideo(room)
    early = await viewer("early")
    assert not video.published
    await video.show(jpeg(RED))
    assert await early.sees(RED) == (640, 360)
    await video.show(jpeg(BLUE))
    await early.sees(BLUE)
    late = await viewer("late")
    await late.sees(BLUE)
    assert video.pictures == 2
    await video.aclose()
    await video.aclose()
    async with asyncio.timeout(WAIT_S):
        await early.ended.wait()
    assert not video.published
    await video.show(jpeg(RED))
    assert not video.published


async def test_frames_are_few_while_nothing_changes(place: tuple[rtc.Room, list[Viewer], str]) -> None:
    """After a picture some repetitions and then next to none; pictures in a row are each sent; odd sizes are cut."""
    room, _, _ = place
    video = PageVideo(room)
    for colour in (RED, BLUE, RED):
        await video.show(jpeg(colour, (641, 361)))
    await asyncio.sleep(1.0)
    assert 3 <= video.sent <= 3 + 3
    assert video.pictures == 3
    await video.show(jpeg(BLUE, (320, 180)))
    assert video.published
    await video.aclose()

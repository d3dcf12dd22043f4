"""What the browser shows, as a video track of the call: a frame for each new picture, and not by the clock.

A track without new frames is a black one for whoever subscribes to it late, or has lost a packet: a decoder begins with
a whole picture, and the encoder makes one only of a frame. So the last frame is sent again some times after somebody
has come, which also lets the encoder sharpen it, and after that every `KEEP_ALIVE_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import TYPE_CHECKING

from livekit import rtc
from PIL import Image

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

log = get_logger("page video")

TRACK_NAME = "page"
MAX_BITRATE_BPS = 1_500_000
MAX_FRAMERATE = 10
AGAIN_S = (0.3, 0.7, 2.0)
"""Between the repetitions of a frame that is new, or new to somebody."""
KEEP_ALIVE_S = 5.0


class PageVideo:
    """One track in one room; nothing is published before the first picture.

    Belongs to one event loop; the work on pixels is done in threads.
    """

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._source: rtc.VideoSource | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._size = (0, 0)
        self._frame: rtc.VideoFrame | None = None
        self._wanted = asyncio.Event()
        self._repeating: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._closed = False
        self.sent = 0
        """Frames, the repetitions among them."""
        self.pictures = 0

    @property
    def published(self) -> bool:
        return self._publication is not None

    async def show(self, jpeg: bytes) -> None:
        """Show a picture of the page; a size other than the last one's begins a new track."""
        frame = await asyncio.to_thread(_decoded, jpeg)
        async with self._lock:
            if self._closed:
                return
            if self._size != (frame.width, frame.height):
                await self._retract()
                await self._publish(frame.width, frame.height)
            self._frame = frame
            self.pictures += 1
            await self._send()
        self._wanted.set()

    async def aclose(self) -> None:
        """Take the track back. Any number of times; before the room is closed."""
        self._closed = True
        self._room.off("participant_connected", self._on_somebody)
        self._room.off("local_track_subscribed", self._on_somebody)
        if self._repeating is not None:
            self._repeating.cancel()
            await asyncio.gather(self._repeating, return_exceptions=True)
        async with self._lock:
            await self._retract()

    async def _publish(self, width: int, height: int) -> None:
        self._source = rtc.VideoSource(width, height, is_screencast=True)
        self._size = (width, height)
        track = rtc.LocalVideoTrack.create_video_track(TRACK_NAME, self._source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_SCREENSHARE,
            simulcast=False,
            video_encoding=rtc.VideoEncoding(max_bitrate=MAX_BITRATE_BPS, max_framerate=MAX_FRAMERATE),
        )
        self._publication = await self._room.local_participant.publish_track(track, options)
        if self._repeating is None:
            self._room.on("participant_connected", self._on_somebody)
            self._room.on("local_track_subscribed", self._on_somebody)
            self._repeating = asyncio.create_task(self._repeat(), name="page video")

    async def _retract(self) -> None:
        publication, source = self._publication, self._source
        self._publication = self._source = self._frame = None
        self._size = (0, 0)
        if publication is not None:
            await _quietly(self._room.local_participant.unpublish_track(publication.sid))
        if source is not None:
            await source.aclose()

    async def _repeat(self) -> None:
        """Until it is cancelled: the last frame again, soon after news and seldom without."""
        while True:
            self._wanted.clear()
            for pause_s in AGAIN_S:
                await asyncio.sleep(pause_s)
                await self._send_again()
                if self._wanted.is_set():
                    break
            while not self._wanted.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), KEEP_ALIVE_S)
                    break
                await self._send_again()

    async def _send_again(self) -> None:
        async with self._lock:
            await self._send()

    async def _send(self) -> None:
        if self._source is not None and self._frame is not None:
            # Half a millisecond to some, by the machine: the call's sound does not wait for it.
            await asyncio.to_thread(self._source.capture_frame, self._frame)
            self.sent += 1

    def _on_somebody(self, *_: object) -> None:
        self._wanted.set()


def _decoded(jpeg: bytes) -> rtc.VideoFrame:
    """In the form that the encoder takes, of an even size: 1.4 MB for 1280 x 720."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        width, height = picture.width // 2 * 2, picture.height // 2 * 2
        rgba = picture.convert("RGBA").crop((0, 0, width, height)).tobytes()
    return rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, rgba).convert(rtc.VideoBufferType.I420)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """The room may be gone, and its track with it."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  # the SDK raises bare exceptions
        log.debug("the page's track was gone", reason=type(error).__name__)

"""An agent who is there: it sounds all the time, and knows when it last heard its caller."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from sim.publisher import tone

if TYPE_CHECKING:
    from livekit.protocol.agent import JobAssignment

RATE_HZ = 48_000
STEP = RATE_HZ // 100
LOUD = 1000
"""Of a peak of 32,767: the fake microphone's beep is above, the codec's noise below."""


class PresentAgent:
    """What a `WireWorker` does with its jobs. A caller whose connection is lost is waited for, until the room ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._beeps = asyncio.Event()
        self.rooms: list[str] = []
        self.ended = 0

    async def hears(self) -> None:
        """Wait for a sound of the caller that is yet to come."""
        self._beeps.clear()
        await self._beeps.wait()

    async def answer(self, assignment: JobAssignment) -> None:
        self.rooms.append(assignment.job.room.name)
        room = rtc.Room()
        over = asyncio.Event()
        ears: set[asyncio.Task[None]] = set()

        def left(caller: rtc.RemoteParticipant) -> None:
            if caller.disconnect_reason == rtc.DisconnectReason.CLIENT_INITIATED:
                over.set()

        def heard(track: rtc.Track, *_: object) -> None:
            ear = asyncio.create_task(self._listen(track))
            ears.add(ear)
            ear.add_done_callback(ears.discard)

        room.on("participant_disconnected", left)
        room.on("track_subscribed", heard)
        room.on("disconnected", lambda *_: over.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
        connected = asyncio.ensure_future(room.connect(self._url, assignment.token))
        source = rtc.AudioSource(RATE_HZ, 1)
        speaking: asyncio.Task[None] | None = None
        try:
            await asyncio.shield(connected)
            track = rtc.LocalAudioTrack.create_audio_track("agent", source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)
            speaking = asyncio.create_task(_sound(source))
            await over.wait()
        finally:
            # A connect that is cancelled half-way leaves a room behind in the media library.
            await asyncio.gather(connected, return_exceptions=True)
            tasks = [*ears, *([speaking] if speaking else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await source.aclose()
            with suppress(Exception):  # the server may be gone: then there is nobody to leave
                await room.disconnect()
            self.ended += 1

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1)
        try:
            async for event in stream:
                peak = int(np.abs(np.frombuffer(event.frame.data, np.int16).astype(np.int32)).max(initial=0))
                if peak > LOUD:
                    self._beeps.set()
        finally:
            await stream.aclose()


async def _sound(source: rtc.AudioSource) -> None:
    sound = np.concatenate((tone(300, RATE_HZ), np.zeros(RATE_HZ // 5, np.int16)))
    while True:
        for begin in range(0, len(sound), STEP):
            await source.capture_frame(rtc.AudioFrame(sound[begin : begin + STEP].tobytes(), RATE_HZ, 1, STEP))

"""The agent's own audio track, published before the caller is there.

The framework publishes its track after a caller is linked, and takes no sound before the first subscription. This
output is published as soon as the room is connected; the greeting's beginning waits at the source and leaves in the
moment that the caller is subscribed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import rtc

from prewarm.heard_words import HeardWords
from prewarm.held_source import HeldSource
from prewarm.providers import TTS_SAMPLE_RATE_HZ
from utils.audio import first_audible
from utils.framework_private import ParticipantAudioOutput
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

log = get_logger("voice")

TRACK_NAME = "roomio_audio"  # the framework's own name, which its clients look for
BLOCK_SAMPLES = TTS_SAMPLE_RATE_HZ // 100  # the native source sends whole blocks of 10 ms
UNPUBLISH_LIMIT_S = 2.0
FLUSH_LIMIT_S = 1.0
QUEUE_MS = 200  # as the framework has it: a loop that is busy for so long is no gap in the voice
HELD_S = 0.2  # of sound at the source before somebody listens; the rest waits where it comes from


@dataclass(frozen=True)
class Audible:
    """The first sound of a stretch of speech. Both times are `time.time()` in seconds.

    `userdata`: what its frames carried up to that sound.
    """

    playing_at_s: float
    audible_at_s: float
    userdata: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Voice(ParticipantAudioOutput):
    """An audio output that tells when the first audible sample of each utterance leaves.

    `on_audible` is called once an utterance, from the loop, and must not block. `words` is to be told what is said: the
    history then holds of a broken-off reply only what was heard.
    """

    def __init__(self, room: rtc.Room, *, on_audible: Callable[[Audible], None]) -> None:
        super().__init__(
            room,
            sample_rate=TTS_SAMPLE_RATE_HZ,
            num_channels=1,
            track_publish_options=rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
            track_name=TRACK_NAME,
        )
        # The framework's pause throws away what the source holds, and takes effect with the next frame.
        self._audio_source = self._held = HeldSource(TTS_SAMPLE_RATE_HZ, queue_size_ms=QUEUE_MS)
        # The framework asks for a listener frame by frame, which takes 3 to 9 ms then; here the gate is at the source.
        self._subscribed_fut.set_result(None)
        self._playback_enabled.clear()
        self.words = HeardWords()
        self._listened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_hold = False
        self._on_audible = on_audible
        self._silent_s = 0.0
        self._carried: dict[str, Any] = {}
        self._heard = False
        self._captured = 0  # samples since the last flush
        self._playing_at_s: float | None = None
        self._publishing: asyncio.Task[None] | None = None
        self.on("playback_started", self._started)
        self.on("playback_finished", self._finished)

    def publish(self) -> None:
        """Publish the track; the room must be connected. Returns at once: publishing waits for a listener."""
        if self._publishing is None:
            self._publishing = asyncio.create_task(self._publish(), name="publish voice")

    @property
    def subscribed(self) -> asyncio.Future[None]:
        """Done when somebody listens."""
        return self._listened

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take `frame`: at most HELD_S of sound before somebody listens, then it waits for that."""
        if self._pushed_duration >= HELD_S and not self._listened.done():
            # Shielded: a speech that is cancelled while it waits would cancel the wait of every later one.
            await asyncio.shield(self._listened)
        await super().capture_frame(frame)
        self.words.add_sound(frame.duration)
        self._captured += frame.samples_per_channel
        if self._heard:
            return
        self._carried |= frame.userdata
        onset = first_audible(np.frombuffer(frame.data, dtype=np.int16), frame.sample_rate)
        if onset is None:
            self._silent_s += frame.duration
            return
        self._heard = True
        self._silent_s += onset / frame.sample_rate
        self._tell()

    def flush(self) -> None:
        # What is short of a block would stay in the source and click at the beginning of the next utterance.
        missing = -self._captured % BLOCK_SAMPLES
        self._captured = 0
        for frame in self._audio_bstream.push(bytes(2 * missing)):
            self._audio_buf.send_nowait(frame)
            self._pushed_duration += frame.duration
        super().flush()

    def clear_buffer(self) -> None:
        self._captured = 0
        super().clear_buffer()

    def on_playback_finished(
        self, *, playback_position: float, interrupted: bool, synchronized_transcript: str | None = None
    ) -> None:
        if interrupted and synchronized_transcript is None:
            synchronized_transcript = self.words.until(playback_position)
        self.words.end_sound()
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )

    def pause(self) -> None:
        self._on_hold = True
        if self._playing_at_s is None:
            super().pause()  # nothing of it was heard: it does not begin
        else:
            self._held.hold()

    def resume(self) -> None:
        self._on_hold = False
        self._held.release()
        if self._listened.done():
            super().resume()

    def hold(self) -> None:
        """Stand still until `release`; nothing of the sound is lost. Between two utterances it does nothing."""
        if self._playing_at_s is not None:
            self._held.hold()

    def release(self) -> None:
        """Go on, unless the framework has paused it meanwhile."""
        if not self._on_hold:
            self._held.release()

    async def play(self, frames: AsyncIterator[rtc.AudioFrame]) -> None:
        """Play `frames` to their end, past any session. Waits for a listener; cancelled, it takes back what waits."""
        try:
            try:
                async for frame in frames:
                    await self.capture_frame(frame)
            finally:
                self.flush()
            await self.wait_for_playout()
        except asyncio.CancelledError:
            self.clear_buffer()
            raise

    async def aclose(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)
        if self._flush_task is not None and not self._flush_task.done():
            # The framework cancels its wait for the end of the sound, but not the two tasks that this wait has made.
            self.clear_buffer()
            await asyncio.wait([self._flush_task], timeout=FLUSH_LIMIT_S)
        await self.retract()
        await super().aclose()

    async def _publish(self) -> None:
        await self.start()
        self._listened.set_result(None)
        if not self._on_hold:
            super().resume()

    async def retract(self) -> None:
        """Take the track back; any number of times.

        The native thread of a track that is still published when the server closes its room stays for ever, with 3 MB
        and 0.3 % of a core (livekit/rust-sdks issue 1443): whoever hears that a room is over does this at once.
        """
        if self._publication is None or not self._room.isconnected():
            return
        try:
            async with asyncio.timeout(UNPUBLISH_LIMIT_S):
                await self._room.local_participant.unpublish_track(self._publication.sid)
        except (TimeoutError, rtc.participant.UnpublishTrackError):
            log.debug("the track went with the room")

    def _started(self, event: object) -> None:
        self._playing_at_s = time.time()
        self._tell()

    def _finished(self, event: object) -> None:
        self._silent_s = 0.0
        self._carried = {}
        self._heard = False
        self._playing_at_s = None

    def _tell(self) -> None:
        if self._heard and self._playing_at_s is not None:
            self._on_audible(Audible(self._playing_at_s, self._playing_at_s + self._silent_s, self._carried))

"""The silence before a live reply's first sound, taken out on the way: providers put 150 to 250 ms there."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT

from utils.audio import WINDOW_MS, Pcm, first_audible

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

KEEP_MS = 10  # a soft consonant begins under the threshold
MAX_TRIM_MS = 600  # more silence than that is meant


async def trim_lead(
    frames: AsyncIterable[rtc.AudioFrame], *, keep_ms: int = KEEP_MS, max_trim_ms: int = MAX_TRIM_MS
) -> AsyncGenerator[rtc.AudioFrame]:
    """`frames` from `keep_ms` before the first audible window on; mono, 16 bit, one sample rate.

    At most `max_trim_ms` of silence are taken, then everything passes. What the dropped frames carry in `userdata` goes
    to the first frame that is kept, and of nothing but silence the end is kept to carry it; the times in aligned
    transcripts are not shifted. `frames` is closed with this generator.
    """
    async with AsyncExitStack() as stack:
        if hasattr(frames, "aclose"):
            stack.push_async_callback(cast("Any", frames).aclose)
        lead = _Lead(keep_ms, max_trim_ms)
        async for frame in frames:
            if lead.is_over:
                yield frame
            elif (first := lead.take(frame)) is not None:
                yield first
        if (rest := lead.rest()) is not None:
            yield rest


class _Lead:
    """The silence so far: only its end is held, which may become part of the first frame."""

    def __init__(self, keep_ms: int, max_trim_ms: int) -> None:
        self._keep_ms = keep_ms
        self._max_trim_ms = max_trim_ms
        self._held: Pcm = np.empty(0, dtype=np.int16)
        self._rate_hz = 0
        self._silent_ms = 0.0
        self._userdata: dict[str, Any] = {}
        self.is_over = False

    def take(self, frame: rtc.AudioFrame) -> rtc.AudioFrame | None:
        """The first frame to play, when it has come."""
        self._carry(frame.userdata)
        if frame.num_channels != 1:
            self.is_over = True
            return self._made(frame)
        self._rate_hz = frame.sample_rate
        recent = np.concatenate([self._held, np.frombuffer(frame.data, dtype=np.int16)])
        keep = self._samples(self._keep_ms)
        onset = first_audible(recent, self._rate_hz)
        if onset is not None:
            return self._start(recent[max(onset - keep, 0) :])
        # A window may lie across the border of two frames: it is held with what is kept before it.
        self._held = recent[-(keep + self._samples(WINDOW_MS)) :]
        self._silent_ms += frame.duration * 1000
        return self._end_of_silence() if self._silent_ms >= self._max_trim_ms else None

    def rest(self) -> rtc.AudioFrame | None:
        """What is held when the frames end in silence: a reply without a frame would not count as spoken."""
        return None if self.is_over or not len(self._held) else self._end_of_silence()

    def _end_of_silence(self) -> rtc.AudioFrame:
        return self._start(self._held[-max(self._samples(self._keep_ms), 1) :])

    def _start(self, pcm: Pcm) -> rtc.AudioFrame:
        self.is_over = True
        return self._made(rtc.AudioFrame(pcm.tobytes(), self._rate_hz, 1, len(pcm)))

    def _made(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        frame.userdata.update(self._userdata)
        return frame

    def _carry(self, userdata: dict[str, Any]) -> None:
        for key, value in userdata.items():
            if key == USERDATA_TIMED_TRANSCRIPT:
                value = [*self._userdata.get(key, []), *value]
            elif key in self._userdata:
                continue
            self._userdata[key] = value

    def _samples(self, ms: int) -> int:
        return self._rate_hz * ms // 1000

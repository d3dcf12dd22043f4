"""The sound that one remote track brought, kept, dated and searched for speech while it comes in."""

from __future__ import annotations

import time
import wave
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from sim.waveform import LATE_BLOCK_WINDOW_S, AudibleDetector, Gate, Pcm, SampleClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.echo import EchoPath

FRAME_MS = 50
PROMPT_FRAME_MS = 10
"""Where what is heard is played on at once."""


class ReceivedAudio:
    """Everything heard from one track since it was subscribed to, mono int16 at `sample_rate_hz`.

    `echo`: who picks it up again.
    """

    def __init__(
        self, identity: str, sample_rate_hz: int, gate: Gate | None = None, echo: EchoPath | None = None
    ) -> None:
        self.identity = identity
        self.sample_rate_hz = sample_rate_hz
        self.finished = False
        self._detector = AudibleDetector(sample_rate_hz, gate)
        self._clock = SampleClock(sample_rate_hz)
        self._blocks: list[Pcm] = []
        self._echo = echo

    async def read(self, track: rtc.Track, changed: Callable[[], None]) -> None:
        """Reads until the track ends; `changed` is called when a span opens or closes, and at the end."""
        frame_ms = FRAME_MS if self._echo is None else PROMPT_FRAME_MS
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=self.sample_rate_hz, num_channels=1, frame_size_ms=frame_ms
        )
        try:
            async for event in stream:
                before = (self._detector.span_count, self._detector.sounding)
                self.feed(np.frombuffer(event.frame.data, np.int16), time.perf_counter())
                if before != (self._detector.span_count, self._detector.sounding):
                    changed()
        finally:
            await stream.aclose()
            self.finish()
            changed()

    def feed(self, block: Pcm, arrived_at: float) -> None:
        block = block.copy()  # the native buffer behind it is given back
        self._blocks.append(block)
        self._clock.stamp(len(block), arrived_at)
        self._detector.feed(block)
        if self._echo is not None:
            self._echo.hear(block, self.sample_rate_hz, arrived_at)

    def finish(self) -> None:
        self.finished = True
        self._detector.finish()

    @property
    def pcm(self) -> Pcm:
        return np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int16)

    @property
    def sounding(self) -> bool:
        return self._detector.sounding

    @property
    def heard_until(self) -> float | None:
        """When the newest sample sounded; None before the first one."""
        return self._clock.time_of(self._clock.samples) if self._clock.samples else None

    @property
    def last_audible_at(self) -> float | None:
        end = self._detector.end_of_sound
        return self._clock.time_of(end) if end is not None else None

    def spans(self) -> list[tuple[float, float | None]]:
        """Begin and end of every audible span; the end is None while it sounds."""
        return [
            (self._clock.time_of(span.begin), None if span.end is None else self._clock.time_of(span.end))
            for span in self._detector.spans
        ]

    def onset(self, since: float, pause_s: float) -> float | None:
        """The first span to begin at or after `since` that follows at least `pause_s` without sound."""
        spans = self._detector.spans
        found: float | None = None
        for index in range(len(spans) - 1, -1, -1):
            begin = self._clock.time_of(spans[index].begin)
            if begin < since:
                break
            previous_end = spans[index - 1].end if index else None
            rested_samples = spans[index].begin - (previous_end or 0)
            if previous_end is None or rested_samples >= pause_s * self.sample_rate_hz:
                found = begin
        return found

    def is_settled(self, at: float) -> bool:
        """True when no later block can change the date of what sounded `at`."""
        return self.finished or (self.heard_until or 0.0) >= at + LATE_BLOCK_WINDOW_S

    def write_wav(self, path: Path) -> None:
        """For the ear: a 16-bit mono WAV file of all of it."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.sample_rate_hz)
            file.writeframes(self.pcm.tobytes())

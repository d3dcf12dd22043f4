"""A file played into a LiveKit audio source on time: one buffer for all frames, one clock for all of it.

Why one buffer is enough: `rtc.AudioSource.capture_frame` hands over an address, and the native side copies what is
there before its answer to the request (livekit-ffi, `audio_source.rs`: `from_raw_parts(...).to_vec()`, since January
2024), so nothing reads the buffer when `capture_frame` returns. `test_client_one_buffer.py` hears it.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from examples.simple_test_client.audio_reader import AudioReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAME_MS = (10, 20)
CUSHION_MS = 60
"""Silence before the first frame: the native side sends 10 ms each 10 ms, and silence if a frame is late by more."""

LOOP_TICK_S = 0.001


@dataclass(frozen=True)
class Played:
    """Times in seconds of `time.perf_counter()`, each up to 10 ms early: the phase of the native clock is not told.

    `late_ms`: how late each frame was with the SDK. `torn_ms`: silence that came into the sound because a frame was
    later than the cushion; the rest is played that much later. `faults`: packets that could not be decoded.
    """

    duration_s: float
    first_sample_at: float
    ended_at: float
    first_audible_at: float | None
    last_audible_at: float | None
    torn_ms: float
    faults: int
    late_ms: array[float] = field(repr=False)


async def play_wav(
    source: rtc.AudioSource,
    path: Path,
    *,
    frame_ms: int = 20,
    cushion_ms: int = CUSHION_MS,
    on_frame: Callable[[int], None] | None = None,
) -> Played:
    """Play a file of any format; returns when its last sample has left.

    Frame n is handed over at start + n * `frame_ms` by an absolute clock, whatever the frames before it took. The
    file is converted while it plays, in a thread. `on_frame` gets each frame's number when the SDK has it.
    Nothing else may feed `source` meanwhile; its queue holds at least the cushion and a frame. Raises
    `AudioFileError` for a file without sound before anything is sent, and after its last sample for one that is cut.
    """
    if source.num_channels != 1:
        raise ValueError(f"source: got {source.num_channels} channels, allowed: 1")
    if frame_ms not in FRAME_MS:
        raise ValueError(f"frame_ms: got {frame_ms}, allowed: {' or '.join(map(str, FRAME_MS))}")
    if cushion_ms < frame_ms:
        raise ValueError(f"cushion_ms: got {cushion_ms}, allowed: {frame_ms} or more, one frame")
    async with AudioReader(path, source.sample_rate) as reader:
        return await _Playback(source, reader, frame_ms / 1000, cushion_ms / 1000, on_frame).run()


class _Playback:
    def __init__(
        self,
        source: rtc.AudioSource,
        reader: AudioReader,
        frame_s: float,
        cushion_s: float,
        on_frame: Callable[[int], None] | None,
    ) -> None:
        self._source = source
        self._reader = reader
        self._rate_hz = source.sample_rate
        self._frame_s = frame_s
        self._cushion_s = cushion_s
        self._on_frame = on_frame
        self._late_ms = array("d")
        self._torn_s = 0.0

    async def run(self) -> Played:
        samples = round(self._rate_hz * self._frame_s)
        frame = rtc.AudioFrame.create(self._rate_hz, 1, samples)
        buffer = np.frombuffer(frame.data, np.int16)  # the frame's own memory
        silence = rtc.AudioFrame.create(self._rate_hz, 1, round(self._rate_hz * self._cushion_s))
        await self._source.capture_frame(silence)
        begun_at = start_at = time.perf_counter()
        number = played = 0
        while filled := await self._reader.read_into(buffer):
            buffer[filled:] = 0
            due_at = start_at + number * self._frame_s
            await _until(due_at)
            dry_s = time.perf_counter() - due_at - self._cushion_s
            await self._source.capture_frame(frame)
            self._late_ms.append((time.perf_counter() - due_at) * 1000)
            if dry_s > 0:
                # The queue ran dry: all that follows is as much later, or the queue would grow by it.
                start_at += dry_s
                self._torn_s += dry_s
            if self._on_frame is not None:
                self._on_frame(number)
            number, played = number + 1, played + filled
        zero_at = start_at + self._cushion_s
        ended_at = zero_at + played / self._rate_hz
        await asyncio.sleep(max(ended_at - time.perf_counter(), 0.0))
        return self._played(begun_at + self._cushion_s, zero_at, played)

    def _played(self, first_at: float, zero_at: float, played: int) -> Played:
        first, end = self._reader.first_audible, self._reader.audible_end
        return Played(
            duration_s=played / self._rate_hz,
            first_sample_at=first_at,
            ended_at=zero_at + played / self._rate_hz,
            first_audible_at=None if first is None else first_at + first / self._rate_hz,
            last_audible_at=None if end is None else zero_at + end / self._rate_hz,
            torn_ms=self._torn_s * 1000,
            faults=self._reader.faults.packets,
            late_ms=self._late_ms,
        )


async def _until(at: float) -> None:
    """The loop waits whole milliseconds, rounded up: the last one is spent in turns of the loop, not in its sleep."""
    wait_s = at - time.perf_counter() - LOOP_TICK_S
    if wait_s > 0:
        await asyncio.sleep(wait_s)
    while time.perf_counter() < at:  # noqa: ASYNC110  # for a moment: no event comes with it
        await asyncio.sleep(0)

"""A sound that stands still: silent at once, nothing lost, and to who feeds it time stands still too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest_asyncio
from livekit import rtc

from prewarm.held_source import HeldSource
from utils.audio import Pcm, to_frames

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

RATE_HZ = 24_000
QUEUE_MS = 200
LEVEL = 8000
LIMIT_S = 20.0


class Ear:
    """Counts what comes out of a source, as a listener in the same process hears it."""

    def __init__(self, source: HeldSource) -> None:
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        self._stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1)
        self.loud_ms = 0.0
        self.silent_in_a_row = 0
        self._reading = asyncio.create_task(self._read(), name="ear")

    async def _read(self) -> None:
        async for event in self._stream:
            loud = np.abs(np.frombuffer(event.frame.data, dtype=np.int16).astype(np.int32)) > LEVEL // 2
            self.loud_ms += float(loud.sum()) * 1000 / RATE_HZ
            self.silent_in_a_row = 0 if loud.any() else self.silent_in_a_row + 1

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not reached():
                await asyncio.sleep(0.005)

    async def fall_silent(self) -> None:
        self.silent_in_a_row = 0
        await self.until(lambda: self.silent_in_a_row >= 5)

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


@pytest_asyncio.fixture
async def source() -> AsyncIterator[HeldSource]:
    held = HeldSource(RATE_HZ, queue_size_ms=QUEUE_MS)
    yield held
    await held.aclose()


@pytest_asyncio.fixture
async def ear(source: HeldSource) -> AsyncIterator[Ear]:
    listener = Ear(source)
    yield listener
    await listener.aclose()


def sound(ms: int) -> Pcm:
    return np.full(RATE_HZ * ms // 1000, LEVEL, dtype=np.int16)


async def play(source: HeldSource, ms: int) -> None:
    for frame in to_frames(sound(ms), RATE_HZ, frame_ms=50):
        await source.capture_frame(frame)
    await source.wait_for_playout()


async def test_a_held_sound_loses_nothing(source: HeldSource, ear: Ear) -> None:
    """It falls silent with words still to come, and all of them come; the end is waited for."""
    playing = asyncio.create_task(play(source, 1000))
    await ear.until(lambda: ear.loud_ms > 300)
    source.hold()
    await ear.fall_silent()
    heard_ms = ear.loud_ms
    assert heard_ms < 800
    assert source.is_held
    assert not playing.done()
    source.release()
    await playing
    await ear.until(lambda: ear.loud_ms >= 950)
    await ear.fall_silent()
    assert 950 <= ear.loud_ms <= 1050


async def test_the_end_of_a_sound_can_be_held(source: HeldSource, ear: Ear) -> None:
    """When all frames were taken and only the queue is left: nobody but the source can give it back."""
    playing = asyncio.create_task(play(source, 190))
    await ear.until(lambda: ear.loud_ms > 0)
    source.hold()
    left_s = source.queued_duration
    assert left_s > 0
    await ear.fall_silent()
    assert source.queued_duration == left_s
    assert not playing.done()
    source.release()
    await playing
    await ear.until(lambda: ear.loud_ms >= 150)
    assert source.queued_duration < left_s


async def test_holding_twice_is_holding_once(source: HeldSource, ear: Ear) -> None:
    """And so is releasing; between two holds in a row nothing is lost either."""
    playing = asyncio.create_task(play(source, 600))
    await ear.until(lambda: ear.loud_ms > 100)
    for _ in range(2):
        source.hold()
        source.hold()
        source.release()
        source.release()
        source.hold()
    await ear.fall_silent()
    source.release()
    await playing
    await ear.until(lambda: ear.loud_ms >= 540)


async def test_what_is_thrown_away_is_not_heard(source: HeldSource, ear: Ear) -> None:
    """An interruption clears the queue: neither what is held nor the frame that waits comes after it."""
    playing = asyncio.create_task(play(source, 1000))
    await ear.until(lambda: ear.loud_ms > 200)
    source.hold()
    await ear.fall_silent()
    heard_ms = ear.loud_ms
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    source.clear_queue()
    assert source.queued_duration == 0
    assert not source.is_held
    await ear.fall_silent()
    assert ear.loud_ms == heard_ms


async def test_a_frame_that_waited_for_a_cleared_hold_is_dropped(source: HeldSource, ear: Ear) -> None:
    """It belongs to what was thrown away; the next one is heard."""
    source.hold()
    frame = next(iter(to_frames(sound(50), RATE_HZ, frame_ms=50)))
    waiting = asyncio.create_task(source.capture_frame(frame))
    await asyncio.sleep(0)
    source.clear_queue()
    await waiting
    assert source.queued_duration == 0
    await source.capture_frame(frame)
    await ear.until(lambda: ear.loud_ms >= 40)
    await ear.fall_silent()
    assert ear.loud_ms <= 55


async def test_a_held_source_can_be_closed() -> None:
    """In the middle of a hold, and while the sound comes back."""
    held = HeldSource(RATE_HZ, queue_size_ms=QUEUE_MS)
    for frame in to_frames(sound(150), RATE_HZ, frame_ms=50):
        await held.capture_frame(frame)
    held.hold()
    held.release()
    await held.aclose()

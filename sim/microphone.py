"""A microphone that never stops: silence, or a background, with speech put in; and the time each sample left."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from sim.waveform import Gate, Pcm, audible_spans

if TYPE_CHECKING:
    from sim.echo import EchoPath

BLOCK_MS = 50
QUEUE_MS = 200
# Each microphone draws its own: many that push at the same moment would stall the event loop.
LOW_WATER_MS = (100, 150)
TICK_MS = 10
READINGS_TO_START = 3
# After so many blocks, drawn each time, one is pushed beyond the queue's limit to read the native clock again. A push
# that waits is costly (every event of every room in the process is handed to it): many microphones take turns.
BLOCKS_BETWEEN_READINGS = (60, 140)
# An echo has to be heard before it is pushed: less is queued then, and a stalled event loop tears speech sooner. A
# block of less than three ticks would never be sure to have waited.
PROMPT_BLOCK_MS, PROMPT_QUEUE_MS, PROMPT_LOW_WATER_MS = 30, 80, (50, 60)


@dataclass(frozen=True)
class Spoken:
    """When speech left the microphone, in seconds of `time.perf_counter()`.

    `torn`: the event loop was too busy to keep the microphone fed, so that silence came into this speech.
    """

    first_sample_at: float
    first_audible_sample_at: float
    last_audible_sample_at: float
    torn: bool


@dataclass(eq=False)
class _Speech:
    pcm: Pcm
    taken: int
    left: asyncio.Future[Spoken]
    position: int | None = None
    torn: bool = False


class Microphone:
    """Feeds an `rtc.AudioSource` (mono, `sample_rate_hz`) for as long as `run` runs.

    The native source sends 10 ms every 10 ms of its own drift-free clock. A push that fills its queue beyond
    QUEUE_MS returns at the tick that brings it back to exactly QUEUE_MS, so the end of what has been pushed leaves
    QUEUE_MS after that return. The earliest of such readings dates every sample to well under a millisecond,
    whatever the load of the event loop. A sample leaves at its place within its tick's 10 ms: the last one of
    them at the tick. `prompt`: what `echoes` bring is mixed in, and the queue is short for that.
    """

    def __init__(self, sample_rate_hz: int = 16_000, *, background: Pcm | None = None, prompt: bool = False) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.underruns = 0
        self.echoes: list[EchoPath] = []
        self._block_ms, self._queue_ms = (PROMPT_BLOCK_MS, PROMPT_QUEUE_MS) if prompt else (BLOCK_MS, QUEUE_MS)
        self.source = rtc.AudioSource(sample_rate_hz, 1, queue_size_ms=self._queue_ms)
        self._background = np.zeros(1, np.int16) if background is None else background
        self._background_at = 0
        self._queue: deque[_Speech] = deque()
        self._leaving: deque[_Speech] = deque()
        self._pushed = 0
        self._zero_at: float | None = None  # when sample 0 left, by the readings since the last underrun
        self._steady = asyncio.Event()
        self._blocks_to_reading = random.randint(*BLOCKS_BETWEEN_READINGS)
        self._low_water_s = random.uniform(*(PROMPT_LOW_WATER_MS if prompt else LOW_WATER_MS)) / 1000
        self._queued_ms = 0.0
        self._queued_at = time.perf_counter()

    @property
    def sent_samples(self) -> int:
        return self._pushed

    async def steady(self) -> None:
        """Waits until the microphone's clock is known: from then on `say` is dated exactly."""
        await self._steady.wait()

    async def say(self, pcm: Pcm, sample_rate_hz: int) -> Spoken:
        """Speaks after what is already being spoken; returns when the last sample has left.

        ValueError if nothing in `pcm` is audible.
        """
        speech = resample(pcm, sample_rate_hz, self.sample_rate_hz)
        if not audible_spans(speech, self.sample_rate_hz):
            raise ValueError(f"pcm: {len(pcm)} samples with none audible (gate {Gate()})")
        item = _Speech(speech, 0, asyncio.get_running_loop().create_future())
        self._queue.append(item)
        try:
            return await item.left
        finally:
            if item in self._queue:
                self._queue.remove(item)

    async def run(self) -> None:
        """Paces the audio until cancelled; then closes the source and cancels speech that has not left."""
        try:
            while True:
                if not self._steady.is_set():
                    await self._find_clock()
                    continue
                reading = self._blocks_to_reading <= 0
                if not reading:
                    await asyncio.sleep(self._end_at() - time.perf_counter() - self._low_water_s)
                if time.perf_counter() > self._end_at():
                    self._run_dry()
                    continue
                if reading:
                    await self._read_clock()
                else:
                    await self._push(self._block_ms)
                self._settle()
        finally:
            for item in (*self._queue, *self._leaving):
                item.left.cancel()
            await self.source.aclose()

    async def _find_clock(self) -> None:
        for _ in range(READINGS_TO_START):
            await self._read_clock()
        self._steady.set()

    async def _read_clock(self) -> None:
        """Pushes until a push is sure to have waited for the queue, which dates its return.

        The last push is as long as is missing, at most the queue's length, which the source always takes. The pauses
        are for a queue that is fuller than is sure: each push would wait as long as it sounds, and none could be told
        from a stall.
        """
        while (missing_ms := self._queue_ms + 2 * TICK_MS - self._surely_queued_ms()) > self._queue_ms:
            await asyncio.sleep(3 * TICK_MS / 1000)
            await self._push(self._block_ms)
        await self._push(max(math.ceil(missing_ms / TICK_MS) * TICK_MS, self._block_ms))
        self._blocks_to_reading = random.randint(*BLOCKS_BETWEEN_READINGS)
        zero_at = time.perf_counter() + self._queue_ms / 1000 - self._pushed / self.sample_rate_hz
        self._zero_at = zero_at if self._zero_at is None else min(self._zero_at, zero_at)

    def _surely_queued_ms(self) -> float:
        """At least this much is in the native queue: it takes no more than one tick's worth in a tick's time."""
        now = time.perf_counter()
        self._queued_ms = max(self._queued_ms - (now - self._queued_at) * 1000, 0.0)
        self._queued_at = now
        return self._queued_ms

    async def _push(self, block_ms: int) -> None:
        length = self.sample_rate_hz * block_ms // 1000
        block = np.zeros(length, np.int16)
        filled = 0
        while self._queue and filled < length:
            item = self._queue[0]
            if item.position is None:
                item.position = self._pushed + filled
            part = item.pcm[item.taken : item.taken + length - filled]
            block[filled : filled + len(part)] = part
            item.taken += len(part)
            filled += len(part)
            if item.taken == len(item.pcm):
                self._leaving.append(self._queue.popleft())
        if filled == 0:
            places = np.arange(self._background_at, self._background_at + length)
            block = self._background.take(places, mode="wrap")
            self._background_at = (self._background_at + length) % len(self._background)
        block = self._with_echoes(block)
        frame = rtc.AudioFrame(block.tobytes(), self.sample_rate_hz, 1, length)
        self._queued_ms = self._surely_queued_ms() + block_ms
        await self.source.capture_frame(frame)
        self._pushed += length
        self._blocks_to_reading -= 1

    def _with_echoes(self, block: Pcm) -> Pcm:
        if not self.echoes or self._zero_at is None:
            return block
        picked = sum((echo.pick_up(len(block), self._end_at()) for echo in self.echoes), block.astype(np.int32))
        return np.clip(picked, -32768, 32767).astype(np.int16)

    def _end_at(self) -> float:
        """When the last pushed sample leaves."""
        assert self._zero_at is not None
        return self._zero_at + self._pushed / self.sample_rate_hz

    def _run_dry(self) -> None:
        self.underruns += 1
        # What left before is still dated by the old clock; what is under way is torn.
        for item in (*self._queue, *self._leaving):
            item.torn = item.torn or item.position is not None
        self._settle(everything=True)
        self._zero_at = None
        self._steady.clear()

    def _settle(self, *, everything: bool = False) -> None:
        assert self._zero_at is not None
        while self._leaving:
            item = self._leaving[0]
            assert item.position is not None
            start_at = self._zero_at + item.position / self.sample_rate_hz
            if not everything and time.perf_counter() < start_at + len(item.pcm) / self.sample_rate_hz:
                return
            self._leaving.popleft()
            spans = audible_spans(item.pcm, self.sample_rate_hz)
            last = spans[-1].end or len(item.pcm)
            if not item.left.done():
                item.left.set_result(
                    Spoken(
                        first_sample_at=start_at,
                        first_audible_sample_at=start_at + spans[0].begin / self.sample_rate_hz,
                        last_audible_sample_at=start_at + last / self.sample_rate_hz,
                        torn=item.torn,
                    )
                )


def resample(pcm: Pcm, from_hz: int, to_hz: int) -> Pcm:
    """Mono int16 at another rate."""
    if from_hz == to_hz:
        return np.ascontiguousarray(pcm, np.int16)
    resampler = rtc.AudioResampler(from_hz, to_hz, num_channels=1, quality=rtc.AudioResamplerQuality.HIGH)
    frames = resampler.push(bytearray(np.ascontiguousarray(pcm, np.int16).tobytes()))
    frames += resampler.flush()
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames] or [np.zeros(0, np.int16)])

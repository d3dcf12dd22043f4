"""What a frame and a whole file cost in Python's memory, in both ways. Apart from the timed runs: tracing is slow."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from examples.simple_test_client.audio_reader import AudioReader
from examples.simple_test_client.naive import FRAME_S, convert_whole, new_frame, read_whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

FRAMES = 200


@dataclass(frozen=True)
class Allocations:
    """`objects`: pieces of memory that a frame holds. `bytes_made`: what it takes at its worst moment, the same with
    the SDK's `capture_frame` in `bytes_with_sdk` (medians). `file_bytes`: the worst moment of reading the whole file.
    """

    objects: float
    bytes_made: float
    bytes_with_sdk: float
    file_bytes: int


async def naive_allocations(source: rtc.AudioSource, path: Path, folder: Path) -> Allocations:
    rate_hz = source.sample_rate
    wav = folder / "counted.wav"

    async def whole() -> None:
        convert_whole(path, wav, rate_hz)
        read_whole(wav)

    file_bytes = await _worst(whole)
    data = read_whole(wav)

    def make(number: int) -> rtc.AudioFrame:
        return new_frame(data, number, rate_hz)

    return await _allocations(source, make, file_bytes)


async def reused_allocations(source: rtc.AudioSource, path: Path) -> Allocations:
    rate_hz = source.sample_rate
    size = round(rate_hz * FRAME_S)
    frame = rtc.AudioFrame.create(rate_hz, 1, size)
    buffer = np.frombuffer(frame.data, np.int16)

    async def whole() -> None:
        async with AudioReader(path, rate_hz) as reader:
            while await reader.read_into(buffer):
                pass

    file_bytes = await _worst(whole)
    block = np.zeros(size * FRAMES, np.int16)

    def make(number: int) -> rtc.AudioFrame:
        buffer[:] = block[number * size : (number + 1) * size]
        return frame

    return await _allocations(source, make, file_bytes)


async def _allocations(source: rtc.AudioSource, make: Callable[[int], rtc.AudioFrame], file_bytes: int) -> Allocations:
    async def made(number: int) -> None:
        make(number)

    async def sent(number: int) -> None:
        await source.capture_frame(make(number))
        source.clear_queue()

    return Allocations(_held(make), await _each(made), await _each(sent), file_bytes)


def _held(make: Callable[[int], rtc.AudioFrame]) -> float:
    held: list[rtc.AudioFrame | None] = [None] * FRAMES
    make(0)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(FRAMES):
        held[number] = make(number)
    return round((sys.getallocatedblocks() - before) / FRAMES, 1)


async def _each(make: Callable[[int], Awaitable[None]]) -> float:
    taken: list[int] = []
    tracemalloc.start()
    try:
        for number in range(FRAMES):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            await make(number)
            taken.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    return float(np.median(taken))


async def _worst(work: Callable[[], Awaitable[None]]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        await work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

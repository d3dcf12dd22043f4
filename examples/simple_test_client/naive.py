"""The way that a bench compares with: what a first try looks like, and what it costs."""

from __future__ import annotations

import asyncio
import wave
from typing import TYPE_CHECKING

from livekit import rtc

from examples.simple_test_client.audio_file import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAME_S = 0.02


def convert_whole(path: Path, wav: Path, sample_rate_hz: int) -> None:
    """All of a file into a WAV file: whoever calls it waits, and on the loop so does everybody."""
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        for block in decode(path, sample_rate_hz):
            file.writeframes(block.tobytes())


def read_whole(wav: Path) -> bytes:
    with wave.open(str(wav), "rb") as file:
        return file.readframes(file.getnframes())


def new_frame(data: bytes, number: int, sample_rate_hz: int) -> rtc.AudioFrame:
    size = round(sample_rate_hz * FRAME_S)
    part = data[number * 2 * size : (number + 1) * 2 * size].ljust(2 * size, b"\0")
    return rtc.AudioFrame(part, sample_rate_hz, 1, size)


async def play_naive(source: rtc.AudioSource, path: Path, folder: Path, on_frame: Callable[[int], None]) -> None:
    """Convert all, read all, then a new frame each time and a sleep of one frame's length between two."""
    wav = folder / "converted.wav"
    convert_whole(path, wav, source.sample_rate)
    data = read_whole(wav)
    frames = -(-len(data) // (2 * round(source.sample_rate * FRAME_S)))
    for number in range(frames):
        await source.capture_frame(new_frame(data, number, source.sample_rate))
        on_frame(number)
        await asyncio.sleep(FRAME_S)

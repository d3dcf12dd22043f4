"""A file is decoded beside the loop, no further ahead than allowed, and stops when nobody wants it any more."""

from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from examples.simple_test_client.audio_file import AudioFileError
from examples.simple_test_client.audio_reader import BLOCK_MS, AudioReader
from sim.audio_format import AudioFormat, encode
from sim.publisher import tone

if TYPE_CHECKING:
    from pathlib import Path

    from client_sounds import MakeSound

RATE_HZ = 48_000
AHEAD_MS = 1000


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP3 of 60 s."""
    file = tmp_path_factory.mktemp("minute") / "minute.mp3"
    file.write_bytes(encode(tone(60_000, 44_100), AudioFormat("mp3", 44_100)))
    return file


async def read_all(reader: AudioReader, parts: list[int] | None = None) -> int:
    """How many samples came; `parts` has them read by read, also where an error ends it."""
    buffer, parts = np.empty(960, np.int16), [] if parts is None else parts
    while filled := await reader.read_into(buffer):
        parts.append(filled)
    return sum(parts)


async def test_a_minute_begins_before_it_is_converted(minute: Path) -> None:
    """The first samples are there while at most the agreed second is decoded, and it stays so until more is read."""
    allowed = RATE_HZ * (AHEAD_MS + BLOCK_MS) // 1000
    async with AudioReader(minute, RATE_HZ, ahead_ms=AHEAD_MS) as reader:
        buffer = np.empty(960, np.int16)
        assert await reader.read_into(buffer) == 960
        assert reader.decoded_samples <= allowed
        while reader.decoded_samples < allowed - 2 * RATE_HZ * BLOCK_MS // 1000:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert reader.decoded_samples <= allowed
        got = 960 + await read_all(reader)
    assert abs(got - 60 * RATE_HZ) < RATE_HZ * 0.1
    assert reader.decoded_samples == got


async def test_memory_does_not_grow_with_the_file(minute: Path) -> None:
    """60 s at 48 kHz are 5.8 MB; reading them takes less than a tenth of it."""
    tracemalloc.start()
    try:
        async with AudioReader(minute, RATE_HZ, ahead_ms=AHEAD_MS) as reader:
            got = await read_all(reader)
        assert tracemalloc.get_traced_memory()[1] < got * 2 / 10
    finally:
        tracemalloc.stop()


async def test_leaving_in_the_middle_ends_the_thread(minute: Path) -> None:
    """Closed while it waits for room: nothing decodes on, and closing again does nothing."""
    reader = AudioReader(minute, RATE_HZ, ahead_ms=AHEAD_MS)
    async with reader:
        await reader.read_into(np.empty(960, np.int16))
    await reader.aclose()
    assert reader.decoded_samples < 5 * RATE_HZ
    for thread in threading.enumerate():
        if thread.name == f"decode {minute.name}":
            await asyncio.to_thread(thread.join, 5.0)
            assert not thread.is_alive()


async def test_a_cancelled_reader_ends_too(minute: Path) -> None:
    """Cancelled while it reads."""

    async def play() -> None:
        async with AudioReader(minute, RATE_HZ, ahead_ms=AHEAD_MS) as reader:
            begun.set()
            while await reader.read_into(buffer):
                await asyncio.sleep(0.001)

    begun, buffer = asyncio.Event(), np.empty(96, np.int16)
    playing = asyncio.create_task(play())
    await begun.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    for thread in threading.enumerate():
        if thread.name == f"decode {minute.name}":
            await asyncio.to_thread(thread.join, 5.0)
            assert not thread.is_alive()


async def test_a_bad_file_raises_on_entering(tmp_path: Path) -> None:
    """In the words of audio_file.py, from the thread."""
    with pytest.raises(AudioFileError, match="no such file"):
        async with AudioReader(tmp_path / "none.wav", RATE_HZ):
            pass


async def test_a_cut_file_raises_behind_its_last_sample(make_sound: MakeSound) -> None:
    """Every sample that was decoded is read first."""
    file = make_sound("cut.flac", "flac", 2.0)
    os.truncate(file, file.stat().st_size * 6 // 10)
    parts: list[int] = []
    async with AudioReader(file, RATE_HZ) as reader:
        with pytest.raises(AudioFileError, match="truncated"):
            await read_all(reader, parts)
        assert sum(parts) == reader.decoded_samples > RATE_HZ // 2


async def test_it_knows_where_the_sound_is(tmp_path: Path, make_sound: MakeSound) -> None:
    """The first and the last audible sample; of silence neither."""
    async with AudioReader(make_sound("a.flac", "flac", 1.0), RATE_HZ) as reader:
        await read_all(reader)
        assert reader.first_audible is not None
        assert reader.audible_end is not None
        assert reader.first_audible < RATE_HZ * 0.02
        assert reader.audible_end > RATE_HZ * 0.98
    silent = tmp_path / "silent.mp3"
    silent.write_bytes(encode(np.zeros(44_100, np.int16), AudioFormat("mp3", 44_100)))
    async with AudioReader(silent, RATE_HZ) as reader:
        await read_all(reader)
        assert (reader.first_audible, reader.audible_end) == (None, None)

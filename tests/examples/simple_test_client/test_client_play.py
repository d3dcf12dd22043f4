"""Frames go out by the clock: none is sent early, a late one delays no other, and a torn one is told."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from livekit import rtc

from examples.simple_test_client.audio_file import AudioFileError
from examples.simple_test_client.audio_utils import CUSHION_MS, play_wav

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from client_sounds import MakeSound

pytestmark = pytest.mark.alone

HELD_S = 0.4


@pytest.fixture
async def source() -> AsyncIterator[rtc.AudioSource]:
    source = rtc.AudioSource(48_000, 1, queue_size_ms=1000)
    yield source
    await source.aclose()


@pytest.mark.parametrize("frame_ms", [10, 20])
async def test_every_frame_at_its_time(source: rtc.AudioSource, make_sound: MakeSound, frame_ms: int) -> None:
    """Each one in order and none early, and the whole takes as long as the sound: frame by frame nothing adds up."""
    file, numbers = make_sound("a.flac", "flac", 1.01), list[int]()
    played = await play_wav(source, file, frame_ms=frame_ms, on_frame=numbers.append)
    frames = round(1010 / frame_ms + 0.49)
    assert numbers == list(range(frames))
    assert len(played.late_ms) == frames
    assert min(played.late_ms) >= 0
    assert played.duration_s == pytest.approx(1.01)
    lasted_s = played.ended_at - played.first_sample_at
    assert lasted_s == pytest.approx(1.01 + played.torn_ms / 1000, abs=1e-6)
    assert time.perf_counter() >= played.ended_at


async def test_a_held_loop_is_caught_up_with(source: rtc.AudioSource, make_sound: MakeSound) -> None:
    """Frames that were due meanwhile follow at once; only what the cushion did not cover delays the rest."""
    file = make_sound("a.flac", "flac", 1.5)

    def hold(number: int) -> None:
        if number == 20:
            time.sleep(HELD_S)

    played = await play_wav(source, file, on_frame=hold)
    # Frame 21 was due one frame after the hold began.
    assert played.late_ms[21] > (HELD_S - 0.02) * 900
    assert played.torn_ms >= HELD_S * 1000 - 20 - CUSHION_MS - 20
    assert played.ended_at - played.first_sample_at == pytest.approx(1.5 + played.torn_ms / 1000, abs=1e-6)
    assert played.late_ms[21] > played.late_ms[23]
    assert played.last_audible_at is not None
    assert played.last_audible_at <= played.ended_at


async def test_cancelled_in_the_middle_the_source_is_free_again(source: rtc.AudioSource, make_sound: MakeSound) -> None:
    """The next file plays on the same source."""
    file, begun = make_sound("a.flac", "flac", 0.5), asyncio.Event()

    def note(number: int) -> None:
        if number == 3:
            begun.set()

    playing = asyncio.create_task(play_wav(source, file, on_frame=note))
    await begun.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert (await play_wav(source, file)).duration_s == pytest.approx(0.5)


async def test_a_bad_file_sends_nothing(source: rtc.AudioSource, tmp_path: Path) -> None:
    """The error comes before the first frame."""
    numbers: list[int] = []
    with pytest.raises(AudioFileError, match="no such file"):
        await play_wav(source, tmp_path / "none.mp3", on_frame=numbers.append)
    assert numbers == []
    assert source.queued_duration == 0


async def test_what_cannot_be_asked_for(source: rtc.AudioSource, tmp_path: Path) -> None:
    """Each argument is named with its value and what is allowed."""
    with pytest.raises(ValueError, match="frame_ms: got 15, allowed: 10 or 20"):
        await play_wav(source, tmp_path, frame_ms=15)
    with pytest.raises(ValueError, match="cushion_ms: got 10, allowed: 20 or more"):
        await play_wav(source, tmp_path, cushion_ms=10)
    stereo = rtc.AudioSource(48_000, 2)
    with pytest.raises(ValueError, match="source: got 2 channels, allowed: 1"):
        await play_wav(stereo, tmp_path)
    await stereo.aclose()

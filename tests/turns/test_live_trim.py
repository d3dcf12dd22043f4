"""The silence before a live reply, to the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, USERDATA_TTS_STARTED_TIME

from turns.live_trim import KEEP_MS, MAX_TRIM_MS, trim_lead
from utils.audio import WINDOW_MS, Pcm, from_frames

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

RATE_HZ = 24_000
MS = RATE_HZ // 1000


def silence(ms: float) -> Pcm:
    return np.zeros(int(ms * MS), dtype=np.int16)


def speech(ms: float) -> Pcm:
    """Every sample differs from its neighbours, so that a lost one shows."""
    return (np.arange(int(ms * MS)) % 977 + 8000).astype(np.int16)


def frame(pcm: Pcm, **userdata: Any) -> rtc.AudioFrame:
    return rtc.AudioFrame(pcm.tobytes(), RATE_HZ, 1, len(pcm), userdata=userdata)


def cut(pcm: Pcm, *sizes_ms: float) -> list[rtc.AudioFrame]:
    """`pcm` in frames of `sizes_ms`, again and again."""
    frames: list[rtc.AudioFrame] = []
    while len(pcm):
        size = int(sizes_ms[len(frames) % len(sizes_ms)] * MS)
        frames.append(frame(pcm[:size]))
        pcm = pcm[size:]
    return frames


class Source:
    """Frames as a TTS gives them; it knows how many were taken, and that it was closed."""

    def __init__(self, frames: Sequence[rtc.AudioFrame]) -> None:
        self.taken = 0
        self.closed = False
        self._frames = frames

    async def play(self) -> AsyncGenerator[rtc.AudioFrame]:
        try:
            for item in self._frames:
                self.taken += 1
                yield item
        finally:
            self.closed = True


async def trimmed(frames: Sequence[rtc.AudioFrame], **options: int) -> list[rtc.AudioFrame]:
    return [item async for item in trim_lead(Source(frames).play(), **options)]


@pytest.mark.parametrize("sizes_ms", [(10,), (190, 10), (200,), (7,), (3, 20), (2,), (1000,)])
@pytest.mark.parametrize("lead_ms", [0, 4, 35, 200, 590])
async def test_the_speech_begins_ten_milliseconds_in(lead_ms: int, sizes_ms: tuple[float, ...]) -> None:
    """However the silence lies in the frames: no sample of the speech is lost, and of the silence 10 to 15 ms."""
    sound = speech(300)
    got = from_frames(await trimmed(cut(np.concatenate([silence(lead_ms), sound]), *sizes_ms)))
    kept = len(got) - len(sound)
    assert got[kept:].tolist() == sound.tolist()
    assert not got[:kept].any()
    assert min(lead_ms, KEEP_MS) * MS <= kept <= min(lead_ms, KEEP_MS + WINDOW_MS) * MS


async def test_each_frame_behind_the_onset_passes_as_it_is() -> None:
    """The same objects, silent ones too, each as soon as it comes."""
    frames = [frame(silence(100)), frame(speech(20)), frame(silence(50)), frame(speech(20))]
    source = Source(frames)
    trimming = trim_lead(source.play())
    await anext(trimming)
    assert source.taken == 2
    assert [await anext(trimming), await anext(trimming)] == frames[2:]


async def test_what_dropped_frames_carry_goes_to_the_first_that_is_kept() -> None:
    """Transcripts in their order, the first start of the synthesis; nothing is repeated behind it."""
    frames = [
        frame(silence(100), **{USERDATA_TIMED_TRANSCRIPT: ["a"], USERDATA_TTS_STARTED_TIME: 1.0}),
        frame(silence(100), **{USERDATA_TIMED_TRANSCRIPT: ["b", "c"], USERDATA_TTS_STARTED_TIME: 2.0}),
        frame(speech(100), **{USERDATA_TIMED_TRANSCRIPT: ["d"], "other": 7}),
        frame(speech(100), **{USERDATA_TIMED_TRANSCRIPT: ["e"]}),
    ]
    first, second = await trimmed(frames)
    expected = {USERDATA_TIMED_TRANSCRIPT: ["a", "b", "c", "d"], USERDATA_TTS_STARTED_TIME: 1.0, "other": 7}
    assert first.userdata == expected
    assert second.userdata == {USERDATA_TIMED_TRANSCRIPT: ["e"]}


async def test_more_silence_than_that_is_meant() -> None:
    """Behind 600 ms all passes, silence as well."""
    pcm = np.concatenate([silence(MAX_TRIM_MS + 400), speech(100)])
    got = from_frames(await trimmed(cut(pcm, 100)))
    assert len(pcm) - len(got) == (MAX_TRIM_MS - KEEP_MS) * MS


async def test_nothing_but_silence_still_gives_a_frame() -> None:
    """Without one the framework would take the reply for unspoken; it has what the dropped frames carried."""
    only = frame(silence(100), **{USERDATA_TIMED_TRANSCRIPT: ["a"]})
    (kept,) = await trimmed([only, frame(silence(100))])
    assert kept.duration == pytest.approx(KEEP_MS / 1000)
    assert kept.userdata[USERDATA_TIMED_TRANSCRIPT] == ["a"]


async def test_no_frames_are_no_frames() -> None:
    """An empty reply stays empty."""
    assert await trimmed([]) == []


async def test_closed_in_the_middle_it_closes_what_it_reads() -> None:
    """An interruption ends the synthesis behind it, also before the first sound."""
    for take in (0, 1):
        source = Source([frame(silence(100)), frame(speech(100)), frame(speech(100))])
        trimming = trim_lead(source.play())
        for _ in range(take):
            await anext(trimming)
        await trimming.aclose()
        assert source.closed == (take > 0)


async def test_a_source_that_fails_fails_the_reply() -> None:
    """What was heard stays heard, the error comes through."""

    async def broken() -> AsyncGenerator[rtc.AudioFrame]:
        yield frame(speech(20))
        raise RuntimeError("gone")

    trimming = trim_lead(broken())
    assert (await anext(trimming)).samples_per_channel == 20 * MS
    with pytest.raises(RuntimeError, match="gone"):
        await anext(trimming)

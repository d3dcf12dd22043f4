"""When the caller was last audible, by the samples."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.io import AudioInput

from observe.caller_audio import CallerAudio

RATE_HZ = 16_000
FRAME_S = 0.01


def frame(dbfs: float | None) -> rtc.AudioFrame:
    """10 ms whose peak is `dbfs`; None: digital silence."""
    peak = 0 if dbfs is None else round(32768 * 10 ** (dbfs / 20))
    samples = np.resize(np.array([peak, -peak]), int(RATE_HZ * FRAME_S)).astype(np.int16)
    return rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, len(samples))


class Source(AudioInput):
    """Gives the frames that it was made with."""

    def __init__(self, *frames: rtc.AudioFrame) -> None:
        super().__init__(label="test")
        self._frames = iter(frames)

    async def __anext__(self) -> rtc.AudioFrame:
        try:
            return next(self._frames)
        except StopIteration:
            raise StopAsyncIteration from None


def hear(heard: CallerAudio, *levels: float | None, begin_s: float = 0.0) -> float:
    """Note frames of these levels one after the other; returns when the last one had arrived."""
    at_s = begin_s
    for dbfs in levels:
        at_s += FRAME_S
        heard.note(frame(dbfs), at_s)
    return at_s


@pytest.fixture
def heard() -> CallerAudio:
    return CallerAudio(Source())


def test_before_any_sound_there_is_no_time(heard: CallerAudio) -> None:
    """Silence is not a caller."""
    hear(heard, None, None, -80.0)
    assert heard.last_audible_at_s is None


def test_speech_over_silence_counts_up_to_its_last_frame(heard: CallerAudio) -> None:
    """Two frames of speech between silence: the end of the second."""
    hear(heard, None, None, -20.0, -25.0, None, None)
    assert heard.last_audible_at_s == pytest.approx(4 * FRAME_S)


def test_the_noise_of_the_line_is_not_speech(heard: CallerAudio) -> None:
    """Steady noise above the fixed threshold is taken for the floor; speech well over it still counts."""
    hear(heard, *[-40.0] * 100)
    assert heard.last_audible_at_s is None
    end_s = hear(heard, -30.0, begin_s=1.0)
    assert heard.last_audible_at_s is None
    end_s = hear(heard, -20.0, begin_s=end_s)
    assert heard.last_audible_at_s == pytest.approx(end_s)


def test_the_floor_falls_at_once_and_rises_slowly(heard: CallerAudio) -> None:
    """A quieter moment makes faint speech audible; a long vowel does not lift the floor to it."""
    hear(heard, -30.0, -70.0)
    assert heard.last_audible_at_s is None
    end_s = hear(heard, *[-40.0] * 140, begin_s=1.0)
    assert heard.last_audible_at_s == pytest.approx(end_s)


def test_noise_that_stays_becomes_the_floor(heard: CallerAudio) -> None:
    """A fan at -40 dB that is switched on in a silent room counts at first, and no more after seconds."""
    hear(heard, None, -80.0)
    end_s = hear(heard, *[-40.0] * 500, begin_s=1.0)
    assert heard.last_audible_at_s is not None
    assert end_s - heard.last_audible_at_s > 1


def test_an_empty_frame_says_nothing(heard: CallerAudio) -> None:
    """No samples, no level, no error."""
    heard.note(rtc.AudioFrame(b"", RATE_HZ, 1, 0), 1.0)
    assert heard.last_audible_at_s is None


async def test_frames_pass_unchanged_and_are_noted_on_the_way() -> None:
    """The session hears exactly what came in."""
    frames = [frame(None), frame(-20.0)]
    heard = CallerAudio(Source(*frames))
    assert [each async for each in heard] == frames
    assert heard.last_audible_at_s is not None

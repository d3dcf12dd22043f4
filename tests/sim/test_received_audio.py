from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.publisher import tone
from sim.received_audio import ReceivedAudio

if TYPE_CHECKING:
    from pathlib import Path

RATE = 24_000
BLOCK = 1200  # 50 ms
START_AT = 100.0


def received(*parts_ms: tuple[str, float]) -> ReceivedAudio:
    """Audio of alternating sound and silence, fed in 50 ms blocks on time; sample 0 sounds at START_AT."""
    pcm = np.concatenate(
        [tone(ms, RATE) if kind == "sound" else np.zeros(round(RATE * ms / 1000), np.int16) for kind, ms in parts_ms]
    )
    audio = ReceivedAudio("agent", RATE)
    for number, start in enumerate(range(0, len(pcm) - BLOCK + 1, BLOCK), 1):
        audio.feed(pcm[start : start + BLOCK], START_AT + 0.05 * number)
    return audio


def test_spans_are_dated() -> None:
    """Begin and end of each sound, in seconds of the clock that stamped the blocks."""
    audio = received(("silence", 100), ("sound", 200), ("silence", 300), ("sound", 100), ("silence", 300))
    assert audio.spans() == [
        (pytest.approx(100.1, abs=0.001), pytest.approx(100.3, abs=0.001)),
        (pytest.approx(100.6, abs=0.001), pytest.approx(100.7, abs=0.001)),
    ]
    assert audio.last_audible_at == pytest.approx(100.7, abs=0.001)
    assert audio.heard_until == pytest.approx(101.0)


def test_nothing_heard_has_no_times() -> None:
    """Before the first block there is nothing to date; in silence there is no sound."""
    audio = ReceivedAudio("agent", RATE)
    assert (audio.heard_until, audio.last_audible_at, audio.spans(), len(audio.pcm)) == (None, None, [], 0)
    assert received(("silence", 500)).last_audible_at is None


def test_onset_is_the_first_one_since() -> None:
    """Sound from before `since` does not count, nor one that was already going on then."""
    audio = received(("silence", 100), ("sound", 200), ("silence", 300), ("sound", 100), ("silence", 300))
    assert audio.onset(START_AT, 0.0) == pytest.approx(100.1, abs=0.001)
    assert audio.onset(100.2, 0.0) == pytest.approx(100.6, abs=0.001)
    assert audio.onset(100.65, 0.0) is None


def test_onset_after_a_short_pause_is_the_same_speech() -> None:
    """A word after 100 ms goes on with the sentence; the one after 300 ms begins a new one."""
    audio = received(
        ("silence", 100),
        ("sound", 100),
        ("silence", 100),
        ("sound", 100),
        ("silence", 300),
        ("sound", 100),
        ("silence", 100),
    )
    assert audio.onset(100.15, 0.2) == pytest.approx(100.7, abs=0.001)
    assert audio.onset(100.15, 0.05) == pytest.approx(100.3, abs=0.001)


def test_onset_settles_when_no_later_block_can_change_it() -> None:
    """What was heard last is not settled yet; 200 ms on it is, and at once when the track has ended."""
    audio = received(("silence", 100), ("sound", 100))
    assert not audio.is_settled(100.1)
    audio.finish()
    assert audio.is_settled(100.1)
    assert received(("silence", 100), ("sound", 300)).is_settled(100.1)


def test_block_is_kept_by_value() -> None:
    """The buffer that a block came in may be used again: what was heard stays."""
    audio = ReceivedAudio("agent", RATE)
    block = np.full(BLOCK, 7, np.int16)
    audio.feed(block, START_AT)
    block[:] = 0
    assert audio.pcm.tolist() == [7] * BLOCK


def test_wav_holds_what_was_heard(tmp_path: Path) -> None:
    """The file is mono, 16 bit, at the rate it was heard at, with every sample."""
    audio = received(("sound", 100))
    audio.write_wav(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert file.readframes(file.getnframes()) == audio.pcm.tobytes()

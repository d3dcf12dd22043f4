"""The recorded last words."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from prewarm import recordings
from prewarm.recordings import TEXTS, recording
from utils.audio import first_audible

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def unread() -> None:
    recording.cache_clear()


@pytest.mark.parametrize("name", TEXTS)
def test_each_recording_is_speech_and_begins_at_once(name: str) -> None:
    """A caller who waits for the last words must not wait for silence first; it is as long as its words."""
    found = recording(name)
    first = first_audible(found.pcm, 24_000)
    assert first is not None
    assert first < 24_000 // 20
    assert found.text == TEXTS[name]
    assert 0.2 < found.duration_ms / 1000 / len(found.text.split()) < 0.6


def test_a_recording_is_read_once() -> None:
    """It is played when things go wrong: nothing may be read from a disk then."""
    assert recording("sorry") is recording("sorry")


def test_another_name_is_a_mistake_of_the_program() -> None:
    """KeyError names it."""
    with pytest.raises(KeyError, match="hello"):
        recording("hello")


def test_a_file_of_another_shape_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and what is allowed."""
    monkeypatch.setattr(recordings, "FOLDER", tmp_path)
    with wave.open(str(tmp_path / "sorry.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.zeros(80, dtype=np.int16).tobytes())
    with pytest.raises(ValueError, match=r"sorry\.wav: allowed: 24000 Hz, mono, 16 bit"):
        recording("sorry")

"""The committed recordings are what their manifest says."""

from __future__ import annotations

import json
import wave
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.speech.library import FOLDER, load_speech, read_recordings

if TYPE_CHECKING:
    from pathlib import Path


def test_every_committed_file_is_in_the_manifest() -> None:
    """No recording without an entry, no entry without a recording, small altogether."""
    files = {path.name for path in FOLDER.glob("*.wav")}
    entries = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert files == {entry["file"] for entry in entries}
    assert sum(path.stat().st_size for path in FOLDER.glob("*.wav")) < 3_000_000


@pytest.mark.parametrize("name", sorted(load_speech()))
def test_words_lie_in_order_inside_the_recording(name: str) -> None:
    """Word times increase, lie in the audible part, and the words make up the text."""
    recording = load_speech()[name]
    assert " ".join(word.text for word in recording.words) == recording.text
    assert recording.duration_ms == pytest.approx(len(recording.pcm) / 16, abs=1)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(recording.words))
    assert all(word.start_ms < word.end_ms <= recording.speech_end_ms + 20 for word in recording.words)
    assert np.abs(recording.pcm).max() > 10_000


@pytest.mark.parametrize("pause_ms", [300, 500, 800])
def test_mid_sentence_pauses_have_their_length(pause_ms: int) -> None:
    """The longest gap between two words of `pause_N` is N ms, silent throughout."""
    recording = load_speech()[f"pause_{pause_ms}"]
    gap = max(pairwise(recording.words), key=lambda pair: pair[1].start_ms - pair[0].end_ms)
    assert gap[1].start_ms - gap[0].end_ms == pytest.approx(pause_ms, abs=30)
    silent = recording.pcm[int(gap[0].end_ms + 30) * 16 : int(gap[1].start_ms - 30) * 16]
    assert np.abs(silent).max() < 300


def test_samples_cannot_be_changed_by_accident() -> None:
    """The cached samples are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        load_speech()["hello"].pcm[0] = 1


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A WAV file that is not 16 kHz mono 16 bit is named."""
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0")
    (tmp_path / "manifest.json").write_text('[{"file": "x.wav"}]')
    with pytest.raises(ValueError, match=r"x\.wav: must be 16000 Hz"):
        read_recordings(tmp_path / "manifest.json")

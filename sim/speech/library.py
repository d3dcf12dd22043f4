"""The recorded caller speech that is committed beside this file, loaded once."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE_HZ = 16_000
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word of a recording; times in ms from the recording's first sample."""

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Recording:
    """One utterance of a caller: int16 mono at 16 kHz. `text` is empty where nothing is said (a cough)."""

    id: str
    text: str
    language: str
    words: tuple[SpokenWord, ...]
    duration_ms: float
    speech_end_ms: float
    """The end of the last audible sample."""
    pcm: Samples = field(repr=False, compare=False)


def _read_wav(path: Path) -> Samples:
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if shape != (RATE_HZ, 1, 2):
            raise ValueError(f"{path.name}: must be {RATE_HZ} Hz, mono, 16 bit, got {shape}")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def read_recordings(manifest: Path) -> dict[str, Recording]:
    """Recordings by id. WAV files are looked for beside the manifest.

    Raises ValueError for a WAV file that is not 16 kHz mono 16 bit.
    """
    recordings: dict[str, Recording] = {}
    entries: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))
    for entry in entries:
        pcm = _read_wav(manifest.parent / entry["file"])
        pcm.setflags(write=False)
        recordings[entry["id"]] = Recording(
            id=entry["id"],
            text=entry["text"],
            language=entry["language"],
            words=tuple(SpokenWord(w["text"], w["start_ms"], w["end_ms"]) for w in entry["words"]),
            duration_ms=entry["duration_ms"],
            speech_end_ms=entry["speech_end_ms"],
            pcm=pcm,
        )
    return recordings


@cache
def load_speech() -> dict[str, Recording]:
    """The committed recordings by id, in the manifest's order. The samples are read-only."""
    return read_recordings(FOLDER / "manifest.json")

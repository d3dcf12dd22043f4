"""The agent's own voice as recordings: a recogniser that hears its echo writes words down, as real ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.turns.dialogue import LONG, PART
from config import Settings
from sim.speech.library import RATE_HZ, Recording, SpokenWord
from sim.voice import Voice
from sim.waveform import last_audible

if TYPE_CHECKING:
    from sim.speech.library import Samples

TEXTS = (LONG, *PART)
"""What is said again and again, so that it can be known; other replies are sound without words in an echo."""


async def own_voice() -> tuple[Recording, ...]:
    """TEXTS as the simulated TTS speaks them. Raises `VoiceUnavailableError`."""
    voice = Voice()
    voice_id = str(Settings.model_fields["tts_voice"].default)
    try:
        return tuple(
            [
                _recording(text, await voice.synthesize(text, sample_rate_hz=RATE_HZ, voice_id=voice_id))
                for text in TEXTS
            ]
        )
    finally:
        await voice.aclose()


def _recording(text: str, pcm: Samples) -> Recording:
    duration_ms = len(pcm) * 1000 / RATE_HZ
    last = last_audible(pcm, RATE_HZ)
    end_ms = duration_ms if last is None else (last + 1) * 1000 / RATE_HZ
    return Recording(f"own {text[:20]}", text, "en", _words(text, end_ms), duration_ms, end_ms, pcm)


def _words(text: str, end_ms: float) -> tuple[SpokenWord, ...]:
    """Each letter takes as long as any other."""
    ms_a_letter, at = end_ms / len(text), 0
    found: list[SpokenWord] = []
    for word in text.split():
        found.append(SpokenWord(word, at * ms_a_letter, (at + len(word)) * ms_a_letter))
        at += len(word) + 1
    return tuple(found)

"""One piece of speech on its way to a client: encoded, cut into chunks, sent at the pace of a provider."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.audio_format import AudioFormat, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sim.latency import TtsLatency
    from sim.voice import Voice

CHUNK_MS = 200


@dataclass(frozen=True)
class Timing:
    """The waits of one piece of speech, drawn once; `received_s` and `first_byte_s` are on the monotonic clock."""

    received_s: float
    first_byte_s: float
    leading_silence_ms: float
    realtime_factor: float

    @classmethod
    def draw(cls, latency: TtsLatency, *, stall_ms: float) -> Timing:
        """For a text received now."""
        now_s = time.monotonic()
        first_byte_s = now_s + (latency.first_byte.draw_ms() + stall_ms) / 1000
        return cls(now_s, first_byte_s, latency.leading_silence.draw_ms(), latency.realtime_factor)


@dataclass(frozen=True)
class Character:
    """When a character of the text begins to be heard, and for how long: ms from the speech's first byte."""

    text: str
    start_ms: int
    duration_ms: int


@dataclass(frozen=True)
class Chunk:
    """`start_ms` is its audio's place in the speech; `characters` are those that begin in it."""

    audio: bytes
    start_ms: float
    characters: Sequence[Character]


@dataclass(frozen=True)
class Spoken:
    """Encoded speech with its leading silence. No chunks if there was nothing to say."""

    chunks: tuple[Chunk, ...]
    duration_ms: float


async def speak(
    voice: Voice,
    text: str,
    *,
    audio_format: AudioFormat,
    voice_id: str,
    language: str | None,
    leading_silence_ms: float,
) -> Spoken:
    """Renders the text and puts the silence before it. Raises `VoiceUnavailableError`."""
    rate_hz = audio_format.sample_rate_hz
    speech = await voice.synthesize(text, sample_rate_hz=rate_hz, language=language, voice_id=voice_id)
    if not len(speech):
        return Spoken((), 0.0)
    silence = np.zeros(round(rate_hz * leading_silence_ms / 1000), dtype=np.int16)
    pcm = np.concatenate([silence, speech])
    work = asyncio.to_thread(encode, pcm, audio_format) if audio_format.codec == "mp3" else None
    audio = await work if work else encode(pcm, audio_format)
    duration_ms = len(pcm) / rate_hz * 1000
    characters = _aligned(text, leading_silence_ms, duration_ms)
    return Spoken(_cut(audio, duration_ms, characters), duration_ms)


async def deliver(spoken: Spoken, timing: Timing, send: Callable[[Chunk], Awaitable[None]]) -> None:
    """Sends the chunks in order: the first when it is due, each later one when its audio would have been made."""
    begin_s = max(timing.first_byte_s, time.monotonic())
    for chunk in spoken.chunks:
        due_s = begin_s + chunk.start_ms / 1000 / timing.realtime_factor
        await asyncio.sleep(max(due_s - time.monotonic(), 0.0))
        await send(chunk)


def _cut(audio: bytes, duration_ms: float, characters: Sequence[Character]) -> tuple[Chunk, ...]:
    """Chunks of about CHUNK_MS, on even byte positions so that a PCM sample is never divided."""
    count = max(round(duration_ms / CHUNK_MS), 1)
    edges = [len(audio) * index // count // 2 * 2 for index in range(count)] + [len(audio)]
    chunks: list[Chunk] = []
    for index in range(count):
        start_ms, end_ms = duration_ms * index / count, duration_ms * (index + 1) / count
        inside = [c for c in characters if start_ms <= c.start_ms < end_ms]
        chunks.append(Chunk(audio[edges[index] : edges[index + 1]], start_ms, inside))
    return tuple(chunks)


def _aligned(text: str, leading_silence_ms: float, duration_ms: float) -> list[Character]:
    """Each character gets its share of the speech: letters alike, spaces less, sentence ends more."""
    weights = [0.6 if char.isspace() else 1.0 if char.isalnum() else 2.0 for char in text]
    edges = leading_silence_ms + np.cumsum([0.0, *weights]) / sum(weights) * (duration_ms - leading_silence_ms)
    starts = np.minimum(edges, max(duration_ms - 1, 0)).astype(int)
    return [
        Character(char, int(start), int(end - start))
        for char, start, end in zip(text, starts, starts[1:], strict=False)
    ]

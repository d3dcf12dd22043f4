"""A greeting as a WAV, spoken by the plugin that calls use: the sound that a caller will hear."""

from __future__ import annotations

import asyncio
import importlib.util
import wave
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from config import Settings
    from utils.audio import Pcm

CALLER = "Joanna"
"""Who is greeted where the greeting has a place for a name."""

SIMULATED_KEY = "sim"


class PreviewFailed(Exception):
    """There is no WAV; the message says why."""


@dataclass(frozen=True)
class Preview:
    """What was written: 24 kHz, mono, 16 bit."""

    file: Path
    duration_s: float
    voice: str
    simulated: bool

    def __str__(self) -> str:
        voice = f"the simulated voice (ELEVEN_API_KEY gives {self.voice})" if self.simulated else f"voice {self.voice}"
        return f"{self.file}: {self.duration_s:.1f} s in {voice}"


def check_file(file: Path) -> None:
    """Before anything is spoken. Raises `PreviewFailed` for a place where no file can be written."""
    if file.suffix != ".wav" or file.is_dir() or not file.parent.is_dir():
        raise PreviewFailed(f"got {file}; allowed: a file that ends in .wav, in a folder that exists")


async def write_preview(settings: Settings, greeting: str, file: Path) -> Preview:
    """Speak `greeting` in the voice of `settings`, by the simulator where its key is not set.

    Raises `PreviewFailed`; what was at `file` is then as it was.
    """
    check_file(file)
    async with _voice_within_reach(settings) as reached:
        pcm = await _spoken(reached, greeting)
    try:
        await asyncio.to_thread(_write, file, pcm)
    except OSError as error:
        raise PreviewFailed(f"{file}: cannot be written ({error.strerror or error})") from None
    from prewarm.providers import TTS_SAMPLE_RATE_HZ

    return Preview(file, len(pcm) / TTS_SAMPLE_RATE_HZ, settings.tts_voice, not settings.eleven_api_key)


@asynccontextmanager
async def _voice_within_reach(settings: Settings) -> AsyncGenerator[Settings]:
    """`settings` themselves, or those that lead to a simulated voice, for as long as the block runs."""
    if settings.eleven_api_key:
        yield settings
        return
    if importlib.util.find_spec("sim") is None:
        raise PreviewFailed("ELEVEN_API_KEY: not set, and the folder `sim` with the simulated voice was taken out")
    from pydantic import SecretStr

    from sim.latency import profile_by_name
    from sim.providers import SimulatedProviders

    only = frozenset({"elevenlabs"})
    async with SimulatedProviders(profile=profile_by_name("fixed", 0), only=only, api_key=SIMULATED_KEY) as simulated:
        address = simulated.elevenlabs_base_url
        yield settings.model_copy(update={"eleven_api_key": SecretStr(SIMULATED_KEY), "elevenlabs_base_url": address})


async def _spoken(settings: Settings, greeting: str) -> Pcm:
    """As the kit makes it for a call: the part with the caller's name apart, after the same pause."""
    import numpy as np
    from livekit.agents import APIConnectOptions
    from pydantic import SecretStr

    from prewarm.greeting import SynthesisFailed, synthesize
    from prewarm.greeting_splice import PAUSE_MS
    from prewarm.http_clients import HttpClients
    from prewarm.providers import TTS_SAMPLE_RATE_HZ, make_tts
    from utils.greeting_text import personal_words, split_greeting

    words = split_greeting(greeting)
    texts = [words.opening, personal_words(words.personal, CALLER) if words.personal else None]
    options = APIConnectOptions(max_retry=settings.max_retries, retry_interval=0.3, timeout=settings.http_timeout)
    # The clients are made together: the LLM's wants a key, and is not used here.
    keyed = settings.model_copy(update={"openai_api_key": settings.openai_api_key or SecretStr("none")})
    clients = HttpClients(keyed, spare_connection=False)
    voice = make_tts(settings, clients)
    try:
        parts = [await synthesize(text, voice, options, trim=settings.trim_greeting) for text in texts if text]
    except SynthesisFailed as error:
        raise PreviewFailed(f"{settings.tts_voice}: {error}") from None
    finally:
        await voice.aclose()
        await clients.aclose()
    pause = np.zeros(TTS_SAMPLE_RATE_HZ * PAUSE_MS // 1000, dtype=np.int16)
    return np.concatenate([parts[0], *(sound for part in parts[1:] for sound in (pause, part))])


def _write(file: Path, pcm: Pcm) -> None:
    from prewarm.providers import TTS_SAMPLE_RATE_HZ

    draft = file.with_name(f".{file.name}.draft")
    try:
        with wave.open(str(draft), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(TTS_SAMPLE_RATE_HZ)
            sound.writeframes(pcm.astype("<i2").tobytes())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)

"""What the simulated TTS needs for a greeting: the first call of an account waits for all of it, not for a byte."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import aiohttp

from bench.accounts.results import Synthesis
from bench.simulators import API_KEY

if TYPE_CHECKING:
    from bench.workers import Surroundings

RATE_HZ = 24_000
BYTES_A_SAMPLE = 2


async def measure_synthesis(place: Surroundings, words: str, voice_id: str) -> Synthesis:
    """One request, with words that the simulator has spoken before: its own work is not meant."""
    await _speak(place, words, voice_id)
    return await _speak(place, words, voice_id)


async def _speak(place: Surroundings, words: str, voice_id: str) -> Synthesis:
    address = f"{place.providers.elevenlabs_base_url}/text-to-speech/{voice_id}/stream?output_format=pcm_{RATE_HZ}"
    begun, first, size = time.perf_counter(), 0.0, 0
    async with (
        aiohttp.ClientSession(headers={"xi-api-key": API_KEY}) as session,
        session.post(address, json={"text": words}) as answer,
    ):
        answer.raise_for_status()
        async for part in answer.content.iter_any():
            first = first or time.perf_counter()
            size += len(part)
    over = time.perf_counter()
    return Synthesis((first - begun) * 1000, (over - begun) * 1000, size / BYTES_A_SAMPLE / RATE_HZ * 1000)

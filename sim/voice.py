"""How the simulated speaker sounds: text to samples, offline, with no silence before the first audible one."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

import av
import av.audio.resampler
import numpy as np

from sim.espeak import Espeak, EspeakVoice, Pcm, find_espeak

if TYPE_CHECKING:
    from collections.abc import Callable

AUDIBLE = 200
"""Amplitude of 32767 from which a sample counts as heard: -44 dBFS."""
CACHED_TEXTS = 256
_KEPT_TAIL_MS = 30

_VARIANTS = ("f2", "m3", "f3", "m7", "f4", "m1")
_PITCHES = (50, 42, 57)
_LANGUAGES = {
    "en": "en-us",
    "ar": "ar",
    "de": "de",
    "es": "es",
    "fr": "fr-fr",
    "hi": "hi",
    "it": "it",
    "nl": "nl",
    "pl": "pl",
    "pt": "pt",
    "ru": "ru",
    "tr": "tr",
}


class Voice:
    """Renders texts and keeps the last `CACHED_TEXTS` of them. Belongs to one event loop."""

    def __init__(self, espeak: Callable[[], Espeak] = find_espeak) -> None:
        self._find_espeak = espeak
        self._espeak: Espeak | None = None
        self._cache: OrderedDict[tuple[EspeakVoice, str, int], Pcm] = OrderedDict()
        self._rendering: dict[tuple[EspeakVoice, str, int], asyncio.Task[Pcm]] = {}

    async def synthesize(
        self, text: str, *, sample_rate_hz: int, language: str | None = None, voice_id: str = ""
    ) -> Pcm:
        """Mono samples, read-only; empty if the text has nothing to say.

        The first sample is audible: silence before speech is the caller's to add. `language` is an ISO 639-1 code
        and yields to the text's script; unknown ones are spoken as English. The same `voice_id` always sounds
        the same. Raises `VoiceUnavailableError`.
        """
        text = text.strip()
        if not re.search(r"\w", text):
            return _read_only(np.zeros(0, dtype=np.int16))
        key = (espeak_voice(voice_id, text, language), text, sample_rate_hz)
        if (cached := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return cached
        task = self._rendering.get(key)
        if task is None:
            task = asyncio.create_task(self._render(*key), name="simulated voice")
            self._rendering[key] = task
            task.add_done_callback(lambda _: self._rendering.pop(key, None))
        # A listener who hangs up must not spoil the rendering for another one, nor a half-read pipe.
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Ends the child processes; a text still being rendered raises CancelledError. Any number of times."""
        tasks = list(self._rendering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._espeak is not None:
            await self._espeak.aclose()

    async def _render(self, voice: EspeakVoice, text: str, sample_rate_hz: int) -> Pcm:
        if self._espeak is None:
            self._espeak = self._find_espeak()
        pcm, rate_hz = await self._espeak.render(text, voice)
        pcm = await asyncio.to_thread(_finish, pcm, rate_hz, sample_rate_hz)
        self._cache[voice, text, sample_rate_hz] = pcm
        if len(self._cache) > CACHED_TEXTS:
            self._cache.popitem(last=False)
        return pcm


def espeak_voice(voice_id: str, text: str, language: str | None) -> EspeakVoice:
    """Variant and pitch follow from `voice_id`, the language from the text's script, then from `language`."""
    digest = zlib.crc32(voice_id.encode())
    variant = _VARIANTS[digest % len(_VARIANTS)]
    pitch = _PITCHES[digest // len(_VARIANTS) % len(_PITCHES)]
    return EspeakVoice(f"{_espeak_language(text, language)}+{variant}", pitch)


def _espeak_language(text: str, language: str | None) -> str:
    if len(re.findall(r"[\u0600-\u06FF]", text)) > len(re.findall(r"[A-Za-z]", text)):
        return "ar"
    code = (language or "en").lower().split("-")[0]
    english = _LANGUAGES["en"]
    return english if code == "ar" else _LANGUAGES.get(code, english)


def _finish(pcm: Pcm, rate_hz: int, wanted_hz: int) -> Pcm:
    """Resampled, and cut to what can be heard with a short tail."""
    if rate_hz != wanted_hz:
        pcm = _resample(pcm, rate_hz, wanted_hz)
    heard = np.flatnonzero(np.abs(pcm.astype(np.int32)) >= AUDIBLE)
    if not len(heard):
        return _read_only(pcm[:0].copy())
    tail = wanted_hz * _KEPT_TAIL_MS // 1000
    return _read_only(pcm[heard[0] : heard[-1] + 1 + tail].copy())


def _resample(pcm: Pcm, rate_hz: int, wanted_hz: int) -> Pcm:
    if not len(pcm):
        return pcm
    frame = av.AudioFrame.from_ndarray(cast("Any", pcm[np.newaxis]), format="s16", layout="mono")
    frame.sample_rate = rate_hz
    resampler = av.audio.resampler.AudioResampler(format="s16", layout="mono", rate=wanted_hz)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([cast("Pcm", part.to_ndarray()[0]) for part in frames])


def _read_only(pcm: Pcm) -> Pcm:
    pcm.flags.writeable = False
    return pcm

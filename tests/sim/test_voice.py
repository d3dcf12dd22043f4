"""The offline voice: audible from the first sample, the same for the same id, and gone when closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from sim.espeak import EspeakVoice, Pcm, VoiceUnavailableError
from sim.voice import AUDIBLE, CACHED_TEXTS, Voice, espeak_voice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

TEXT = "Hello there, this is the front desk."


@pytest.fixture
async def voice() -> AsyncGenerator[Voice]:
    voice = Voice()
    yield voice
    await voice.aclose()


class CountingEspeak:
    """Counts the renderings; each waits for `gate`."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def render(self, text: str, voice: EspeakVoice) -> tuple[Pcm, int]:
        self.texts.append(text)
        self.begun.set()
        await self.gate.wait()
        return np.full(100, 1000, dtype=np.int16), 16_000

    async def aclose(self) -> None:
        return


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if any("voice_child" in part for part in p.cmdline())]


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100])
async def test_the_first_sample_is_audible_at_any_rate(voice: Voice, rate_hz: int) -> None:
    """Silence before speech is the simulator's to draw, so the voice has none of its own."""
    pcm = await voice.synthesize(TEXT, sample_rate_hz=rate_hz)
    assert pcm.dtype == np.int16
    assert abs(int(pcm[0])) >= AUDIBLE
    last_heard = int(np.flatnonzero(np.abs(pcm.astype(int)) >= AUDIBLE)[-1])
    assert (len(pcm) - 1 - last_heard) / rate_hz <= 0.031


async def test_the_speaking_rate_is_near_165_words_per_minute(voice: Voice) -> None:
    """The pace of a person at a desk: neither slow nor hasty."""
    sentence = "the quick brown fox jumps over the lazy dog and then runs back to the old farm house"
    pcm = await voice.synthesize(sentence, sample_rate_hz=16_000)
    per_minute = len(sentence.split()) / (len(pcm) / 16_000) * 60
    assert 130 <= per_minute <= 220


async def test_rates_differ_only_in_the_number_of_samples(voice: Voice) -> None:
    """Resampling keeps the duration."""
    slow, fast = [await voice.synthesize(TEXT, sample_rate_hz=rate) for rate in (16_000, 24_000)]
    assert len(fast) / 24_000 == pytest.approx(len(slow) / 16_000, rel=0.02)


async def test_arabic_text_is_spoken_by_the_arabic_voice(voice: Voice) -> None:
    """The script decides, even against the configured language."""
    assert espeak_voice("x", "مرحباً بك", "en").name.startswith("ar+")
    assert espeak_voice("x", "Hello", "ar").name.startswith("en-us+")
    assert espeak_voice("x", "Guten Tag", "de-DE").name.startswith("de+")
    assert espeak_voice("x", "Hello", "xx").name.startswith("en-us+")
    assert len(await voice.synthesize("مرحباً بك في مطعمنا", sample_rate_hz=16_000)) > 16_000


async def test_voice_ids_sound_different_but_each_always_the_same(voice: Voice) -> None:
    """An id names one voice."""
    assert espeak_voice("Ada", TEXT, None) == espeak_voice("Ada", TEXT, None)
    assert len({espeak_voice(f"voice {n}", TEXT, None) for n in range(30)}) > 6
    for name in {espeak_voice(f"voice {n}", TEXT, None).name: n for n in range(30)}.values():
        assert len(await voice.synthesize("Hello.", sample_rate_hz=16_000, voice_id=f"voice {name}"))


@pytest.mark.parametrize("text", ["", "  ", "...", "\n-"])
async def test_nothing_to_say_is_no_audio(voice: Voice, text: str) -> None:
    """Not an error: a stream may end in punctuation."""
    assert len(await voice.synthesize(text, sample_rate_hz=16_000)) == 0


async def test_a_sentence_is_rendered_once_and_cannot_be_changed() -> None:
    """The cache returns the same read-only samples, and listeners at the same time share one rendering."""
    espeak = CountingEspeak()
    voice = Voice(lambda: espeak)
    one, two = await asyncio.gather(*(voice.synthesize("Hello", sample_rate_hz=16_000) for _ in range(2)))
    assert one is two
    assert await voice.synthesize(" Hello ", sample_rate_hz=16_000) is one
    assert espeak.texts == ["Hello"]
    with pytest.raises(ValueError, match="read-only"):
        one[0] = 1
    await voice.aclose()


async def test_the_cache_is_bounded_and_forgets_the_least_recently_used() -> None:
    """An endless conversation does not grow for ever; what is used stays."""
    espeak = CountingEspeak()
    voice = Voice(lambda: espeak)
    for number in range(CACHED_TEXTS):
        await voice.synthesize(f"text {number}", sample_rate_hz=16_000)
    await voice.synthesize("text 0", sample_rate_hz=16_000)
    await voice.synthesize("one more", sample_rate_hz=16_000)
    espeak.texts.clear()
    for text in ("text 0", "one more", "text 1"):
        await voice.synthesize(text, sample_rate_hz=16_000)
    assert espeak.texts == ["text 1"]
    await voice.aclose()


async def test_a_listener_who_leaves_does_not_stop_the_others() -> None:
    """Cancelling one of two listeners leaves the shared rendering alone."""
    espeak = CountingEspeak()
    espeak.gate.clear()
    voice = Voice(lambda: espeak)
    leaver, stayer = [asyncio.create_task(voice.synthesize("Hello", sample_rate_hz=16_000)) for _ in range(2)]
    await espeak.begun.wait()
    leaver.cancel()
    await asyncio.wait([leaver])
    espeak.gate.set()
    assert len(await stayer)
    assert espeak.texts == ["Hello"]
    await voice.aclose()


async def test_many_sentences_at_once_share_few_children_and_closing_ends_them() -> None:
    """Two children at most, whatever the load; none is left after closing, however often."""
    voice = Voice()
    texts = [f"This is sentence number {number}." for number in range(12)]
    rendered = await asyncio.gather(*(voice.synthesize(text, sample_rate_hz=16_000) for text in texts))
    assert all(len(pcm) > 8_000 for pcm in rendered)
    assert 1 <= len(children()) <= 2
    await voice.aclose()
    await voice.aclose()
    assert children() == []


async def test_a_dead_child_is_replaced() -> None:
    """The sentence that it took with it fails with a reason; the next one is spoken."""
    voice = Voice()
    await voice.synthesize("First.", sample_rate_hz=16_000)
    for child in children():
        child.kill()
        child.wait()
    with pytest.raises(VoiceUnavailableError, match="child process ended"):
        await voice.synthesize("Second.", sample_rate_hz=16_000)
    assert len(await voice.synthesize("Third.", sample_rate_hz=16_000))
    await voice.aclose()

"""Whose voice was heard is told by the waveform, through noise, loudness and a late begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest_asyncio

from bench.accounts.whose_voice import ALIKE, RATE_HZ, alike, nearest, scores
from sim.voice import Voice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sim.waveform import Pcm

WORDS = "Of course."
VOICES = {"its own": "voice00", "another": "voice01", "a third": "voice03"}


@pytest_asyncio.fixture
async def speaker() -> AsyncIterator[Voice]:
    voice = Voice()
    yield voice
    await voice.aclose()


def over_a_call(pcm: Pcm, seed: int = 1) -> Pcm:
    """Half as loud, with silence before it and noise in it."""
    noise = np.random.default_rng(seed).normal(0, 40, len(pcm) + 4000)
    later = np.concatenate((np.zeros(4000), pcm * 0.5))
    return (later + noise).astype(np.int16)


async def test_the_own_voice_is_found_among_others(speaker: Voice) -> None:
    """It is nearly the same wave; the others say the same words in another one."""
    pcm = await speaker.synthesize(WORDS, sample_rate_hz=RATE_HZ, voice_id="voice00")
    found = await scores(over_a_call(pcm), WORDS, VOICES, speaker)
    assert nearest(found) == "its own"
    assert nearest({"another": found["another"], "a third": found["a third"]}) is None


async def test_a_wave_that_jumps_once_is_still_known(speaker: Voice) -> None:
    """A jitter buffer takes out a few milliseconds: the pieces beside the place are whole."""
    pcm = await speaker.synthesize(WORDS, sample_rate_hz=RATE_HZ, voice_id="voice00")
    cut = RATE_HZ // 8
    jumped = np.concatenate((pcm[:cut], pcm[cut + RATE_HZ // 100 :]))
    assert alike(over_a_call(jumped), pcm) > ALIKE


def test_silence_is_like_nothing() -> None:
    """And so is a sound that is too short."""
    silence, short = np.zeros(RATE_HZ, np.int16), np.full(100, 5000, np.int16)
    loud = (np.random.default_rng(1).normal(0, 5000, RATE_HZ)).astype(np.int16)
    assert alike(silence, loud) == alike(loud, silence) == alike(short, loud) == alike(loud, short) == 0.0


def test_what_is_not_clear_is_nobodys() -> None:
    """A low likeness, or two voices that are nearly as alike; two that sound the same are the first of them."""
    assert nearest({"one": 0.85, "other": 0.5}) == "one"
    assert nearest({"one": 0.65, "other": 0.2}) is None
    assert nearest({"one": 0.85, "other": 0.8}) is None
    assert nearest({"one": 0.85, "twin": 0.85, "other": 0.5}) == "one"

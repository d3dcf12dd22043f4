"""The shape of a sound: its age, its end, and whether the mouth was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.speech.library import RATE_HZ, load_speech
from turns.sound_shape import GAP_S, SoundShape

if TYPE_CHECKING:
    from utils.audio import Pcm

FRAME = RATE_HZ // 100


def tone(ms: int, *, hz: float = 200.0, level: float = 0.3) -> Pcm:
    time_s = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    return (level * 32767 * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)


def silence(ms: int) -> Pcm:
    return np.zeros(RATE_HZ * ms // 1000, dtype=np.int16)


def shape_of(*parts: Pcm, same: bool = False) -> SoundShape:
    pcm, shape = np.concatenate(parts), SoundShape()
    for begin in range(0, len(pcm) - FRAME + 1, FRAME):
        shape.push(pcm[begin : begin + FRAME], RATE_HZ, same=same)
    return shape


def test_silence_is_no_sound() -> None:
    """Nothing has an age before there was something; an empty frame changes nothing."""
    shape = shape_of(silence(500))
    shape.push(silence(0), RATE_HZ)
    assert (shape.age_s, shape.loud_s, shape.is_hum) == (0.0, 0.0, False)


def test_age_and_end() -> None:
    """The age counts from the first loud frame, quiet from the last one."""
    shape = shape_of(silence(300), tone(200), silence(50))
    assert shape.age_s == pytest.approx(0.25)
    assert shape.loud_s == pytest.approx(0.2)
    assert shape.quiet_s == pytest.approx(0.05)


@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_the_level_does_not_matter(gain: float) -> None:
    """A soft voice has the same shape as a loud one."""
    shape = shape_of(silence(300), tone(200, level=0.3 * gain), silence(50))
    assert (shape.age_s, shape.loud_s) == pytest.approx((0.25, 0.2))


def test_an_end_is_found_in_noise() -> None:
    """A street behind the voice: its level is what counts as quiet."""
    noise = np.random.default_rng(1).normal(0, 700, RATE_HZ * 2).astype(np.int16)
    voice = noise.copy()
    voice[RATE_HZ : RATE_HZ + RATE_HZ // 4] += tone(250)
    shape = shape_of(voice[: RATE_HZ + RATE_HZ // 4 + 10 * FRAME])
    assert shape.loud_s == pytest.approx(0.25, abs=0.02)
    assert shape.quiet_s == pytest.approx(0.1, abs=0.02)


def test_a_hiss_is_no_end() -> None:
    """An "s" lies 25 dB below its vowel and belongs to the word; a softened vowel as soft as that does not."""
    hiss = np.diff(np.random.default_rng(2).normal(0, 1, RATE_HZ // 5 + 1))
    soft = 0.3 * 10 ** (-25 / 20) / np.sqrt(2) * 32767
    word = shape_of(silence(300), tone(200), (hiss / hiss.std() * soft).astype(np.int16))
    assert word.quiet_s == 0.0
    assert shape_of(silence(300), tone(200), tone(200, level=soft / 32767)).quiet_s == pytest.approx(0.2)


def test_a_gap_begins_a_new_sound() -> None:
    """Unless who listens knows that it is the same."""
    parts = (silence(100), tone(300), silence(int(GAP_S * 1000) + 10), tone(100))
    assert shape_of(*parts).age_s == pytest.approx(0.1)
    assert shape_of(*parts, same=True).age_s > 0.3 + GAP_S


def test_a_closed_mouth_is_told_from_an_open_one() -> None:
    """ "Mm-hm" is a hum all along; no recorded sentence is one after 300 ms."""
    hums: list[str] = []
    for name, recording in load_speech().items():
        first = int(np.flatnonzero(np.abs(recording.pcm) > 300)[0])
        if shape_of(recording.pcm[first : first + RATE_HZ * 3 // 10], same=True).is_hum:
            hums.append(name)
    assert hums == ["mm_hm"]

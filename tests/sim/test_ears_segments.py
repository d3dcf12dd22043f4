"""Sound and silence: exact on made-up signals."""

from __future__ import annotations

import numpy as np
import pytest

from sim.ears.segments import Segmenter
from sim.speech.library import load_speech

RNG = np.random.default_rng(5)


def tone(ms: int, amplitude: float) -> np.ndarray:
    return amplitude * np.sin(np.arange(ms * 16) * 0.2)


def signal(*parts: np.ndarray, noise: float = 0.0) -> np.ndarray:
    joined = np.concatenate(parts)
    return (joined + RNG.standard_normal(len(joined)) * noise).astype(np.int16)


def feed(segmenter: Segmenter, pcm: np.ndarray, block: int = 160) -> list[bool]:
    states: list[bool] = []
    for start in range(0, len(pcm), block):
        segmenter.feed(pcm[start : start + block])
        states.append(segmenter.activity.speaking)
    return states


@pytest.mark.parametrize("block", [160, 333, 800, 16000])
@pytest.mark.parametrize("noise", [0.0, 40.0])
def test_last_sound_is_found_for_any_block_size(block: int, noise: float) -> None:
    """The end of sound is known within a frame, in silence and in noise, whatever the blocks are."""
    segmenter = Segmenter()
    feed(segmenter, signal(np.zeros(16000), tone(500, 3000), np.zeros(16000), noise=noise), block)
    assert segmenter.last_sound_ms == pytest.approx(1500, abs=10)
    assert segmenter.heard_ms == 2500


def test_speaking_ends_200_ms_after_the_sound() -> None:
    """Short gaps belong to the sound, longer ones end it."""
    segmenter = Segmenter()
    pause, word = np.zeros(150 * 16), tone(300, 3000)
    states = feed(segmenter, signal(np.zeros(8000), word, pause, word, np.zeros(8000)))
    begins = [i for i in range(1, len(states)) if states[i] and not states[i - 1]]
    ends = [i for i in range(1, len(states)) if states[i - 1] and not states[i]]
    assert len(begins) == len(ends) == 1
    assert (ends[0] + 1) * 10 == pytest.approx(500 + 750 + 200, abs=20)


def test_steady_noise_and_clicks_are_no_speech() -> None:
    """A fan and a click of 10 ms start nothing."""
    segmenter = Segmenter()
    fan = signal(np.zeros(16000 * 4), noise=80)
    fan[40000:40160] += signal(tone(10, 8000))
    assert not any(feed(segmenter, fan))
    assert segmenter.last_sound_ms is None


def test_an_offset_is_no_sound() -> None:
    """A constant offset of a cheap sound card is silence."""
    segmenter = Segmenter()
    feed(segmenter, np.full(16000, 1500, np.int16))
    assert segmenter.last_sound_ms is None


@pytest.mark.parametrize("name", sorted(load_speech()))
def test_the_manifests_speech_end_is_what_is_heard(name: str) -> None:
    """The committed end of speech agrees with the segmenter (a faded last sound may be heard 80 ms shorter)."""
    recording = load_speech()[name]
    segmenter = Segmenter()
    feed(segmenter, np.concatenate([recording.pcm, np.zeros(8000, np.int16)]))
    assert segmenter.last_sound_ms is not None
    assert -80 <= segmenter.last_sound_ms - recording.speech_end_ms <= 20

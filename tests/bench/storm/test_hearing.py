"""A greeting that was cut, torn, doubled or never said, by real recordings."""

from __future__ import annotations

import numpy as np
import pytest

from bench.storm.hearing import Reference
from sim.speech.library import RATE_HZ, load_speech
from sim.waveform import Pcm, audible_spans

NOISE_AMPLITUDE = 3  # of 32767: what a codec leaves of silence


def spoken(name: str) -> Pcm:
    """A recording from its first sound to its last."""
    pcm = load_speech()[name].pcm
    spans = audible_spans(pcm, RATE_HZ)
    return pcm[spans[0].begin : spans[-1].end]


def silence(ms: float) -> Pcm:
    return np.random.default_rng(1).integers(-NOISE_AMPLITUDE, NOISE_AMPLITUDE + 1, samples(ms)).astype(np.int16)


def samples(ms: float) -> int:
    return round(RATE_HZ * ms / 1000)


def track(*parts: Pcm) -> Pcm:
    """What a caller receives: silence before, between and after."""
    return np.concatenate([part for each in parts for part in (silence(1500), each)] + [silence(1500)])


@pytest.fixture(scope="module")
def greeting() -> Pcm:
    """About as long as the agent's: two sentences with a pause."""
    return np.concatenate([spoken("opening_hours"), silence(250), spoken("book_table")])


@pytest.fixture(scope="module")
def reference(greeting: Pcm) -> Reference:
    return Reference(track(greeting), RATE_HZ)


@pytest.mark.parametrize("gain", [1.0, 0.8])
def test_the_same_greeting_is_whole(reference: Reference, greeting: Pcm, gain: float) -> None:
    """A little softer too, and nothing of it is missed."""
    heard = reference.compare(track((greeting * gain).astype(np.int16)))
    assert heard.whole
    assert not heard.twice
    assert heard.missed_ms == 0


@pytest.mark.parametrize("stall_ms", [100, 400, 1000])
def test_a_stall_is_not_a_loss(reference: Reference, greeting: Pcm, stall_ms: float) -> None:
    """A hole that comes from a busy machine, with everything after it, is whole and longer by the hole."""
    middle = len(greeting) // 3
    heard = reference.compare(track(np.concatenate([greeting[:middle], silence(stall_ms), greeting[middle:]])))
    assert heard.whole
    assert not heard.twice
    assert heard.stalled_ms == pytest.approx(stall_ms, abs=30)


@pytest.mark.parametrize("cut_ms", [400, 1000, 2000])
@pytest.mark.parametrize("end", ["first", "last"])
def test_a_cut_greeting_is_not_whole(reference: Reference, greeting: Pcm, cut_ms: float, end: str) -> None:
    """Its beginning missed or its end, by as little as a word."""
    kept = greeting[samples(cut_ms) :] if end == "first" else greeting[: -samples(cut_ms)]
    assert not reference.compare(track(kept)).whole


def test_a_hole_is_not_whole(reference: Reference, greeting: Pcm) -> None:
    """Words that are silent while the time goes on."""
    holed = greeting.copy()
    begin = len(holed) // 4
    holed[begin : begin + samples(700)] = silence(700)
    assert not reference.compare(track(holed)).whole


@pytest.mark.parametrize("again", [1.0, 0.4])
def test_a_second_greeting_is_found(reference: Reference, greeting: Pcm, again: float) -> None:
    """All of it a second time, or its beginning."""
    heard = reference.compare(track(greeting, greeting[: round(len(greeting) * again)]))
    assert heard.whole
    assert heard.twice


@pytest.mark.parametrize("name", ["cancel", "who_are_you", "help"])
def test_other_words_are_not_the_greeting(reference: Reference, greeting: Pcm, name: str) -> None:
    """Speech of the same length that says something else."""
    other = np.resize(spoken(name), len(greeting))
    assert not reference.compare(track(other)).whole


def test_silence_is_not_the_greeting(reference: Reference, greeting: Pcm) -> None:
    """All of it is missed, and silence cannot be a reference."""
    heard = reference.compare(silence(5000))
    assert not heard.whole
    assert heard.active_ms == 0
    with pytest.raises(ValueError, match="none audible"):
        Reference(silence(1000), RATE_HZ)

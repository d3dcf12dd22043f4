"""Recorded sentences with a pause put in between two words. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim.speech.library import RATE_HZ, SpokenWord
from sim.waveform import first_audible, last_audible

if TYPE_CHECKING:
    from sim.speech.library import Recording, Samples

SEARCH_MS = 40.0
"""How far around the border of two words the quietest place is looked for."""
WINDOW_MS = 5
FADE_MS = 5
EDGE_MS = 20.0
"""At most so much is kept of the quiet end and the quiet beginning of the two words."""


def paused(recording: Recording, name: str, after_word: int, pause_ms: float) -> Recording:
    """A copy called `name` in which nothing is audible for `pause_ms` behind word number `after_word` (from 0).

    A pause that is there already is replaced. ValueError if no word follows, or for less than two EDGE_MS.
    """
    words = recording.words
    if not 0 <= after_word < len(words) - 1:
        raise ValueError(f"after_word: got {after_word}, allowed: 0 to {len(words) - 2} in {recording.id}")
    if pause_ms < 2 * EDGE_MS:
        raise ValueError(f"pause_ms: got {pause_ms:g}, allowed: {2 * EDGE_MS:g} and more")
    last_ms, left_ms, right_ms, first_ms = _edges(recording, after_word)
    silence_ms = pause_ms - (left_ms - last_ms) - (first_ms - right_ms)
    left = _faded(recording.pcm[: _samples(left_ms)], at_end=True)
    right = _faded(recording.pcm[_samples(right_ms) :], at_end=False)
    later_ms = silence_ms - (right_ms - left_ms)
    moved = tuple(
        SpokenWord(word.text, max(word.start_ms, right_ms) + later_ms, word.end_ms + later_ms)
        for word in words[after_word + 1 :]
    )
    last = words[after_word]
    before = (*words[:after_word], SpokenWord(last.text, last.start_ms, min(last.end_ms, left_ms)))
    pcm = np.concatenate((left, np.zeros(_samples(silence_ms), np.int16), right))
    pcm.setflags(write=False)
    return replace(
        recording,
        id=name,
        words=(*before, *moved),
        duration_ms=recording.duration_ms + later_ms,
        speech_end_ms=recording.speech_end_ms + later_ms,
        pcm=pcm,
    )


def with_text(recording: Recording, text: str) -> Recording:
    """The same words with other punctuation or case. ValueError if there are not as many."""
    words = text.split()
    if len(words) != len(recording.words):
        raise ValueError(f"{recording.id}: got {len(words)} words in {text!r}, allowed: {len(recording.words)}")
    timed = zip(words, recording.words, strict=True)
    return replace(recording, text=text, words=tuple(SpokenWord(told, w.start_ms, w.end_ms) for told, w in timed))


def _edges(recording: Recording, after_word: int) -> tuple[float, float, float, float]:
    """Where the one word is audible last and where it is cut; where the next is cut and where it is audible first."""
    left_ms, right_ms = _borders(recording, after_word)
    last = last_audible(recording.pcm[: _samples(left_ms)], RATE_HZ)
    first = first_audible(recording.pcm[_samples(right_ms) :], RATE_HZ)
    if last is None or first is None:
        raise ValueError(f"{recording.id}: nothing is audible on one side of word {after_word}")
    last_ms, first_ms = (last + 1) * 1000 / RATE_HZ, right_ms + first * 1000 / RATE_HZ
    return last_ms, min(left_ms, last_ms + EDGE_MS), max(right_ms, first_ms - EDGE_MS), first_ms


def _borders(recording: Recording, after_word: int) -> tuple[float, float]:
    """The end of the one word and the beginning of the next: one place where they follow without a pause."""
    end_ms, start_ms = recording.words[after_word].end_ms, recording.words[after_word + 1].start_ms
    if start_ms - end_ms > WINDOW_MS:
        return end_ms, start_ms
    quietest_ms = _quietest_ms(recording.pcm, end_ms - SEARCH_MS, end_ms + SEARCH_MS)
    return quietest_ms, quietest_ms


def _quietest_ms(pcm: Samples, from_ms: float, to_ms: float) -> float:
    """The middle of the quietest window."""
    starts_ms = np.arange(from_ms, to_ms, WINDOW_MS)
    powers = [_power(pcm[_samples(at_ms) : _samples(at_ms + WINDOW_MS)]) for at_ms in starts_ms]
    return float(starts_ms[int(np.argmin(powers))]) + WINDOW_MS / 2


def _power(pcm: Samples) -> float:
    return float(np.mean(pcm.astype(np.float64) ** 2)) if len(pcm) else 0.0


def _faded(pcm: Samples, *, at_end: bool) -> Samples:
    """Without a click where it was cut."""
    faded, count = pcm.astype(np.float32), min(_samples(FADE_MS), len(pcm))
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    if at_end:
        faded[len(faded) - count :] *= ramp[::-1]
    else:
        faded[:count] *= ramp
    return faded.astype(np.int16)


def _samples(ms: float) -> int:
    return round(ms * RATE_HZ / 1000)

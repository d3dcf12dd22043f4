"""Whose voice was heard: the waveform of the first words beside the same words in each voice that it could be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.waveform import audible_spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.caller import Caller
    from sim.voice import Voice
    from sim.waveform import Pcm

RATE_HZ = 24_000
THIN = 6
"""Of so many samples one is compared: above 2 kHz a call keeps less of a voice's own wave."""
PIECE_MS, PIECES = 240, 4
"""Compared piece by piece, and the best one counts: a jitter buffer may have stretched the others."""
HEARD_MS = 1600.0
ALIKE, CLEARER = 0.7, 0.1
"""From here on a voice is known, if it is by so much more alike than the next one. Over a call its own source is about
0.8 to 0.9, the same words in another voice 0.4 to 0.7; of sound that comes in pieces nothing can be told."""


def alike(heard: Pcm, source: Pcm) -> float:
    """From 0 to 1: how much of `source`'s beginning is in the beginning of `heard`. Both at RATE_HZ."""
    found, known = _thin(_from_onset(heard)), _thin(_from_onset(source))
    size = PIECE_MS * RATE_HZ // THIN // 1000
    pieces = [known[begin : begin + size] for begin in range(0, size * PIECES, size)]
    return max((_correlation(found, piece) for piece in pieces if len(piece) == size), default=0.0)


async def scores(heard: Pcm, words: str, voices: Mapping[str, str], speaker: Voice) -> dict[str, float]:
    """How much `heard` is like `words` in each of `voices` (name to voice id)."""
    found: dict[str, float] = {}
    for name, voice_id in voices.items():
        source = await speaker.synthesize(words, sample_rate_hz=RATE_HZ, voice_id=voice_id)
        found[name] = alike(heard, source)
    return found


def nearest(found: Mapping[str, float]) -> str | None:
    """The one of `scores` that was heard, the first of those that sound the same; None: nobody can tell."""
    best = max(found, key=lambda name: found[name])
    others = [score for score in found.values() if score != found[best]]
    clear = found[best] >= ALIKE and found[best] - max(others, default=0.0) >= CLEARER
    return best if clear else None


def sound_since(caller: Caller, since_s: float) -> Pcm:
    """What the caller heard from the first sound that began at `since_s` (`time.perf_counter()`) or later."""
    for track in caller.heard():
        pcm, until_s = track.pcm, track.heard_until
        begin_s = track.onset(since_s, 0.0)
        if begin_s is not None and until_s is not None:
            kept = round((until_s - begin_s + 0.05) * track.sample_rate_hz)
            return pcm[max(len(pcm) - kept, 0) :]
    return np.zeros(0, np.int16)


def _from_onset(pcm: Pcm) -> Pcm:
    spans = audible_spans(pcm, RATE_HZ)
    return pcm[spans[0].begin :][: round(HEARD_MS * RATE_HZ / 1000)] if spans else pcm[:0]


def _thin(pcm: Pcm) -> NDArray[np.float64]:
    whole = len(pcm) // THIN * THIN
    return pcm[:whole].reshape(-1, THIN).mean(axis=1)


def _correlation(heard: NDArray[np.float64], piece: NDArray[np.float64]) -> float:
    """The best of all places in `heard`, each compared at its own loudness."""
    loudness = float(np.sqrt((piece**2).sum()))
    if len(heard) < len(piece) or loudness == 0.0:
        return 0.0
    size = 1 << (len(heard) + len(piece)).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)
    places = len(heard) - len(piece) + 1
    sums = np.concatenate(([0.0], np.cumsum(heard**2)))
    loud = np.sqrt(sums[len(piece) :] - sums[:places])
    # A place that is nearly silent is like anything.
    return float(np.max(np.abs(products[:places]) / np.maximum(loud, loudness * 0.05) / loudness))

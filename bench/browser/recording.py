"""What the tap has recorded: two sides on one clock, and what is in them. Pure but for the asking."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.waveform import Gate, Pcm, Span, audible_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Page

CHIRP_S = 0.1
FROM_HZ, TO_HZ = 500.0, 2500.0
LATEST_S = 0.6
"""Chirps are 0.7 s and more apart."""
LIKE_ENOUGH = 0.4
"""The least correlation of a chirp that came back with the one that left."""
SENTENCE_MS = 700.0
"""A pause that is shorter is within what somebody says."""


@dataclass(frozen=True)
class Recorded:
    """Mono 16 bit. `begin_ms`: the first sample, on the page's `performance.now()`."""

    rate_hz: int
    begin_ms: float
    microphone: Pcm
    agent: Pcm

    def first_audible_ms(self) -> float | None:
        """Of the agent, on the page's `performance.now()`."""
        spans = audible_spans(self.agent, self.rate_hz)
        return self.begin_ms + spans[0].begin / self.rate_hz * 1000 if spans else None


async def recorded(page: Page) -> Recorded:
    """Both sides since the tap was told to forget."""
    found: dict[str, Any] = await page.evaluate("bench.recorded()")
    sides = {side: np.frombuffer(base64.b64decode(found[side]), "<i2") for side in ("microphone", "agent")}
    return Recorded(int(found["rate"]), float(found["beginMs"]), **sides)


def round_trips_ms(sound: Recorded) -> tuple[list[float], int]:
    """For each chirp that left, the time until it was back; and how many never were."""
    chirp = _chirp(sound.rate_hz)
    length = len(chirp)
    out = sound.microphone.astype(np.float64)
    back = sound.agent.astype(np.float64)
    delays_ms: list[float] = []
    lost = 0
    for sent in _onsets(out, sound.rate_hz):
        window = back[sent : sent + round(LATEST_S * sound.rate_hz) + length]
        if len(window) < length + 1:
            break  # the recording ended before it could be back
        at = _best_match(window, chirp)
        if at is None:
            lost += 1
        else:
            delays_ms.append(at / sound.rate_hz * 1000)
    return delays_ms, lost


def gaps_ms(sound: Recorded, sentences: int) -> list[float]:
    """From the end of each sentence of the microphone to the agent's next first sample. ValueError without one."""
    said = _sentences(sound.microphone, sound.rate_hz)
    heard = _sentences(sound.agent, sound.rate_hz)
    if len(said) != sentences:
        raise ValueError(f"the microphone recorded {len(said)} sentences, not {sentences}")
    gaps: list[float] = []
    for number, (_, end) in enumerate(said):
        before = said[number + 1][0] if number + 1 < len(said) else float("inf")
        reply = next((begin for begin, _ in heard if end < begin < before), None)
        if reply is None:
            raise ValueError(f"no reply was heard to sentence {number + 1}")
        gaps.append((reply - end) / sound.rate_hz * 1000)
    return gaps


def _sentences(pcm: Pcm, rate_hz: int) -> list[tuple[int, int]]:
    """Begin and end of each, in samples; pauses within are closed."""
    pause = SENTENCE_MS / 1000 * rate_hz
    found: list[tuple[int, int]] = []
    for span in _ended(audible_spans(pcm, rate_hz, Gate()), len(pcm)):
        if found and span[0] - found[-1][1] < pause:
            found[-1] = (found[-1][0], span[1])
        else:
            found.append(span)
    return found


def _ended(spans: Sequence[Span], length: int) -> list[tuple[int, int]]:
    return [(span.begin, length if span.end is None else span.end) for span in spans]


def _chirp(rate_hz: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    at = np.arange(round(CHIRP_S * rate_hz)) / rate_hz
    return np.sin(2 * np.pi * (FROM_HZ * at + (TO_HZ - FROM_HZ) / CHIRP_S / 2 * at * at))


def _onsets(out: np.ndarray[Any, np.dtype[np.float64]], rate_hz: int) -> list[int]:
    """The first sample of each chirp that left: before it there is digital silence."""
    loud = np.flatnonzero(np.abs(out) > 0)
    if not len(loud):
        return []
    begins = np.flatnonzero(np.diff(loud) > rate_hz * CHIRP_S) + 1
    # A sine begins with a sample that is 0.
    return [max(0, int(loud[begin]) - 1) for begin in (0, *begins)]


def _best_match(
    window: np.ndarray[Any, np.dtype[np.float64]], chirp: np.ndarray[Any, np.dtype[np.float64]]
) -> int | None:
    """Where in `window` the chirp is; None if nothing there is like it."""
    size = 1 << (len(window) + len(chirp)).bit_length()
    products = np.fft.irfft(np.fft.rfft(window, size) * np.conj(np.fft.rfft(chirp, size)), size)
    places = len(window) - len(chirp) + 1
    sums = np.concatenate(([0.0], np.cumsum(window**2)))
    energy = sums[len(chirp) :][:places] - sums[:places]
    floor = (32767 * 10 ** (-50 / 20)) ** 2 * len(chirp)  # in silence anything is like anything
    like = products[:places] / np.sqrt(np.maximum(energy, floor) * np.sum(chirp**2))
    at = int(np.argmax(like))
    return at if like[at] >= LIKE_ENOUGH else None

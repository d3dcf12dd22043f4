"""Whether a greeting was heard whole, and how often: what came in beside the same greeting in a quiet call. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.waveform import audible_spans

if TYPE_CHECKING:
    from sim.waveform import Pcm, Span

Levels: TypeAlias = NDArray[np.float64]

WINDOW_MS = 10
QUIETEST_DBFS = -55.0
FULL_SCALE = 32768.0
LONGEST_PAUSE_MS = 50
"""Pauses are cut to it before sounds are compared: where a busy machine stalls, nothing is missed."""
# Pieces are looked for one by one, each near the one before: what a jitter buffer stretches is not missed either.
PIECE_MS = 300
PIECE_MOVES_MS = 250
ALIKE = 0.75  # correlation of two pieces' levels: above 0.9 for the same, about 0.6 for other speech
ALIKE_HALF = 0.85
MISSED_LIMIT_MS = 300.0  # one piece: the packets around a stall
LEAST_ACTIVE = 0.85  # of the greeting's own sound
MOST_ACTIVE = 1.25  # what a jitter buffer fills a stall with sounds too
SHORTER_LIMIT_MS = 200.0  # a jitter buffer may hurry, but not more than that


@dataclass(frozen=True)
class Heard:
    """What one track said. `active_ms`: sound without pauses, of which the greeting has `expected_ms`.

    `missed_ms`: of the greeting, what is not in it. `stalled_ms`: how much longer than the greeting it took,
    from the first sound to the last.
    """

    active_ms: float
    expected_ms: float
    missed_ms: float
    stalled_ms: float

    @property
    def twice(self) -> bool:
        """More than the greeting: the same or something else was said as well."""
        return self.active_ms > MOST_ACTIVE * self.expected_ms

    @property
    def whole(self) -> bool:
        """All of the greeting, whatever else."""
        return (
            self.missed_ms <= MISSED_LIMIT_MS
            and self.active_ms >= LEAST_ACTIVE * self.expected_ms
            and self.stalled_ms >= -SHORTER_LIMIT_MS
        )

    def __str__(self) -> str:
        return (
            f"{self.active_ms:.0f} ms of sound where the greeting has {self.expected_ms:.0f}, "
            f"{self.missed_ms:.0f} ms of the greeting not found, {self.stalled_ms:+.0f} ms in length"
        )


class Reference:
    """The greeting as a quiet call hears it. ValueError if `pcm` holds no speech."""

    def __init__(self, pcm: Pcm, rate_hz: int) -> None:
        spans = audible_spans(pcm, rate_hz)
        if not spans:
            raise ValueError(f"pcm: {len(pcm)} samples with none audible")
        self._rate_hz = rate_hz
        self.active_ms = _active_ms(spans, rate_hz)
        self.length_ms = _ms(_end(spans[-1]) - spans[0].begin, rate_hz)
        self._levels = _levels(pcm, spans, rate_hz)

    def compare(self, pcm: Pcm) -> Heard:
        """All that came in by one track beside the greeting."""
        spans = audible_spans(pcm, self._rate_hz)
        if not spans:
            return Heard(0.0, self.active_ms, self.active_ms, -self.length_ms)
        return Heard(
            active_ms=_active_ms(spans, self._rate_hz),
            expected_ms=self.active_ms,
            missed_ms=self._missed_ms(_levels(pcm, spans, self._rate_hz)),
            stalled_ms=_ms(_end(spans[-1]) - spans[0].begin, self._rate_hz) - self.length_ms,
        )

    def _missed_ms(self, heard: Levels) -> float:
        missed_ms = 0.0
        lag = _best_lag(self._levels, heard)
        size = PIECE_MS // WINDOW_MS
        for begin in range(0, len(self._levels) - size // 2, size):
            piece = self._levels[begin : begin + size]
            shift = _find(piece, heard, begin + lag, ALIKE)
            if shift is not None:
                lag += shift
                continue
            # A stall in the middle of a piece moves its second half alone.
            half = len(piece) // 2
            for at, part in ((begin, piece[:half]), (begin + half, piece[half:])):
                if _find(part, heard, at + lag, ALIKE_HALF) is None:
                    missed_ms += len(part) * WINDOW_MS
        return missed_ms


def _find(piece: Levels, heard: Levels, at: int, alike: float) -> int | None:
    """How far from `at` the piece is in `heard`, in windows; None if nothing there is like it."""
    moves = PIECE_MOVES_MS // WINDOW_MS
    likeness = _likeness(piece, _cut(heard, at - moves, len(piece) + 2 * moves))
    # The nearest of equally good places: speech repeats itself.
    best = max(range(-moves, moves + 1), key=lambda shift: (round(float(likeness[shift + moves]), 3), -abs(shift)))
    return best if likeness[best + moves] >= alike else None


def _best_lag(reference: Levels, heard: Levels) -> int:
    """How many windows later the reference's begin is in `heard`."""
    together = np.correlate(heard - heard.mean(), reference - reference.mean(), mode="full")
    return int(np.argmax(together)) - (len(reference) - 1)


def _likeness(piece: Levels, levels: Levels) -> Levels:
    """The correlation with the piece at each place in `levels`; 0 where one of the two does not change."""
    places = np.lib.stride_tricks.sliding_window_view(levels, len(piece))
    piece = piece - piece.mean()
    places = places - places.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(places, axis=1) * np.linalg.norm(piece)
    return np.divide(places @ piece, sizes, out=np.zeros(len(places)), where=sizes > 0)


def _cut(levels: Levels, begin: int, count: int) -> Levels:
    """`count` levels from `begin`, silence where there are none."""
    cut = np.zeros(count)
    inside = levels[max(begin, 0) : max(begin + count, 0)]
    at = max(-begin, 0)
    cut[at : at + len(inside)] = inside
    return cut


def _levels(pcm: Pcm, spans: list[Span], rate_hz: int) -> Levels:
    """dB above QUIETEST_DBFS from the first span to the last one, one a window; 0 is silence, of which little stays."""
    window = rate_hz * WINDOW_MS // 1000
    sound = pcm[spans[0].begin : _end(spans[-1])]
    count = len(sound) // window
    samples = sound[: count * window].reshape(count, window).astype(np.float64) / FULL_SCALE
    powers = np.maximum(np.mean(samples**2, axis=1), 1e-12)
    levels = np.maximum(10 * np.log10(powers) - QUIETEST_DBFS, 0.0)
    kept: list[int] = []
    silent = 0
    for index, level in enumerate(levels):
        silent = 0 if level > 0 else silent + 1
        if silent <= LONGEST_PAUSE_MS // WINDOW_MS:
            kept.append(index)
    return levels[kept]


def _active_ms(spans: list[Span], rate_hz: int) -> float:
    return sum(_ms(_end(span) - span.begin, rate_hz) for span in spans)


def _end(span: Span) -> int:
    return span.begin if span.end is None else span.end


def _ms(samples: int, rate_hz: int) -> float:
    return samples * 1000 / rate_hz

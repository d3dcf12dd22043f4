"""One sound, from its onset on, compared with every recording of a phrasebook."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

from .base import Word
from .envelope import BANDS, Matrix

if TYPE_CHECKING:
    import numpy.typing as npt

    from .phrasebook import Phrasebook

HOP_MS = 20
GRID_MS = 10
"""References are kept twice as fine as what is heard, so that any offset meets a good match."""
SHIFTS = 33
"""Alignments tried: 160 ms to either side of the found onset."""
KNOWN_FROM = 0.80
"""Correlation from which a sound is taken for a recording: the right one has 0.95, others stay below 0.75."""
RIVAL_WITHIN = 0.06
"""Recordings this close to the best one must agree on a word before it is believed."""
WARP_FROM_MS = 300
WARP_KNOWN_FROM = 0.85
WARP_COST = 0.08
"""What a jump takes off the correlation so far: other speech would need many to look like a recording."""
EARLIEST_MS = 200
UNDECIDED_MS = 500
DONE_SILENCE_MS = 200
PAUSE_SLACK_MS = 250


class Verdict(Enum):
    """Is the sound a recording of the phrasebook?"""

    UNDECIDED = auto()
    KNOWN = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class _Score:
    index: int
    correlation: float
    begin_ms: float
    """Where the recording's first sample lies in the stream."""


class Utterance:
    """Sound from one onset on, compared with every recording at every small shift, in running sums.

    A jitter buffer stretches and drops sound, so the right shift may jump in the middle. For a recording that
    is known, a shift that has fallen behind takes over the sums of the best one: it then stands for "so far like
    the best, from here on at my own shift", as in dynamic time warping, at the price of one comparison.
    """

    def __init__(self, book: Phrasebook, onset_ms: float) -> None:
        self.onset_ms = onset_ms
        self.heard_ms = onset_ms
        self._book = book
        self._count = 0
        shape = (len(book.recordings), SHIFTS)
        self._r, self._rr, self._hr = (np.zeros(shape) for _ in range(3))
        self._h = self._hh = 0.0
        self._ranked: list[_Score] = []
        self._begun: dict[tuple[int, int], float] = {}
        self._ended: dict[tuple[int, int], float] = {}

    def hear(self, window_start_ms: float, row: Matrix) -> None:
        """Add the next 20 ms."""
        references = self._book.references(window_start_ms - self.onset_ms)
        self._count += BANDS
        self._h += float(row.sum())
        self._hh += float((row * row).sum())
        self._r += references.sum(axis=2)
        self._rr += (references * references).sum(axis=2)
        self._hr += references @ row
        self.heard_ms = window_start_ms + HOP_MS
        correlation = self._correlation()
        self._ranked = self._rank(correlation)
        if self.heard_ms - self.onset_ms >= WARP_FROM_MS:
            self._warp(correlation)
        self._settle_times()

    def _correlation(self) -> npt.NDArray[np.float64]:
        n = self._count
        covariance = self._hr - self._h * self._r / n
        spread = (self._hh - self._h**2 / n) * (self._rr - self._r**2 / n)
        return covariance / np.sqrt(np.maximum(spread, 1e-9))

    def _rank(self, correlation: npt.NDArray[np.float64]) -> list[_Score]:
        shifts = correlation.argmax(axis=1)
        scores: list[_Score] = []
        for i in np.argsort(-correlation.max(axis=1), kind="stable").tolist():
            shift_ms = (int(shifts[i]) - SHIFTS // 2) * GRID_MS
            begin_ms = self.onset_ms - self._book.onset_ms(i) - shift_ms
            scores.append(_Score(i, float(correlation[i, shifts[i]]), begin_ms))
        return scores

    def _warp(self, correlation: npt.NDArray[np.float64]) -> None:
        best = correlation.max(axis=1)
        for i in np.flatnonzero(best >= WARP_KNOWN_FROM).tolist():
            shift = int(correlation[i].argmax())
            behind = correlation[i] < best[i] - WARP_COST
            r, rr = float(self._r[i, shift]), float(self._rr[i, shift])
            spread = (self._hh - self._h**2 / self._count) * (rr - r**2 / self._count)
            self._r[i, behind], self._rr[i, behind] = r, rr
            self._hr[i, behind] = self._h * r / self._count + (best[i] - WARP_COST) * spread**0.5

    def _settle_times(self) -> None:
        """A later jump must not move the words that have already been said."""
        for score in self.rivals():
            for k, word in enumerate(self._book.recordings[score.index].words):
                key = (score.index, k)
                after_ms = self._ended.get((score.index, k - 1), self.onset_ms - 500)
                if score.begin_ms + word.start_ms < self.heard_ms:
                    self._begun.setdefault(key, max(after_ms, score.begin_ms + word.start_ms))
                if score.begin_ms + word.end_ms <= self.heard_ms:
                    self._ended.setdefault(key, max(self._begun[key] + 1, score.begin_ms + word.end_ms))

    def ranked(self) -> list[_Score]:
        """Every recording at its best shift, best first."""
        return self._ranked

    def rivals(self) -> list[_Score]:
        """The recordings that it may be, best first; none when unknown or too early to say."""
        ranked = self.ranked()
        if not ranked or ranked[0].correlation < KNOWN_FROM or self.heard_ms - self.onset_ms < EARLIEST_MS:
            return []
        return [score for score in ranked if score.correlation >= ranked[0].correlation - RIVAL_WITHIN]

    def verdict(self) -> Verdict:
        if self.rivals():
            return Verdict.KNOWN
        early = self.heard_ms - self.onset_ms < UNDECIDED_MS
        return Verdict.UNDECIDED if early else Verdict.UNKNOWN

    def words(self) -> list[Word]:
        """Words begun so far, up to the first on which the rivals differ."""
        rivals = self.rivals()
        if not rivals:
            return []
        best = rivals[0]
        recording = self._book.recordings[best.index]
        believed: list[Word] = []
        for i, word in enumerate(recording.words):
            key = (best.index, i)
            if key not in self._begun:
                break
            for rival in rivals[1:]:
                others = self._book.recordings[rival.index].words
                if i >= len(others) or others[i].text != word.text:
                    return believed
            start_ms = self._begun[key]
            end_ms = self._ended.get(key, max(start_ms + 1, best.begin_ms + word.end_ms))
            confidence = min(0.99, max(0.5, best.correlation))
            believed.append(Word(word.text, start_ms, end_ms, recording.language, confidence))
        return believed

    def over(self, silence_ms: float) -> bool:
        """Nothing more belongs to this sound: silence after the end of every recording that it may be."""
        if silence_ms < DONE_SILENCE_MS:
            return False
        if silence_ms > self._book.longest_pause_ms + PAUSE_SLACK_MS:
            return True
        ends = [r.begin_ms + self._book.recordings[r.index].speech_end_ms for r in self.rivals()]
        return all(end_ms <= self.heard_ms for end_ms in ends)
